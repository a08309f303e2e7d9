// What someone may do with a mailbox [RFC4314 2.1].
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace posthorn::store {

// A set of the rights l r s w i p k x t e a.
class Rights {
 public:
  constexpr Rights() = default;
  explicit constexpr Rights(std::uint16_t bits) : bits_(bits) {}
  // invalid: not a letter of a right, in small letters.  [RFC4314 2.1.1] c means k x, d means e t.
  static Result<Rights> parse(std::string_view letters);

  // For the client: with c and d when a member of theirs is there [RFC4314 2.1.1].  Empty: none.
  std::string text() const;
  constexpr std::uint16_t bits() const { return bits_; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool contains(Rights all) const { return (bits_ & all.bits_) == all.bits_; }
  friend constexpr Rights operator|(Rights a, Rights b) { return Rights(static_cast<std::uint16_t>(a.bits_ | b.bits_)); }
  friend constexpr Rights operator&(Rights a, Rights b) { return Rights(static_cast<std::uint16_t>(a.bits_ & b.bits_)); }
  friend constexpr Rights operator-(Rights a, Rights b) { return Rights(static_cast<std::uint16_t>(a.bits_ & ~b.bits_)); }
  friend constexpr bool operator==(Rights, Rights) = default;

 private:
  std::uint16_t bits_ = 0;  // on disk: never change their meaning
};

inline constexpr Rights kLookup{1}, kRead{2}, kKeepSeen{4}, kWrite{8}, kInsert{16}, kPost{32}, kCreate{64}, kDeleteMailbox{128},
    kDeleteMessages{256}, kExpunge{512}, kAdminister{1024};
inline constexpr Rights kAllRights{2047};

inline constexpr AccountId kAnyone{0};

// One identifier of an access control list.  Users are accounts, never addresses: an address that is given to somebody else
// later inherits nothing.
struct AclEntry {
  AccountId who;          // kAnyone: everybody
  bool negative = false;  // takes these rights away [RFC4314 2]
  Rights rights;
  friend bool operator==(const AclEntry&, const AclEntry&) = default;
};
using Acl = std::vector<AclEntry>;

// In whose mailboxes what is granted to anyone counts: a long list of names that nobody asked for is what it may cost everybody.  What is
// taken from anyone is taken in any case.
struct AnyoneIn {
  bool all = true;
  AccountId only;  // when not in all: this account's
  bool counts(AccountId owner) const { return all || owner == only; }
};

constexpr std::size_t kMaxAclEntries = 1000;

}  // namespace posthorn::store
