// The DKIM keys of a domain [RFC6376 3.1] and their life:
//
//   state     signs   DNS record        becomes
//   next      no      to be published   active, by Directory::activate_dkim_keys
//   active    yes     published         retired, when the next ones become active
//   retired   no      must stay         gone, kDkimRetirement later: until then mail that it signed may still be on its way
//
// The first keys of a domain, and those of a domain where none signs, are active at once: an unknown key is no worse than no signature
// [RFC6376 6.1].  Of a retired key only the public half is kept.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "crypto/signing_key.h"

namespace posthorn::auth {

inline constexpr std::chrono::days kDkimRetirement{7};
inline constexpr std::size_t kMaxDkimKeys = 50;  // of a domain

enum class DkimKeyState : std::uint8_t { next = 1, active = 2, retired = 3 };  // the numbers are stored
constexpr std::string_view name_of(DkimKeyState state) {
  return state == DkimKeyState::next ? "next" : state == DkimKeyState::active ? "active" : "retired";
}

// What may be shown of a key.
struct DkimKey {
  std::string selector;
  crypto::KeyAlgorithm algorithm = crypto::KeyAlgorithm::rsa;
  DkimKeyState state = DkimKeyState::next;
  SysTime created{};  // stored in whole seconds, like the others
  std::optional<SysTime> activated, retired;
  std::string public_key;  // crypto::SigningKey::public_key()
  friend bool operator==(const DkimKey&, const DkimKey&) = default;
};

// The active keys of a domain, RSA first; never null.
using SigningKeys = std::shared_ptr<const std::vector<crypto::NamedKey>>;

}  // namespace posthorn::auth
