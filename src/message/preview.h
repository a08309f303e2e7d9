// A few words of a message for a list of messages. [RFC8970]
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "message/summary.h"

namespace posthorn::message {

inline constexpr std::size_t kPreviewCharacters = 200;   // [RFC8970 3.3]
inline constexpr std::uint64_t kPreviewBytes = 64 << 10;  // of the part are looked at

// The part that speaks for the message: its first text/plain, else its first text/html, attachments and embedded messages aside.
// kNoPart: nothing readable.
PartIndex find_preview_part(const Summary&);

// UTF-8 on one line, without markup.  `body`: up to kPreviewBytes of the part, as in the message.  Empty: nothing to show.
std::string preview(const Part&, std::string_view body);

}  // namespace posthorn::message
