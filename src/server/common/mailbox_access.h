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

#include "async/task.h"
#include "base/settings.h"
#include "server/common/mailbox_tree.h"
#include "server/common/session_context.h"
#include "store/account.h"

namespace posthorn::server {

inline const Setting<std::string> kSharedAccount{
    "imap.shared_account", "",
    "The account whose mailboxes everybody finds under \"Shared/\", as far as its access control lists allow; empty: there are none."};
inline const Setting<bool> kAclAnyone{
    "imap.acl_anyone", false,
    "Users may grant rights to \"anyone\": everybody's mail program then lists their mailboxes. Where it is false, that is refused, and what was granted before has "
    "no effect, but for the mailboxes of imap.shared_account."};

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
  std::string address;  // of the owner
  std::string prefix;   // of the names as the user sees them
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

// What one user may reach.  Errors of look-ups: not_found, and those of the directory and the store.
class MailboxAccess {
 public:
  // `user` is the session's, null until somebody has signed in; everything here needs it.  REQUIRES: both outlive this.
  MailboxAccess(Services& services, const store::AccountPtr& user) : services_(services), user_(user) {}

  // The mailbox of that name, in whosever account it is.  not_found: there is none, or the user may not know of it [RFC4314 6].
  // With rights asked for: denied when he has not all of them, unless that would tell him what he may not know.
  Task<Result<MailboxRef>> locate(std::string name, store::Rights needed = {}) const;
  Result<MailboxRef> locate(Place, store::Rights needed = {}) const;

  Task<Result<Place>> find_place(std::string name) const;  // not_found: a namespace, but nobody's part of it
  Place own_place(std::string name) const { return {.account = user_, .prefix = {}, .name = std::move(name)}; }
  // In the account of somebody else with that address.  not_found: there is none, or it is the user's own.
  Task<Result<Place>> place_of(std::string owner, std::string name) const;
  Result<void> may_create(const Place&) const;  // denied; invalid: the name is a namespace's

  Task<Result<std::optional<auth::AccountRecord>>> shared_account() const;  // of the setting
  Task<Result<std::optional<auth::AccountRecord>>> shared_owner() const;    // the same, unless it is the user: his own mailboxes have names already
  static store::AnyoneIn anyone_in(const std::optional<auth::AccountRecord>& owner_of_shared);

  // What others share with the user.
  Task<Result<SharedParts>> shared_parts() const;
  // Those of a part that he may list.  REQUIRES: what it is given outlives the task.
  Task<Result<MailboxTree>> shared_tree(const SharedPart&, const store::AnyoneIn&) const;

  // Of an access control list: whom an identifier means, and the other way round.
  struct Grantee {
    AccountId who;
    bool negative = false;
  };
  // syntax: it could be nobody's name.  not_found: it is nobody's.
  Task<Result<Grantee>> find_grantee(std::string identifier) const;
  // nullopt: the account is gone.  Without the '-' of a negative one.
  Task<Result<std::optional<std::string>>> address_of(AccountId) const;

 private:
  Services& services_;
  const store::AccountPtr& user_;
};

}  // namespace posthorn::server
