// Ids of the sections of a message. [SMAP1 6.3]
#pragma once

#include <string>
#include <string_view>

#include "message/summary.h"

namespace posthorn::smap {

// The message itself is "1"; child k of section x is x.k; the message inside a message/rfc822 section x is x.0, and its children x.0.k.
// REQUIRES: the part is one of the summary.
std::string section_id(const message::Summary&, message::PartIndex);

// "" is the message itself, as "1" is.  kNoPart: there is no such section.
message::PartIndex find_section(const message::Summary&, std::string_view id);

}  // namespace posthorn::smap
