// What an operator may change about POP3, and what is counted.
#pragma once

#include <chrono>

#include "base/metrics.h"
#include "base/settings.h"

namespace posthorn::pop3 {

inline const Setting<std::chrono::seconds> kIdleTimeout{
    "pop3.idle_timeout", std::chrono::minutes(10), std::chrono::minutes(10), std::chrono::hours(24),  // [RFC1939 3]
    "Close a connection that has been silent, or has not taken our answer, for this long."};
inline const Setting<std::int64_t> kMaxErrors{
    "pop3.max_errors", 20, 1, 1'000'000, "Close a connection after this many bad commands or failed sign-ins before a sign-in."};

// A handshake is not idleness: [RFC1939 3] does not ask for patience with it.
inline constexpr std::chrono::seconds kHandshakeTimeout{60};

inline Counter retrieved{"pop3.retrieved", "Messages sent by RETR."};
inline Counter deleted{"pop3.deleted", "Messages removed at QUIT."};

}  // namespace posthorn::pop3
