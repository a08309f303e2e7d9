#include "server/imap/mailbox_access.h"

#include <utility>

#include "proto/imap/writer.h"
#include "server/imap/imap_settings.h"
#include "server/imap/session.h"

namespace posthorn::imap {
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

Task<Result<std::optional<auth::AccountRecord>>> Session::shared_account() {
  const std::optional<auth::AccountRecord> nobody;
  const auto& address = kSharedAccount.get();
  if (address.empty()) co_return nobody;
  auto found = co_await context_.services.directory.find_account(address);
  if (found) co_return *std::move(found);
  if (found.error().code == Errc::not_found) co_return nobody;
  co_return std::unexpected(std::move(found).error());
}

Task<Result<std::optional<auth::AccountRecord>>> Session::shared_owner() {
  CO_TRY(auto record, co_await shared_account());
  if (record && record->id == account_->id()) record.reset();
  co_return record;
}

// The administrator has said by name that everybody is to find these.
store::AnyoneIn Session::anyone_in(const std::optional<auth::AccountRecord>& owner_of_shared) {
  return {.all = kAclAnyone.get(), .only = owner_of_shared ? owner_of_shared->id : AccountId()};
}

Task<Result<Place>> Session::find_place(std::string name) {
  const bool others = name.starts_with(kOtherUsers), shared = name.starts_with(kShared);
  if ((!others && !shared) || account_->find_mailbox(name)) co_return Place{.account = account_, .prefix = {}, .name = std::move(name)};
  CO_TRY(const auto owner_of_shared, co_await shared_owner());
  const auto anyone = anyone_in(owner_of_shared);
  if (shared) {
    if (!owner_of_shared) co_return Place{.account = account_, .prefix = {}, .name = std::move(name)};
    CO_TRY(auto account, co_await context_.services.store.account(owner_of_shared->id));
    co_return Place{.account = std::move(account), .prefix = std::string(kShared), .name = name.substr(kShared.size()), .anyone = anyone};
  }
  const auto parts = split_owner(std::string_view(name).substr(kOtherUsers.size()));
  if (!parts) co_return std::unexpected(no_such_mailbox());
  CO_TRY(const auto owner, co_await context_.services.directory.find_account(std::string(parts->first)));
  // Every mailbox has one name.
  if (owner.id == account_->id() || (owner_of_shared && owner.id == owner_of_shared->id)) co_return std::unexpected(no_such_mailbox());
  CO_TRY(auto account, co_await context_.services.store.account(owner.id));
  co_return Place{.account = std::move(account),
                  .prefix = std::string(kOtherUsers) + owner.address + '/',
                  .name = std::string(parts->second),
                  .anyone = anyone};
}

Task<Result<MailboxRef>> Session::locate(std::string name, store::Rights needed) {
  CO_TRY(auto place, co_await find_place(std::move(name)));
  auto state = place.account->find_mailbox(place.name);
  if (!state) co_return std::unexpected(no_such_mailbox());
  const auto rights = state->rights_of(account_->id(), place.account->id(), place.anyone);
  const bool allowed = needed.empty() ? !(rights & kAnyKnown).empty() : rights.contains(needed);
  // [RFC4314 6] What he may not know of is not there.
  if (!allowed && !rights.contains(store::kLookup)) co_return std::unexpected(no_such_mailbox());
  if (!allowed) co_return fail(Errc::denied, "not permitted");
  auto visible = place.prefix + state->name;
  co_return MailboxRef{.account = std::move(place.account), .state = std::move(state), .name = std::move(visible), .rights = rights, .anyone = place.anyone};
}

Result<void> Session::may_create(const Place& place) const {
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
    if (parent->rights_of(account_->id(), place.account->id(), place.anyone).contains(store::kCreate)) return {};
    break;
  }
  return fail(Errc::denied, "not permitted");
}

bool Session::refresh_rights(const store::MailboxState& state) {
  selected_->anyone.all = kAclAnyone.get();
  const auto rights = state.rights_of(account_->id(), selected_->account->id(), selected_->anyone);
  if (rights == selected_->rights) return true;
  selected_->rights = rights;
  if (!rights.contains(store::kRead)) {
    // [RFC4314 5.1.1] Most clients do not handle NO to everything very well.
    say_bye({}, "You may no longer read the selected mailbox", "rights_revoked");
    selected_.reset();
    return false;
  }
  put_flags_lines(output(), state, selected_->changeable());
  return true;
}

}  // namespace posthorn::imap
