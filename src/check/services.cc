#include "check/services.h"

#include <algorithm>

namespace posthorn::check {
namespace {

constexpr StandardPort kPorts[] = {
    {25, Service::smtp, Security::starttls},        {465, Service::submission, Security::implicit},
    {587, Service::submission, Security::starttls}, {2525, Service::submission, Security::starttls},
    {993, Service::imap, Security::implicit},       {143, Service::imap, Security::starttls},
    {995, Service::pop3, Security::implicit},       {110, Service::pop3, Security::starttls},
};

}  // namespace

std::string_view to_string(Service service) {
  switch (service) {
    case Service::smtp:
      return "SMTP";
    case Service::submission:
      return "submission";
    case Service::imap:
      return "IMAP";
    case Service::pop3:
      return "POP3";
  }
  return "?";
}

std::string_view to_string(Security security) {
  switch (security) {
    case Security::none:
      return "clear text";
    case Security::starttls:
      return "STARTTLS";
    case Security::implicit:
      return "TLS";
  }
  return "?";
}

std::string_view to_string(Source source) {
  switch (source) {
    case Source::given:
      return "given";
    case Source::srv:
      return "SRV";
    case Source::autoconfig:
      return "autoconfig";
    case Source::ispdb:
      return "ISPDB";
    case Source::mx:
      return "MX";
    case Source::guess:
      return "guess";
  }
  return "?";
}

std::span<const StandardPort> standard_ports() { return kPorts; }

bool is_standard(Service service, std::uint16_t port) {
  return std::ranges::any_of(kPorts, [&](const auto& p) { return p.port == port && p.service == service; });
}

}  // namespace posthorn::check
