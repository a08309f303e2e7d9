// Whose mailbox a name means, and what the user may do with it. [RFC2342] [RFC4314]
//
//   Work                              the user's own
//   Other Users/bob@example.org/Work  bob's, when bob has granted the user a right that lets him know of it
//   Shared/Work                       of the account that the setting imap.shared_account names, likewise
//
// An own mailbox that had such a name before there were these namespaces is still the user's own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/account.h"

namespace posthorn::imap {

inline constexpr std::string_view kOtherUsers = "Other Users/";
inline constexpr std::string_view kShared = "Shared/";

// Where a name leads, whether or not there is a mailbox.
struct Place {
  store::AccountPtr account;
  std::string prefix;  // what the user's names of this account's mailboxes begin with; empty: it is his own
  std::string name;    // in that account
  store::AnyoneIn anyone = {};
  bool is_own() const { return prefix.empty(); }
};

struct MailboxRef {
  store::AccountPtr account;  // the owner's
  store::MailboxStatePtr state;
  std::string name;           // as the user sees it
  store::Rights rights;       // the user's
  store::AnyoneIn anyone = {};
};

// The mailboxes of one account that may be shared with the user.
struct SharedPart {
  AccountId owner;
  std::string prefix;  // of the names as the user sees them
  std::vector<MailboxId> mailboxes;
};

struct SharedParts {
  std::vector<SharedPart> list;  // by prefix
  store::AnyoneIn anyone;
};

// "bob@example.org/Work" in its two parts.  An address has one '@', and a domain no '/'.
std::optional<std::pair<std::string_view, std::string_view>> split_owner(std::string_view rest);

// [RFC4314 5.2] Nothing of it can be changed by them.
bool is_read_only(store::Rights);

}  // namespace posthorn::imap
