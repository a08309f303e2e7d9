// Creating, deleting, renaming and subscribing mailboxes.
#include <algorithm>
#include <chrono>

#include "store/account_rows.h"
#include "store/change.h"
#include "store/mail_store.h"

namespace posthorn::store {
namespace {

using kv::Space;
constexpr std::size_t kMaxMailboxes = 200'000;

std::uint32_t now_seconds() {
  using namespace std::chrono;
  return static_cast<std::uint32_t>(duration_cast<seconds>(system_clock::now().time_since_epoch()).count());
}

// [RFC3501 2.3.1.1] A name that comes back must have a higher UIDVALIDITY: time, and counting on.
MailboxState new_mailbox(Change& change, std::string name, SpecialUse use) {
  auto& core = change.core();
  MailboxState state;
  state.id = MailboxId(core.next_mailbox++);
  core.next_uid_validity = std::max(core.next_uid_validity + 1, now_seconds());
  state.uid_validity = UidValidity(core.next_uid_validity);
  state.name = std::move(name);
  state.special_use = use;
  state.highest_mod_seq = change.mod_seq();
  return state;
}

std::vector<std::string> missing_parents(const Account& account, const std::string& name) {
  std::vector<std::string> out;
  for (auto slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
    auto parent = name.substr(0, slash);
    if (!account.find_mailbox(parent)) out.push_back(std::move(parent));
  }
  return out;
}

}  // namespace

Task<Result<MailboxStatePtr>> Account::create_mailbox(std::string name, CreateOptions options) {
  CO_TRY(name, normal_mailbox_name(name));
  CO_TRY(auto change, co_await Change::begin(shared_from_this()));
  if (find_mailbox(name)) co_return fail(Errc::exists, "mailbox " + name + " exists");
  std::vector<std::string> names = missing_parents(*this, name);
  names.push_back(name);
  {
    std::lock_guard hold(mutex_);
    if (mailboxes_.size() + names.size() > kMaxMailboxes) co_return fail(Errc::limit, "the account has too many mailboxes");
  }
  MailboxId id;
  for (auto& n : names) {
    auto state = new_mailbox(change, n, n == name ? options.special_use : SpecialUse::none);
    id = state.id;
    change.log(ChangeKind::created, id);
    change.add_mailbox(std::move(state));
  }
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
    const bool last = view->size() <= kSlice;
    if (!view->empty()) {
      const Uid end = last ? view->last_uid() : view->at(kSlice - 1).uid;
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
  for (const auto& state : mailboxes()) {
    if (state->name == "INBOX") {
      for (;;) {
        CO_TRY(auto now, co_await view(state->id));
        if (now->empty()) break;
        CO_TRY_OK(co_await remove(state->id, {{Uid(1), now->at(std::min(now->size(), kSlice) - 1).uid}}));
      }
    } else {
      auto gone = co_await delete_mailbox(state->name);
      if (!gone && gone.error().code != Errc::not_found) co_return gone;
    }
  }
  co_return Result<void>{};
}

Task<Result<void>> Account::rename_mailbox(std::string from, std::string to) {
  CO_TRY(from, normal_mailbox_name(from));
  CO_TRY(to, normal_mailbox_name(to));
  if (from == "INBOX") {
    // [RFC3501 6.3.5] INBOX stays, its messages move.
    CO_TRY(auto target, co_await create_mailbox(to));
    auto inbox = find_mailbox("INBOX");
    if (!inbox) co_return fail(Errc::not_found, "no INBOX");
    CO_TRY_OK(co_await move(inbox->id, {{Uid(1), Uid(0xFFFFFFFF)}}, target->id));
    co_return Result<void>{};
  }
  CO_TRY(auto change, co_await Change::begin(shared_from_this()));
  if (to.starts_with(from + "/")) co_return fail(Errc::invalid, "a mailbox cannot become its own child");
  if (find_mailbox(to)) co_return fail(Errc::exists, "mailbox " + to + " exists");
  std::vector<MailboxStatePtr> moved;
  for (const auto& state : mailboxes())
    if (state->name == from || state->name.starts_with(from + "/")) moved.push_back(state);
  if (moved.empty()) co_return fail(Errc::not_found, "no mailbox " + from);
  for (const auto& parent : missing_parents(*this, to)) {
    if (parent == from || parent.starts_with(from + "/")) continue;
    change.add_mailbox(new_mailbox(change, parent, SpecialUse::none));
  }
  for (const auto& state : moved) {
    const std::string name = to + state->name.substr(from.size());
    CO_TRY_OK(normal_mailbox_name(name));
    if (find_mailbox(name)) co_return fail(Errc::exists, "mailbox " + name + " exists");
    change.edit(state->id)->name = name;
    change.log(ChangeKind::renamed, state->id);
  }
  co_return co_await change.commit();
}

Task<Result<void>> Account::set_subscribed(std::string name, bool subscribed) {
  CO_TRY(name, normal_mailbox_name(name));
  CO_TRY(auto change, co_await Change::begin(shared_from_this()));
  auto names = subscriptions();
  auto place = std::lower_bound(names.begin(), names.end(), name);
  const bool there = place != names.end() && *place == name;
  if (there == subscribed) co_return Result<void>{};
  if (subscribed) {
    if (names.size() >= kMaxMailboxes) co_return fail(Errc::limit, "too many subscriptions");
    names.insert(place, name);
    change.batch().put(Space::subscription, id_.value(), name, "");
  } else {
    names.erase(place);
    change.batch().erase(Space::subscription, id_.value(), name);
  }
  change.log(ChangeKind::subscription, MailboxId(0));
  change.set_subscriptions(std::move(names));
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
    change.add_mailbox(new_mailbox(change, usual.name, usual.use));
    change.batch().put(Space::subscription, id.value(), usual.name, "");
  }
  co_return co_await change.commit();
}

}  // namespace posthorn::store
