#include "server/common/mailbox_access.h"

#include <algorithm>
#include <utility>

#include "async/turns.h"
#include "text/ascii.h"
#include "text/saslprep.h"

namespace posthorn::server {
namespace {

// [RFC4314 4] Who has one of these may know that the mailbox exists.
constexpr auto kAnyKnown = store::kLookup | store::kRead | store::kInsert | store::kCreate | store::kDeleteMailbox | store::kAdminister;

Error no_such_mailbox() { return {Errc::not_found, "no such mailbox"}; }

}  // namespace

std::optional<std::pair<std::string_view, std::string_view>> split_owner(std::string_view rest) {
  const auto at = rest.find('@');
  if (at == rest.npos) return {};
  const auto slash = rest.find('/', at);
  if (slash == rest.npos) return {};
  return std::pair(rest.substr(0, slash), rest.substr(slash + 1));
}

bool is_read_only(store::Rights rights) {
  constexpr auto kChanges = store::kInsert | store::kExpunge | store::kKeepSeen | store::kWrite | store::kDeleteMessages;
  return (rights & kChanges).empty();
}

Task<Result<std::optional<auth::AccountRecord>>> MailboxAccess::shared_account() const {
  const std::optional<auth::AccountRecord> nobody;
  const auto& address = kSharedAccount.get();
  if (address.empty()) co_return nobody;
  auto found = co_await services_.directory.find_account(address);
  if (found) co_return *std::move(found);
  if (found.error().code == Errc::not_found) co_return nobody;
  co_return std::unexpected(std::move(found).error());
}

Task<Result<std::optional<auth::AccountRecord>>> MailboxAccess::shared_owner() const {
  CO_TRY(auto record, co_await shared_account());
  if (record && record->id == user_->id()) record.reset();
  co_return record;
}

// The administrator has said by name that everybody is to find these.
store::AnyoneIn MailboxAccess::anyone_in(const std::optional<auth::AccountRecord>& owner_of_shared) {
  return {.all = kAclAnyone.get(), .only = owner_of_shared ? owner_of_shared->id : AccountId()};
}

Task<Result<Place>> MailboxAccess::find_place(std::string name) const {
  const bool others = name.starts_with(kOtherUsers), shared = name.starts_with(kShared);
  if ((!others && !shared) || user_->find_mailbox(name)) co_return own_place(std::move(name));
  if (others) {
    const auto parts = split_owner(std::string_view(name).substr(kOtherUsers.size()));
    if (!parts) co_return std::unexpected(no_such_mailbox());
    CO_TRY(auto place, co_await place_of(std::string(parts->first), std::string(parts->second)));
    // Every mailbox has one name.
    if (place.prefix == kShared) co_return std::unexpected(no_such_mailbox());
    co_return place;
  }
  CO_TRY(const auto owner_of_shared, co_await shared_owner());
  if (!owner_of_shared) co_return own_place(std::move(name));
  CO_TRY(auto account, co_await services_.store.account(owner_of_shared->id));
  co_return Place{.account = std::move(account), .prefix = std::string(kShared), .name = name.substr(kShared.size()), .anyone = anyone_in(owner_of_shared)};
}

Task<Result<Place>> MailboxAccess::place_of(std::string owner, std::string name) const {
  CO_TRY(const auto owner_of_shared, co_await shared_owner());
  CO_TRY(const auto record, co_await services_.directory.find_account(std::move(owner)));
  if (record.id == user_->id()) co_return std::unexpected(no_such_mailbox());
  const bool shared = owner_of_shared && record.id == owner_of_shared->id;
  CO_TRY(auto account, co_await services_.store.account(record.id));
  co_return Place{.account = std::move(account),
                  .prefix = shared ? std::string(kShared) : std::string(kOtherUsers) + record.address + '/',
                  .name = std::move(name),
                  .anyone = anyone_in(owner_of_shared)};
}

Task<Result<MailboxRef>> MailboxAccess::locate(std::string name, store::Rights needed) const {
  CO_TRY(auto place, co_await find_place(std::move(name)));
  co_return locate(std::move(place), needed);
}

Result<MailboxRef> MailboxAccess::locate(Place place, store::Rights needed) const {
  auto state = place.account->find_mailbox(place.name);
  if (!state) return std::unexpected(no_such_mailbox());
  const auto rights = state->rights_of(user_->id(), place.account->id(), place.anyone);
  const bool allowed = needed.empty() ? !(rights & kAnyKnown).empty() : rights.contains(needed);
  // [RFC4314 6] What he may not know of is not there.
  if (!allowed && !rights.contains(store::kLookup)) return std::unexpected(no_such_mailbox());
  if (!allowed) return fail(Errc::denied, "not permitted");
  auto visible = place.prefix + state->name;
  return MailboxRef{.account = std::move(place.account), .state = std::move(state), .name = std::move(visible), .rights = rights, .anyone = place.anyone};
}

Result<void> MailboxAccess::may_create(const Place& place) const {
  if (place.is_own()) {
    const auto slashed = place.name + '/';
    const bool reserved = slashed.starts_with(kOtherUsers) || (slashed.starts_with(kShared) && !kSharedAccount.get().empty());
    if (reserved) return fail(Errc::invalid, "a name of a namespace");
    return {};
  }
  // [RFC4314 4] The nearest parent that exists decides.  At the top there is none: only the owner makes mailboxes there.
  const std::string_view name = place.name;
  for (auto slash = name.rfind('/'); slash != name.npos && slash > 0; slash = name.rfind('/', slash - 1)) {
    const auto parent = place.account->find_mailbox(name.substr(0, slash));
    if (!parent) continue;
    if (parent->rights_of(user_->id(), place.account->id(), place.anyone).contains(store::kCreate)) return {};
    break;
  }
  return fail(Errc::denied, "not permitted");
}

Task<Result<SharedParts>> MailboxAccess::shared_parts() const {
  CO_TRY(const auto shared, co_await shared_owner());
  SharedParts parts{.list = {}, .anyone = anyone_in(shared)};
  CO_TRY(const auto shares, co_await services_.store.shared_with(user_->id(), parts.anyone));
  Turns turns;
  for (auto share = shares.begin(); share != shares.end();) {
    if (turns.over()) co_await turns.next();
    const auto owner = share->owner;
    SharedPart part{.owner = owner, .address = {}, .prefix = {}, .mailboxes = {}};
    for (; share != shares.end() && share->owner == owner; ++share) part.mailboxes.push_back(share->mailbox);
    if (owner == user_->id()) continue;
    if (shared && shared->id == owner) {
      part.address = shared->address;
      part.prefix = kShared;
    } else {
      const auto record = co_await services_.directory.find_account(owner);
      if (!record && record.error().code == Errc::not_found) continue;  // being removed
      if (!record) co_return std::unexpected(record.error());
      part.address = record->address;
      part.prefix = std::string(kOtherUsers) + record->address + '/';
    }
    parts.list.push_back(std::move(part));
  }
  std::ranges::sort(parts.list, {}, &SharedPart::prefix);
  co_return parts;
}

// What it is given lives in the caller's frame.
Task<Result<MailboxTree>> MailboxAccess::shared_tree(const SharedPart& part, const store::AnyoneIn& anyone) const {
  auto owner = co_await services_.store.account(part.owner);
  if (!owner) co_return std::unexpected(std::move(owner).error());
  std::vector<store::MailboxStatePtr> listable;
  Turns turns;
  for (const auto id : part.mailboxes) {
    if (turns.over()) co_await turns.next();
    auto state = (*owner)->mailbox(id);
    if (state && state->rights_of(user_->id(), part.owner, anyone).contains(store::kLookup)) listable.push_back(std::move(state));
  }
  co_return MailboxTree(*std::move(owner), part.prefix, std::move(listable));
}

Task<Result<MailboxAccess::Grantee>> MailboxAccess::find_grantee(std::string identifier) const {
  Grantee grantee;
  // [RFC4314 3] BAD when nothing is left of it.
  auto prepared = text::saslprep(identifier);
  if (!prepared) co_return fail(Errc::syntax, "Invalid identifier");
  std::string_view name = *prepared;
  grantee.negative = name.starts_with('-');
  if (grantee.negative) name.remove_prefix(1);
  if (name.empty()) co_return fail(Errc::syntax, "Invalid identifier");
  if (text::iequals(name, "anyone")) {
    grantee.who = store::kAnyone;
    co_return grantee;
  }
  CO_TRY(const auto found, co_await services_.directory.find_account(std::string(name)));
  grantee.who = found.id;
  co_return grantee;
}

Task<Result<std::optional<std::string>>> MailboxAccess::address_of(AccountId id) const {
  auto found = co_await services_.directory.find_account(id);
  if (!found && found.error().code == Errc::not_found) co_return std::optional<std::string>();
  if (!found) co_return std::unexpected(std::move(found).error());
  co_return std::move(found->address);
}

}  // namespace posthorn::server
