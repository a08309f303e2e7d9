// The settings to give a mail program.  Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "check/probe.h"
#include "check/services.h"

namespace posthorn::check {

struct Setting {
  Service service = Service::imap;
  std::string host;
  std::uint16_t port = 0;
  Security security = Security::implicit;
  std::string user;       // to sign in by
  std::string mechanism;  // the best that is offered; "password" where there is none but LOGIN or USER
  bool verified = true;   // false: it would be the best, were its certificate believed
};

// The best of submission, IMAP and POP3, each where there is one that is safe: what is promised by the domain before what was guessed, TLS
// from the first byte before STARTTLS [RFC8314 3.3], usual ports before others.  Never clear text. `address`: "joe@example.org", or empty.
std::vector<Setting> choose_settings(std::span<const PortReport>, std::span<const Candidate>, const std::string& address);

// "%EMAILLOCALPART%" of "joe@example.org" is "joe".
std::string user_by_form(std::string_view form, std::string_view address);

}  // namespace posthorn::check
