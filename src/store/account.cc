#include "store/account.h"

#include <algorithm>

#include "kv/key_codec.h"
#include "store/account_rows.h"
#include "store/change.h"
#include "store/codec.h"
#include "store/mail_store.h"
#include "store/read_view.h"
#include "store/rows.h"

namespace posthorn::store {
namespace {

using kv::Space;
constexpr std::uint64_t kCoreVersion = 4;

}  // namespace

namespace {

// The limit plus one; 0: none.  Until version 2 the limit itself, and 0: none.
void put_limit(std::string& out, Limit limit) { put_varint(out, limit ? std::min(*limit, ~std::uint64_t{0} - 1) + 1 : 0); }

Limit take_limit(RowReader& in, std::uint64_t version) {
  const auto stored = in.varint();
  if (stored == 0) return {};
  return version >= 3 ? stored - 1 : stored;
}

}  // namespace

std::string encode_core(const Account::Core& core) {
  std::string out;
  put_varint(out, kCoreVersion);
  put_varint(out, core.next_mailbox);
  put_varint(out, core.next_uid_validity);
  put_varint(out, core.mod_seq.value());
  put_varint(out, core.change_floor.value());
  put_varint(out, core.quota.bytes_used);
  put_limit(out, core.quota.bytes_limit);
  put_varint(out, core.quota.messages_used);
  put_limit(out, core.quota.messages_limit);
  put_varint(out, core.has_copies);
  put_limit(out, core.quota.mailboxes_limit);
  put_varint(out, core.staging.value());
  return out;
}

Result<Account::Core> decode_core(std::string_view value) {
  RowReader in(value);
  Account::Core core;
  const auto version = in.varint();
  if (version < 1 || version > kCoreVersion) return fail(Errc::corrupt, "account row: unknown version");
  core.next_mailbox = in.varint32();
  core.next_uid_validity = in.varint32();
  core.mod_seq = ModSeq(in.varint());
  core.change_floor = ModSeq(in.varint());
  core.quota.bytes_used = in.varint();
  core.quota.bytes_limit = take_limit(in, version);
  core.quota.messages_used = in.varint();
  core.quota.messages_limit = take_limit(in, version);
  core.has_copies = in.varint() != 0;
  if (version >= 2) core.quota.mailboxes_limit = take_limit(in, version);
  if (version >= 4) core.staging = MailboxId(in.varint32());
  if (!in.at_end()) return fail(Errc::corrupt, "account row is damaged");
  return core;
}

std::string account_index_key(AccountId id) {
  std::string key(kAccountIndex);
  kv::put_be64(key, id.value());
  return key;
}

namespace {

// Names of before they took Normalization Form C can be reached only in that; written so with the next change of the mailbox.  One that would
// be another's stays as it is.
void normalize_names(std::unordered_map<MailboxId, MailboxStatePtr>& mailboxes, std::map<std::string, MailboxId, std::less<>>& by_name) {
  for (auto it = by_name.begin(); it != by_name.end();) {
    const auto normal = normal_mailbox_name(it->first);
    if (!normal || *normal == it->first || by_name.contains(*normal)) {
      ++it;
      continue;
    }
    auto state = std::make_shared<MailboxState>(*mailboxes.at(it->second));
    state->name = *normal;
    mailboxes[it->second] = std::move(state);
    by_name.emplace(*normal, it->second);
    it = by_name.erase(it);
  }
}

}  // namespace

Task<Result<void>> Account::load() {
  auto at = store_.kv().snapshot();
  CO_TRY(auto row, co_await store_.kv().get(Space::account, id_.value(), std::string(kCoreKey), at));
  if (!row) co_return fail(Errc::not_found, "no account " + std::to_string(id_.value()));
  CO_TRY(auto core, decode_core(*row));
  std::unordered_map<MailboxId, MailboxStatePtr> mailboxes;
  std::map<std::string, MailboxId, std::less<>> by_name;
  auto take_mailbox = [&](std::string_view key, std::string_view row) -> Result<void> {
    TRY(const auto id, mailbox_of_key(key));
    TRY(auto state, decode_mailbox(id, row));
    by_name[state.name] = id;
    mailboxes[id] = std::make_shared<const MailboxState>(std::move(state));
    return {};
  };
  CO_TRY_OK(co_await store_.kv().visit_range(Space::mailbox, id_.value(), "", "", take_mailbox, at));
  normalize_names(mailboxes, by_name);
  std::set<std::string, std::less<>> subscriptions;
  auto take_subscription = [&](std::string_view name, std::string_view) -> Result<void> {
    subscriptions.emplace_hint(subscriptions.end(), name);
    return {};
  };
  CO_TRY_OK(co_await store_.kv().visit_range(Space::subscription, id_.value(), "", "", take_subscription, at));
  std::lock_guard hold(mutex_);
  core_ = core;
  mailboxes_ = std::move(mailboxes);
  by_name_ = std::move(by_name);
  subscriptions_ = std::move(subscriptions);
  views_.clear();
  stale_ = false;
  co_return Result<void>{};
}

Task<Result<void>> Account::reload_if_stale() {
  bool stale = false;
  {
    std::lock_guard hold(mutex_);
    stale = stale_;
  }
  if (!stale) co_return Result<void>{};
  co_return co_await load();
}

bool Account::is_gone() const {
  std::lock_guard hold(mutex_);
  return gone_;
}

MailboxStatePtr Account::mailbox(MailboxId id) const {
  std::lock_guard hold(mutex_);
  auto it = mailboxes_.find(id);
  return it == mailboxes_.end() ? nullptr : it->second;
}

MailboxStatePtr Account::find_mailbox(std::string_view name) const {
  auto normal = normal_mailbox_name(name);
  if (!normal) return nullptr;
  std::lock_guard hold(mutex_);
  auto it = by_name_.find(*normal);
  return it == by_name_.end() ? nullptr : mailboxes_.at(it->second);
}

std::vector<MailboxStatePtr> Account::mailboxes(std::string_view prefix) const {
  std::lock_guard hold(mutex_);
  std::vector<MailboxStatePtr> out;
  if (prefix.empty()) out.reserve(by_name_.size());
  for (auto it = by_name_.lower_bound(prefix); it != by_name_.end() && it->first.starts_with(prefix); ++it)
    out.push_back(mailboxes_.at(it->second));
  return out;
}

std::vector<MailboxStatePtr> Account::mailboxes_from(std::string_view from, std::size_t limit) const {
  std::lock_guard hold(mutex_);
  std::vector<MailboxStatePtr> out;
  for (auto it = by_name_.lower_bound(from); it != by_name_.end() && out.size() < limit; ++it) out.push_back(mailboxes_.at(it->second));
  return out;
}

bool Account::has_children(std::string_view name) const {
  const std::string prefix = std::string(name) + '/';
  std::lock_guard hold(mutex_);
  auto it = by_name_.lower_bound(prefix);
  return it != by_name_.end() && it->first.starts_with(prefix);
}

std::vector<std::string> Account::subscriptions() const {
  std::lock_guard hold(mutex_);
  return {subscriptions_.begin(), subscriptions_.end()};
}

std::vector<std::string> Account::subscriptions_from(std::string_view from, std::size_t limit) const {
  std::lock_guard hold(mutex_);
  std::vector<std::string> out;
  for (auto it = subscriptions_.lower_bound(from); it != subscriptions_.end() && out.size() < limit; ++it) out.push_back(*it);
  return out;
}

bool Account::is_subscribed(std::string_view name) const {
  std::lock_guard hold(mutex_);
  return subscriptions_.contains(name);
}

Quota Account::quota() const {
  std::lock_guard hold(mutex_);
  Quota quota = core_.quota;
  quota.mailboxes_used = mailboxes_.size();
  return quota;
}

ModSeq Account::mod_seq() const {
  std::lock_guard hold(mutex_);
  return core_.mod_seq;
}

Task<Result<ViewPtr>> Account::view(MailboxId id) {
  {
    std::lock_guard hold(mutex_);
    if (auto it = views_.find(id); it != views_.end() && !stale_) co_return it->second;
  }
  CO_TRY(auto lock, co_await store_.kv().lock_partition(id_.value()));
  CO_TRY_OK(co_await reload_if_stale());
  co_return co_await load_view(id);
}

Task<Result<ViewPtr>> Account::load_view(MailboxId id) {
  Uid end;
  {
    std::lock_guard hold(mutex_);
    const auto state = mailboxes_.find(id);
    if (state == mailboxes_.end()) co_return fail(Errc::not_found, "the mailbox has been deleted");
    if (auto it = views_.find(id); it != views_.end()) co_return it->second;
    end = state->second->uid_next;
  }
  CO_TRY(auto view, co_await read_view(store_.kv(), id_, id, end, store_.kv().snapshot()));
  {
    std::lock_guard hold(mutex_);
    views_[id] = view;
  }
  store_.view_loaded(view->memory_bytes());
  co_return view;
}

std::optional<Uid> Account::peek_recent(MailboxId id) const {
  auto state = mailbox(id);
  if (!state) return std::nullopt;
  return state->recent_from;
}

Task<Result<Uid>> Account::claim_recent(MailboxId id) {
  auto state = mailbox(id);
  if (!state) co_return fail(Errc::not_found, "the mailbox has been deleted");
  if (state->recent_from == state->uid_next) co_return state->recent_from;
  CO_TRY(auto lock, co_await store_.kv().lock_partition(id_.value()));
  CO_TRY_OK(co_await reload_if_stale());
  state = mailbox(id);
  if (!state) co_return fail(Errc::not_found, "the mailbox has been deleted");
  const Uid first = state->recent_from;
  auto claimed = *state;
  claimed.recent_from = claimed.uid_next;
  kv::Batch batch;
  batch.put(Space::mailbox, id_.value(), mailbox_key(id), encode_mailbox(claimed));
  {
    std::lock_guard hold(mutex_);
    mailboxes_[id] = std::make_shared<const MailboxState>(std::move(claimed));
  }
  // Not worth a wait: after a crash somebody is told once more.  A full disk does not keep anyone from reading.
  store_.kv().write_behind(std::move(batch));
  co_return first;
}

Task<Result<std::vector<std::string>>> Account::summaries(std::vector<MessageId> ids) {
  std::vector<std::string> keys;
  keys.reserve(ids.size());
  for (MessageId id : ids) keys.push_back(message_key(id));
  CO_TRY(auto rows, co_await store_.kv().multi_get(Space::message, id_.value(), std::move(keys)));
  std::vector<std::string> out;
  out.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto& row = rows[i];
    if (!row) {
      out.emplace_back();
      continue;
    }
    CO_TRY(const auto message, decode_message(ids[i], *row));
    row->erase(0, row->size() - message.summary.size());
    out.push_back(*std::move(row));
  }
  co_return out;
}

Task<Result<std::string>> Account::read(MessageId id, std::uint64_t offset, std::uint64_t length) {
  return store_.blobs().read(id, offset, length);
}

Task<Result<blob::Wholes>> Account::read_whole(std::vector<MessageId> ids, std::uint64_t bytes) {
  return store_.blobs().read_whole(std::move(ids), bytes);
}

}  // namespace posthorn::store
