// What mail programs connect to: services, their ports, and who names them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::check {

enum class Service : std::uint8_t {
  smtp,        // between servers
  submission,  // from mail programs [RFC6409]
  imap,
  pop3,
};
std::string_view to_string(Service);  // "SMTP", "submission", "IMAP", "POP3"

enum class Security : std::uint8_t {
  none,
  starttls,  // clear text first; POP3 calls it STLS
  implicit,  // TLS from the first byte [RFC8314 3]
};
std::string_view to_string(Security);  // "clear text", "STARTTLS", "TLS"

struct StandardPort {
  std::uint16_t port;
  Service service;
  Security security;
};
// 25, 465, 587, 2525, 143, 993, 110, 995; in the order in which they are shown.
std::span<const StandardPort> standard_ports();
bool is_standard(Service, std::uint16_t port);

// Who says that a server is there.
enum class Source : std::uint8_t { given, srv, autoconfig, ispdb, mx, guess };
std::string_view to_string(Source);

// A server that somebody names.
struct Candidate {
  Service service = Service::imap;
  std::string host;
  std::uint16_t port = 0;
  Security security = Security::implicit;
  Source source = Source::guess;
  std::string where;  // the name of the record, or the URL
  // The domain itself says so, and nobody else can: the host is of the domain, or DNSSEC or a verified certificate stands behind what names
  // it [RFC6186 6].
  bool vouched = false;
  std::string user_form;  // autoconfig's name to sign in by, as "%EMAILADDRESS%"; empty: not said
};

}  // namespace posthorn::check
