// Settings of whatever takes mail from users and other servers.  They are named after SMTP, and hold for every protocol.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/settings.h"
#include "intake/send_as.h"

namespace posthorn::intake {

inline const Setting<std::int64_t> kMaxRecipients{
    "smtp.max_recipients", 1000, 1, 100'000,
    "Recipients of one message; further ones are answered 452. The standard asks for at least 100."};
inline const Setting<std::int64_t> kMaxTransactions{
    "smtp.max_transactions", 100'000, 1, 999'999,
    "Messages on one connection; further ones are answered 421 and the connection is closed."};
inline const Setting<std::int64_t> kMaxReceived{
    "smtp.max_received", 50, 10, 1000,
    "A message with more Received fields than this is in a mail loop and refused."};

// --- as whom users may send
enum class SenderCheck { full, envelope, off };
inline constexpr std::string_view kSenderCheckNames[] = {"full", "envelope", "off"};
inline const Setting<SenderCheck> kSenderCheck{
    "smtp.sender_check", SenderCheck::full, kSenderCheckNames,
    "What of a message must name the user who has signed in: full, the sender of the envelope and the fields From and Sender; envelope, only "
    "that sender; off, nothing."};
inline const Setting<std::string> kMaySendAs{
    "smtp.may_send_as", "", kSendAsForm,
    "What accounts may send as, beside the addresses that lead to them: \"@domain\" is a whole domain, \"*\" everything."};

}  // namespace posthorn::intake
