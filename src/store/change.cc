#include "store/change.h"

#include <algorithm>

#include "store/account_rows.h"
#include "store/mail_store.h"
#include "store/staged_copy.h"

namespace posthorn::store {
namespace {

using kv::Space;
constexpr std::uint64_t kTrimEvery = 4096;      // mod-sequences
constexpr std::uint64_t kChangesKept = 500'000;  // mod-sequences
constexpr std::uint32_t kWorthIndexing = 512;    // entries

}  // namespace

Task<Result<Change>> Change::begin(AccountPtr account) {
  CO_TRY(auto lock, co_await account->store().kv().lock_partition(account->id().value()));
  CO_TRY_OK(co_await account->reload_if_stale());
  Change change(account, std::move(lock));
  {
    std::lock_guard hold(account->mutex_);
    if (account->gone_) co_return fail(Errc::not_found, "the account has been removed");
    change.core_ = account->core_;
  }
  if (change.core_.staging != MailboxId()) CO_TRY_OK(co_await take_back_staged(change));
  co_return change;
}

Task<Result<Both>> begin_both(AccountPtr source, AccountPtr target) {
  const bool source_first = source->id() < target->id();
  CO_TRY(auto first, co_await Change::begin(source_first ? source : target));
  CO_TRY(auto second, co_await Change::begin(source_first ? target : source));
  if (source_first) co_return Both{std::move(first), std::move(second)};
  co_return Both{std::move(second), std::move(first)};
}

ModSeq Change::mod_seq() {
  if (!mod_seq_) {
    core_.mod_seq = ModSeq(core_.mod_seq.value() + 1);
    mod_seq_ = core_.mod_seq;
  }
  return *mod_seq_;
}

MailboxState* Change::edit(MailboxId id) {
  if (auto it = edited_.find(id); it != edited_.end()) return &it->second;
  auto state = account_->mailbox(id);
  if (!state) return nullptr;
  return &edited_.emplace(id, *state).first->second;
}

ViewPtr Change::loaded_view(MailboxId id) {
  if (auto it = views_.find(id); it != views_.end()) return it->second;
  std::lock_guard hold(account_->mutex_);
  auto it = account_->views_.find(id);
  return it == account_->views_.end() ? nullptr : it->second;
}

Task<Result<ViewPtr>> Change::view(MailboxId id) {
  if (auto view = loaded_view(id)) co_return view;
  co_return co_await account_->load_view(id);
}

void Change::set_view(MailboxId id, ViewPtr view) { views_[id] = std::move(view); }

void Change::add_mailbox(MailboxState state) {
  const MailboxId id = state.id;
  index_shares(batch_, account_->id(), id, {}, state.acl);
  edited_.insert_or_assign(id, std::move(state));
}

void Change::remove_mailbox(MailboxId id) {
  if (const MailboxState* state = edit(id)) index_shares(batch_, account_->id(), id, state->acl, {});
  removed_.push_back(id);
  edited_.erase(id);
  views_.erase(id);
}

void Change::set_subscribed(std::string name, bool subscribed) {
  if (subscribed) batch_.put(Space::subscription, account_->id().value(), name, "");
  else batch_.erase(Space::subscription, account_->id().value(), name);
  subscriptions_.emplace_back(std::move(name), subscribed);
}

void Change::log(ChangeKind kind, MailboxId mailbox, const UidSet& uids) {
  batch_.put(Space::change, account_->id().value(), change_key(mod_seq(), mailbox, kind), encode_uids(uids));
}

Task<Result<void>> Change::commit_unseen(MailboxId staging) {
  auto batch = std::exchange(batch_, {});
  {
    std::lock_guard hold(account_->mutex_);
    auto row = account_->core_;  // what the change has made of it is not seen either
    row.staging = staging;
    if (staging != MailboxId()) account_->core_.staging = staging;  // whatever becomes of the commit
    if (staging != MailboxId()) account_->core_.has_copies = row.has_copies = true;
    batch.put(Space::account, account_->id().value(), std::string(kCoreKey), encode_core(row));
  }
  CO_TRY_OK(co_await account_->store().kv().commit(std::move(batch)));
  if (staging != MailboxId()) co_return Result<void>{};
  std::lock_guard hold(account_->mutex_);
  account_->core_.staging = core_.staging = {};
  co_return Result<void>{};
}

kv::Batch Change::take_batch() {
  const std::uint64_t partition = account_->id().value();
  if (core_.mod_seq.value() % kTrimEvery == 0 && core_.mod_seq.value() > kChangesKept) {
    const ModSeq floor(core_.mod_seq.value() - kChangesKept);
    batch_.erase_range(Space::change, partition, {}, change_key(floor, MailboxId(0), ChangeKind::added));
    core_.change_floor = floor;
  }
  for (const auto& [id, state] : edited_)
    batch_.put(Space::mailbox, partition, mailbox_key(id), encode_mailbox(state));
  for (MailboxId id : removed_) {
    batch_.erase(Space::mailbox, partition, mailbox_key(id));
    for (Space space : {Space::entry, Space::entry_page, Space::column, Space::index_state})
      batch_.erase_range(space, partition, mailbox_key(id), after_mailbox_key(id));
  }
  batch_.put(Space::account, partition, std::string(kCoreKey), encode_core(core_));
  return std::move(batch_);
}

void Change::finish(const Result<void>& outcome) {
  Account& account = *account_;
  if (!outcome) {
    // no_space: nothing was written.  Anything else: who knows.
    if (outcome.error().code != Errc::no_space) {
      std::lock_guard hold(account.mutex_);
      account.stale_ = true;
    }
    lock_.release();
    return;
  }
  std::vector<MailboxId> to_fold;
  std::vector<std::pair<MailboxId, std::uint32_t>> grown;
  for (MailboxId id : grown_)
    if (auto it = edited_.find(id); it != edited_.end() && it->second.messages >= kWorthIndexing)
      grown.emplace_back(id, it->second.messages);
  {
    std::lock_guard hold(account.mutex_);
    account.core_ = core_;
    for (MailboxId id : removed_) {
      auto old = account.mailboxes_.find(id);
      if (old == account.mailboxes_.end()) continue;
      account.by_name_.erase(old->second->name);
      account.mailboxes_.erase(old);
      account.views_.erase(id);
    }
    for (const auto& [id, state] : edited_) {  // renames first give every old name up
      auto old = account.mailboxes_.find(id);
      if (old != account.mailboxes_.end() && old->second->name != state.name) account.by_name_.erase(old->second->name);
    }
    for (auto& [id, state] : edited_) {
      auto& slot = account.mailboxes_[id];
      if (!slot || slot->name != state.name) account.by_name_[state.name] = id;
      if (state.overlay_rows > kFoldAt) to_fold.push_back(id);
      slot = std::make_shared<const MailboxState>(std::move(state));
    }
    for (auto& [id, view] : views_) account.views_[id] = std::move(view);
    for (auto& [name, subscribed] : subscriptions_) {
      if (subscribed) account.subscriptions_.insert(std::move(name));
      else account.subscriptions_.erase(name);
    }
  }
  // Still under the lock: watchers are woken in commit order.
  account.store().hub().publish(account.id(), core_.mod_seq);
  lock_.release();
  if (const auto& told = account.store().on_mailbox_changed_)
    for (const auto& [id, entries] : grown) told(account.id(), id, entries);
  if (!dropped_.empty()) account.store().remove_later(std::move(dropped_));
  for (MailboxId id : to_fold) account.store().fold_later(account_, id);
}

Task<Result<void>> Change::commit() {
  auto outcome = co_await account_->store().kv().commit(take_batch());
  finish(outcome);
  co_return outcome;
}

}  // namespace posthorn::store
