// What was said on a connection, for a trace.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/clock.h"

namespace posthorn::client {

// Passwords and everything else of a sign-in are masked, the bytes of a message are a count.  Lines have no line end and no control
// characters; they may be no UTF-8.
struct TranscriptLine {
  enum class Kind : std::uint8_t { sent, received, note } kind;
  SysTime when;
  std::string_view text;  // valid during the call
};

// Called on the reactor's thread; must not touch the connection.
using Transcript = std::function<void(const TranscriptLine&)>;

}  // namespace posthorn::client
