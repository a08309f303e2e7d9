// Settings of SMTP, submission and LMTP sessions.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/settings.h"

namespace posthorn::server {

using namespace std::chrono_literals;

inline const Setting<std::int64_t> kMaxRecipients{
    "smtp.max_recipients", 1000, 1, 100'000,
    "Recipients of one message; further ones are answered 452. The standard asks for at least 100."};
inline const Setting<std::int64_t> kMaxTransactions{
    "smtp.max_transactions", 100'000, 1, 999'999,
    "Messages on one connection; further ones are answered 421 and the connection is closed."};
inline const Setting<std::int64_t> kMaxErrors{
    "smtp.max_errors", 50, 1, 10'000,
    "Refused commands on one connection since the last accepted message, before it is closed with 421."};
inline const Setting<std::int64_t> kMaxAuthFailures{
    "smtp.max_auth_failures", 5, 1, 100, "Wrong passwords on one connection before it is closed with 421."};
inline const Setting<std::int64_t> kMaxReceived{
    "smtp.max_received", 50, 10, 1000,
    "A message with more Received fields than this is in a mail loop and refused."};
inline const Setting<std::chrono::seconds> kCommandTimeout{
    "smtp.command_timeout", 5min, 1s, 1h, "How long a client may take for a command, or to read an answer."};
inline const Setting<std::chrono::seconds> kDataTimeout{
    "smtp.data_timeout", 5min, 1s, 1h, "How long a client may pause inside a message."};
inline const Setting<std::chrono::seconds> kMessageTimeout{
    "smtp.message_timeout", 1h, 1s, 24h, "How long a client may take for the whole of one message."};
inline const Setting<std::chrono::seconds> kHandshakeTimeout{
    "smtp.handshake_timeout", 30s, 1s, 10min, "How long a TLS handshake may take."};

}  // namespace posthorn::server
