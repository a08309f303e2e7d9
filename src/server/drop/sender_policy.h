// As whom a user of this machine may send.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace posthorn::drop {

struct LocalUser {
  std::string name;  // "user1000", when the system has none for him
  bool trusted = false;  // may be anybody
};

// Names with spaces between; "*" is everybody.
bool is_among(std::string_view name, std::string_view users);

struct SenderRules {
  std::string origin;  // the domain of addresses that have none
  std::function<bool(std::string_view domain)> is_ours;  // domains and the host's name
};

// "root" gets the domain.
std::string qualified(std::string_view address, const SenderRules&);

// The reverse-path that the user gets: what he asks for if he may, else his own name at the origin.  He may use his own name, with an
// extension
// (+...), at any of our domains, and the null reverse-path.
struct Chosen {
  std::string reverse_path;
  bool replaced = false;  // he asked for something else
};
Chosen choose_sender(const LocalUser&, const std::optional<std::string>& asked_for, const SenderRules&);

// "Ann" <ann@example.org>: for From.  Of a long name the beginning.
std::string from_field(std::string_view full_name, const std::string& address);

}  // namespace posthorn::drop
