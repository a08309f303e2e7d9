// The SASL mechanisms there are, and which of them are switched on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/settings.h"
#include "crypto/scram.h"

namespace posthorn::auth {

inline const Setting<std::string> kMechanisms{
    "auth.mechanisms", "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN",
    "The SASL mechanisms that are offered. Without PLAIN and LOGIN no password is taken, by IMAP's LOGIN and POP3's USER neither; keys for "
    "SCRAM are kept of new passwords only where its mechanism is offered."};

struct Mechanism {
  enum class Kind { plain, login, scram };
  std::string_view name;
  Kind kind;
  crypto::ScramHash hash;  // of scram
  bool binds;              // [RFC5802 6] to the channel: -PLUS
};

// Null: there is none of this name (any case), or it is switched off.
const Mechanism* find_mechanism(std::string_view name);
enum class CanBind : bool { no, yes };  // the connection has something to bind to
// The names of those that are switched on, the best first.
std::vector<std::string_view> mechanisms(CanBind);
bool is_switched_on(crypto::ScramHash);
// Passwords themselves may be sent.
bool passwords_are_taken();
// Words of the setting that name nothing.
std::vector<std::string> unknown_mechanisms();

}  // namespace posthorn::auth
