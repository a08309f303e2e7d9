// What the sender of a message asked about its way, and how it came to us: kept with it until its last recipient is done.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/ids.h"
#include "proto/smtp/command.h"
#include "proto/smtp/delivery_options.h"

namespace posthorn::queue {

// BY [RFC2852], as a time of day: seconds would run out of date here.
struct DeliverBy {
  SysTime by;
  bool return_if_late = true;  // R; else N: notify
  bool trace = false;
  friend bool operator==(const DeliverBy&, const DeliverBy&) = default;
};

// What MAIL said about the message.
struct MailOptions {
  smtp::Body body = smtp::Body::seven_bit;
  bool smtp_utf8 = false;                  // [RFC6531]
  bool require_tls = false;                // [RFC8689]
  bool tls_optional = false;               // [RFC8689 3] "TLS-Required: No" in the header; not where require_tls is set
  std::optional<smtp::Return> ret;         // [RFC3461 4.3]
  std::optional<std::string> envelope_id;  // [RFC3461 4.4] xtext decoded
  std::optional<DeliverBy> deliver_by;     // [RFC2852]
  std::optional<SysTime> hold_until;       // [RFC4865] no attempt before; HOLDFOR as a time of day, too
  std::optional<int> priority;             // [RFC6710] -9..9; none counts as 0
  friend bool operator==(const MailOptions&, const MailOptions&) = default;
};

// What RCPT said about a recipient.
struct RecipientOptions {
  std::optional<smtp::Notify> notify;                         // [RFC3461 4.1]
  std::optional<smtp::OriginalRecipient> original_recipient;  // [RFC3461 4.2]
  friend bool operator==(const RecipientOptions&, const RecipientOptions&) = default;
};

// Where a message came from, for policies (own addresses, smart hosts by sender) and for people.
struct Origin {
  AccountId account;  // who signed in to submit it; 0: nobody
  std::string ip;     // numeric; empty: a Unix socket, or made here
  std::string helo;
  std::string with;   // "ESMTPSA" and its likes
  // Who handed it over may speak for our domains: somebody who signed in, a network or program that is trusted so, or this server itself.
  bool ours = false;
  friend bool operator==(const Origin&, const Origin&) = default;
};

}  // namespace posthorn::queue
