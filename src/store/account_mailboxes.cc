// Creating, deleting, renaming and subscribing mailboxes.
#include <algorithm>
#include <chrono>

#include "store/account_rows.h"
#include "store/change.h"
#include "store/mail_store.h"

namespace posthorn::store {
namespace {

using kv::Space;

std::uint32_t now_seconds() {
  using namespace std::chrono;
  return static_cast<std::uint32_t>(duration_cast<seconds>(system_clock::now().time_since_epoch()).count());
}

// [RFC3501 2.3.1.1] A name that comes back must have a higher UIDVALIDITY: time, and counting on.
MailboxState new_mailbox(Change& change, std::string name, SpecialUse use, Acl acl) {
  auto& core = change.core();
  MailboxState state;
  state.id = MailboxId(core.next_mailbox++);
  core.next_uid_validity = std::max(core.next_uid_validity + 1, now_seconds());
  state.uid_validity = UidValidity(core.next_uid_validity);
  state.name = std::move(name);
  state.acl = std::move(acl);
  state.special_use = use;
  state.highest_mod_seq = change.mod_seq();
  return state;
}

// [RFC9208 5.4] MAILBOX.
Result<void> check_mailboxes(const Quota& quota, std::size_t most, std::size_t more) {
  if (more == 0) return {};  // there may be too many already
  if (quota.mailboxes_used + more > most) return fail(Errc::limit, "the account has too many mailboxes");
  if (quota.mailboxes_limit && quota.mailboxes_used + more > *quota.mailboxes_limit)
    return fail(Errc::over_quota, "the account may not have more mailboxes");
  return {};
}

std::vector<std::string> missing_parents(const Account& account, const std::string& name) {
  std::vector<std::string> out;
  for (auto slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
    auto parent = name.substr(0, slash);
    if (!account.find_mailbox(parent)) out.push_back(std::move(parent));
  }
  return out;
}

// Makes them in order; the parent of each exists or is the one before it.
MailboxId make_mailboxes(Change& change, const std::vector<std::string>& names, SpecialUse use_of_last) {
  MailboxId last;
  Acl acl;
  for (const auto& name : names) {
    // [RFC4314 4] CREATE: the access control list is the parent's.
    const auto slash = name.rfind('/');
    if (slash == std::string::npos) acl.clear();
    else if (auto parent = change.account().find_mailbox(name.substr(0, slash))) acl = parent->acl;
    auto state = new_mailbox(change, name, &name == &names.back() ? use_of_last : SpecialUse::none, acl);
    last = state.id;
    change.log(ChangeKind::created, last);
    change.add_mailbox(std::move(state));
  }
  return last;
}

}  // namespace

Task<Result<MailboxStatePtr>> Account::create_mailbox(std::string name, CreateOptions options) {
  CO_TRY(name, new_mailbox_name(name));
  CO_TRY(auto change, co_await Change::begin(shared_from_this()));
  if (find_mailbox(name)) co_return fail(Errc::exists, "mailbox " + name + " exists");
  std::vector<std::string> names = missing_parents(*this, name);
  names.push_back(name);
  CO_TRY_OK(check_mailboxes(quota(), store_.options_.max_mailboxes, names.size()));
  const MailboxId id = make_mailboxes(change, names, options.special_use);
  CO_TRY_OK(co_await change.commit());
  auto made = mailbox(id);
  if (!made) co_return fail(Errc::not_found, "the mailbox has been deleted");
  co_return made;
}

Task<Result<void>> Account::delete_mailbox(std::string name) {
  CO_TRY(name, normal_mailbox_name(name));
  if (name == "INBOX") co_return fail(Errc::invalid, "INBOX cannot be deleted");
  for (std::optional<MailboxId> id;;) {
    CO_TRY(auto change, co_await Change::begin(shared_from_this()));
    auto state = id ? mailbox(*id) : find_mailbox(name);  // between two commits another one may get the name
    if (!state) co_return fail(Errc::not_found, "no mailbox " + name);
    id = state->id;
    CO_TRY(auto view, co_await change.view(state->id));
    const bool last = view->size() <= store_.slice();
    if (!view->empty()) {
      const Uid end = last ? view->last_uid() : view->at(store_.slice() - 1).uid;
      CO_TRY(auto removed, co_await take_entries(change, state->id, {{Uid(1), end}}));
      CO_TRY_OK(co_await release_messages(change, removed));
    }
    if (last) {
      change.log(ChangeKind::deleted, state->id);
      change.remove_mailbox(state->id);
    }
    CO_TRY_OK(co_await change.commit());
    if (last) co_return Result<void>{};
  }
}

Task<Result<void>> Account::remove_all_mail() {
  const auto everything = mailboxes();
  for (const auto& state : everything) {
    for (bool more = state->messages > 0; more;) {
      auto now = co_await view(state->id);
      if (!now && now.error().code == Errc::not_found) break;  // deleted meanwhile
      CO_TRY_OK(now);
      const std::uint32_t slice = std::min((*now)->size(), store_.slice());
      more = (*now)->size() > slice;
      if (!slice) break;
      const UidSet uids{{Uid(1), (*now)->at(slice - 1).uid}};
      CO_TRY_OK(co_await remove(state->id, uids));
    }
  }
  co_return Result<void>{};
}

Task<Result<void>> Account::rename_mailbox(std::string from, std::string to) {
  CO_TRY(from, normal_mailbox_name(from));
  CO_TRY(to, new_mailbox_name(to));
  if (from == "INBOX") {
    // [RFC3501 6.3.5] INBOX stays, its messages move.
    CO_TRY(auto target, co_await create_mailbox(to));
    auto inbox = find_mailbox("INBOX");
    if (!inbox) co_return fail(Errc::not_found, "no INBOX");
    CO_TRY(auto moved, co_await move(inbox->id, {{Uid(1), Uid(0xFFFFFFFF)}}, target->id));
    if (moved.stopped) co_return std::unexpected(*std::move(moved.stopped));
    co_return Result<void>{};
  }
  CO_TRY(auto change, co_await Change::begin(shared_from_this()));
  if (to.starts_with(from + "/")) co_return fail(Errc::invalid, "a mailbox cannot become its own child");
  if (find_mailbox(to)) co_return fail(Errc::exists, "mailbox " + to + " exists");
  std::vector<MailboxStatePtr> moved = mailboxes(from + "/");
  if (auto state = find_mailbox(from)) moved.push_back(std::move(state));
  if (moved.empty()) co_return fail(Errc::not_found, "no mailbox " + from);
  const auto parents = missing_parents(*this, to);
  CO_TRY_OK(check_mailboxes(quota(), store_.options_.max_mailboxes, parents.size()));
  make_mailboxes(change, parents, SpecialUse::none);
  for (const auto& state : moved) {
    const std::string name = to + state->name.substr(from.size());
    CO_TRY_OK(normal_mailbox_name(name));
    if (find_mailbox(name)) co_return fail(Errc::exists, "mailbox " + name + " exists");
    change.edit(state->id)->name = name;
    change.log(ChangeKind::renamed, state->id);
  }
  co_return co_await change.commit();
}

Task<Result<void>> Account::restore_uids(MailboxId id, UidValidity uid_validity, Uid uid_next) {
  constexpr std::uint32_t kHighest = 0xFFFF0000;  // those of mailboxes to come must be above it
  if (uid_next.value() > kHighestRestoredUid)
    co_return fail(Errc::limit, "UIDNEXT " + std::to_string(uid_next.value()) + " leaves too few UIDs for what is to come");
  if (uid_validity.value() == 0 || uid_validity.value() > kHighest)
    co_return fail(Errc::limit, "UIDVALIDITY " + std::to_string(uid_validity.value()) + " leaves none above it for other mailboxes");
  CO_TRY(auto change, co_await Change::begin(shared_from_this()));
  MailboxState* state = change.edit(id);
  if (!state) co_return fail(Errc::not_found, "the mailbox has been deleted");
  if (state->uid_validity != uid_validity && state->uid_next != Uid(1))
    co_return fail(Errc::busy, "the mailbox has UIDVALIDITY " + std::to_string(state->uid_validity.value()) + ", and messages came under it");
  state->uid_validity = uid_validity;
  state->uid_next = std::max(state->uid_next, uid_next);
  auto& core = change.core();
  core.next_uid_validity = std::max(core.next_uid_validity, uid_validity.value());
  co_return co_await change.commit();
}

Task<Result<void>> Account::set_subscribed(std::string name, bool subscribed) {
  CO_TRY(name, normal_mailbox_name(name));
  CO_TRY(auto change, co_await Change::begin(shared_from_this()));
  if (is_subscribed(name) == subscribed) co_return Result<void>{};
  {
    std::lock_guard hold(mutex_);
    if (subscribed && subscriptions_.size() >= store_.options_.max_mailboxes) co_return fail(Errc::limit, "too many subscriptions");
  }
  change.log(ChangeKind::subscription, MailboxId(0));
  change.set_subscribed(std::move(name), subscribed);
  co_return co_await change.commit();
}

// [RFC6154] The mailboxes that clients look for.
Task<Result<void>> MailStore::create_account(AccountId id) {
  struct Usual {
    const char* name;
    SpecialUse use;
  };
  constexpr Usual kUsual[] = {{"INBOX", SpecialUse::none},   {"Archive", SpecialUse::archive},
                              {"Drafts", SpecialUse::drafts}, {"Junk", SpecialUse::junk},
                              {"Sent", SpecialUse::sent},     {"Trash", SpecialUse::trash}};
  {
    CO_TRY(auto there, co_await kv_.get(Space::account, id.value(), std::string(kCoreKey)));
    if (there) co_return fail(Errc::exists, "account " + std::to_string(id.value()) + " exists");
  }
  auto account = std::shared_ptr<Account>(new Account(*this, id));
  CO_TRY(auto change, co_await Change::begin(account));
  change.batch().put(Space::meta, 0, account_index_key(id), "");
  for (const auto& usual : kUsual) {
    change.add_mailbox(new_mailbox(change, usual.name, usual.use, {}));
    change.set_subscribed(usual.name, true);
  }
  co_return co_await change.commit();
}

}  // namespace posthorn::store
