// SMTP and LMTP commands: one line to one struct. [RFC5321 4.1.1] and the extensions named below.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/smtp/address.h"
#include "proto/smtp/delivery_options.h"
#include "proto/smtp/reply.h"

namespace posthorn::smtp {

enum class Body { seven_bit, eight_bit_mime, binary_mime };  // [RFC6152] [RFC3030]

struct Ehlo {
  std::string domain;
};  // as sent: a Domain, an address-literal, or what some client believes is one
struct Helo {
  std::string domain;
};
struct Lhlo {
  std::string domain;
};  // [RFC2033]

// Every parameter that is known is taken here; whether its extension is offered, and its value possible, is the session's to say
// (555, 501).  None comes twice.
struct Mail {
  std::optional<Mailbox> reverse_path;  // nullopt: "<>"
  std::optional<std::uint64_t> size;    // [RFC1870] octets; saturates at 2^64-1
  Body body = Body::seven_bit;
  bool smtp_utf8 = false;  // [RFC6531]
  // [RFC4954 5] AUTH=, xtext decoded; "<>" gives an empty string.
  std::optional<std::string> auth;
  std::optional<Return> ret;               // [RFC3461]
  std::optional<std::string> envelope_id;  // [RFC3461 4.4] ENVID, xtext decoded: printable ASCII, at most 100 octets encoded
  bool require_tls = false;                // [RFC8689]
  std::optional<DeliverBy> deliver_by;     // [RFC2852]
  // [RFC4865] At most one of them.
  std::optional<std::uint32_t> hold_for_seconds;  // 1..999999999
  std::optional<std::chrono::sys_seconds> hold_until;
  std::optional<int> priority;  // [RFC6710] MT-PRIORITY, -9..9
};
struct Rcpt {
  Mailbox forward_path;
  std::optional<Notify> notify;                         // [RFC3461 4.1]
  std::optional<OriginalRecipient> original_recipient;  // [RFC3461 4.2]
};
struct Data {};
struct Bdat {
  std::uint64_t size = 0;
  bool last = false;
};  // [RFC3030]
struct Rset {};
struct Noop {};
struct Quit {};
struct Vrfy {
  std::string text;
};
struct Expn {
  std::string text;
};
struct Help {
  std::string text;
};
struct StartTls {};                             // [RFC3207]
struct Auth {                                   // [RFC4954]
  std::string mechanism;                        // upper case
  std::optional<std::string> initial_response;  // still base64; "=" gives an empty string
};
// [RFC1985 5] Begin to send what waits for a host.
struct Etrn {
  enum class What { host, domain_and_below, queue };  // "name", "@name", "#name"
  What what = What::host;
  std::string name;  // of the first two a Domain, as sent
};
// Who somebody else is, said by one who knows: Postfix' XCLIENT_README and XFORWARD_README.
struct ClientAttribute {
  enum class Name { name, addr, port, proto, helo, login, destaddr, destport, ident, source };
  Name name;
  // Decoded and checked: `addr` and `destaddr` are numeric without a prefix, ports are numbers, `proto` is SMTP or ESMTP and `source` LOCAL
  // or REMOTE in upper case; no text has control characters, or more than 255 octets.  Empty: the other side does not know it.
  std::string value;
  friend bool operator==(const ClientAttribute&, const ClientAttribute&) = default;
};
struct XClient {
  std::vector<ClientAttribute> attributes;  // in the order sent; NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT
};
struct XForward {
  std::vector<ClientAttribute> attributes;  // NAME ADDR PORT PROTO HELO IDENT SOURCE
};
struct Unknown {
  std::string verb;
};  // upper case, at most 32 characters; answer 500 5.5.2

using Command = std::variant<Ehlo, Helo, Lhlo, Mail, Rcpt, Data, Bdat, Rset, Noop, Quit, Vrfy, Expn, Help,
                             StartTls, Auth, Etrn, XClient, XForward, Unknown>;

struct CommandLimits {
  // [RFC5321 4.5.3.1.4] 512, and each extension adds to it; both without CRLF.
  std::size_t line = 4096;
  std::size_t auth_line = 12288;  // [RFC4954 4]
  AddressLimits address{};
};

struct CommandOptions {
  CommandLimits limits{};
  // Whether the transaction was begun with SMTPUTF8: RCPT with UTF-8 is refused without it. [RFC6531 3.3]
  bool transaction_is_utf8 = false;
};

// What is wrong with a line, as the reply that says so.
struct CommandError {
  Reply reply;
  // After a BDAT whose size cannot be read nobody knows where the next command starts: send the reply and
  // close.
  bool desynchronised = false;
};

// `line` without its line end. Verbs and keywords in any case; spaces at the end are ignored.
std::expected<Command, CommandError> parse_command(std::string_view line, const CommandOptions& = {});

}  // namespace posthorn::smtp
