// What a sender may ask about the delivery: values of parameters of MAIL and RCPT, decoded.
#pragma once

#include <cstdint>
#include <string>

namespace posthorn::smtp {

enum class Return : std::uint8_t { full, headers };  // RET [RFC3461 4.3]

// NOTIFY [RFC3461 4.1]; `never` excludes the others, and one of the four is set.
struct Notify {
  bool never = false, success = false, failure = false, delay = false;
  friend bool operator==(const Notify&, const Notify&) = default;
};

// ORCPT [RFC3461 4.2] [RFC6533 3]
struct OriginalRecipient {
  std::string address_type;  // as sent: "rfc822", "utf-8"
  // Printable ASCII; of the type utf-8 printable UTF-8, or what was sent where that cannot be decoded.
  std::string address;
  friend bool operator==(const OriginalRecipient&, const OriginalRecipient&) = default;
};

// BY [RFC2852 4]
struct DeliverBy {
  std::int64_t seconds = 0;    // from when MAIL was read; 0 or less only where return_if_late is false
  bool return_if_late = true;  // R; else N: notify
  bool trace = false;
  friend bool operator==(const DeliverBy&, const DeliverBy&) = default;
};

}  // namespace posthorn::smtp
