// Every change: under the lock of the partition, one commit, then the cache forgets.
#include <algorithm>
#include <set>
#include <unordered_set>
#include <utility>

#include "auth/directory.h"
#include "auth/directory_rows.h"
#include "auth/directory_state.h"
#include "base/log.h"

namespace posthorn::auth {
namespace {

constexpr auto kSpace = kv::Space::directory;
constexpr auto kPartition = rows::kPartition;

}  // namespace

// REQUIRES: the lock is held.
Task<Result<void>> Directory::commit(kv::Batch batch) {
  std::vector<std::string> keys;
  std::set<std::string> domains;  // whose DKIM keys change
  for (const auto& op : batch.ops()) {
    if (op.key.front() == static_cast<char>(rows::Kind::account) || op.key.front() == static_cast<char>(rows::Kind::alias))
      keys.push_back(op.key);
    if (op.key.front() == static_cast<char>(rows::Kind::dkim_key))
      if (const auto name = rows::address_of_key(op.key)) domains.insert(name->domain);
  }
  auto done = co_await kv_.commit(std::move(batch));
  if (done) {
    state_->forget(std::move(keys));
    state_->forget_signing_keys(domains);
    co_return done;
  }
  state_->forget_everything();  // whether it was written may be unknown
  const auto reread = co_await read_domains();
  if (!reread) log::warning("directory.reread_failed", {{"error", reread.error()}});
  co_return done;
}

Task<Result<void>> Directory::add_domain(std::string domain, std::vector<crypto::NamedKey> keys) {
  CO_TRY(const auto name, normal_domain(domain));
  CO_TRY(const auto lock, co_await kv_.lock_partition(kPartition));
  if (state_->has_domain(name)) co_return fail(Errc::exists, "domain " + name + " exists already");
  kv::Batch batch;
  batch.put(kSpace, kPartition, rows::domain_key(name), rows::encode_domain());
  for (const auto& key : keys) rows::put_new_dkim_key(batch, name, key, DkimKeyState::active);
  CO_TRY_OK(co_await commit(std::move(batch)));
  std::unique_lock hold(state_->domains_mutex);
  state_->domains.insert(name);
  co_return Result<void>{};
}

Task<Result<void>> Directory::remove_domain(std::string domain) {
  CO_TRY(const auto name, normal_domain(domain));
  CO_TRY(const auto lock, co_await kv_.lock_partition(kPartition));
  if (!state_->has_domain(name)) co_return fail(Errc::not_found, "no domain " + name);
  for (const auto kind : {rows::Kind::account, rows::Kind::alias}) {
    const auto keys = rows::of_domain(kind, name);
    kv::Range range{kSpace, kPartition, keys.from, keys.to, 1};
    CO_TRY(const auto found, co_await kv_.scan(std::move(range)));
    if (!found.rows.empty()) co_return fail(Errc::busy, "domain " + name + " still has accounts or aliases");
  }
  CO_TRY(const auto keys, co_await scan_kind(rows::Kind::dkim_key, name));
  kv::Batch batch;
  for (const auto& row : keys) batch.erase(kSpace, kPartition, row.key);
  batch.erase(kSpace, kPartition, rows::domain_key(name));
  CO_TRY_OK(co_await commit(std::move(batch)));
  std::unique_lock hold(state_->domains_mutex);
  state_->domains.erase(name);
  co_return Result<void>{};
}

Task<Result<AccountId>> Directory::add_account(std::string address, Secrets secrets) {
  CO_TRY(const auto ids, co_await reserve_ids(1));
  std::vector<NewAccount> one;
  one.push_back({ids.front(), std::move(address), std::move(secrets)});
  CO_TRY(auto added, co_await add_accounts(std::move(one)));
  if (!added.front()) {
    CO_TRY_OK(co_await settle(ids));
    co_return std::unexpected(std::move(added.front()).error());
  }
  co_return ids.front();
}

Task<Result<std::vector<AccountId>>> Directory::reserve_ids(std::size_t count) {
  CO_TRY(const auto lock, co_await kv_.lock_partition(kPartition));
  CO_TRY(const auto stored, co_await kv_.get(kSpace, kPartition, rows::next_id_key()));
  AccountId next(1);  // 0 is nobody, and the partition of what belongs to no account
  if (stored) {
    CO_TRY(next, rows::decode_id(*stored));
  }
  std::vector<AccountId> ids;
  kv::Batch batch;
  for (std::size_t i = 0; i < count; ++i) {
    ids.push_back(next);
    batch.put(kSpace, kPartition, rows::pending_key(next), rows::encode_domain());
    next = AccountId(next.value() + 1);
  }
  batch.put(kSpace, kPartition, rows::next_id_key(), rows::encode_id(next));
  CO_TRY_OK(co_await commit(std::move(batch)));
  co_return ids;
}

Task<Result<std::vector<Result<void>>>> Directory::add_accounts(std::vector<NewAccount> accounts) {
  CO_TRY(const auto lock, co_await kv_.lock_partition(kPartition));
  std::vector<Result<void>> answers;
  kv::Batch batch;
  std::unordered_set<std::string> new_addresses;
  for (auto& account : accounts) {
    const auto name = normal_address(account.address);
    if (!name) {
      answers.push_back(std::unexpected(name.error()));
      continue;
    }
    if (!state_->has_domain(name->domain)) {
      answers.push_back(fail(Errc::not_found, "no domain " + name->domain));
      continue;
    }
    CO_TRY(const auto present, co_await look_up(name->domain, name->local));
    if (present.exists() || !new_addresses.insert(name->text()).second) {
      answers.push_back(fail(Errc::exists, name->text() + " exists already"));
      continue;
    }
    const AccountRecord record{.id = account.id, .address = name->text(), .secrets = std::move(account.secrets)};
    batch.put(kSpace, kPartition, rows::account_key(*name), rows::encode_account(record));
    batch.put(kSpace, kPartition, rows::id_key(account.id), record.address);
    batch.erase(kSpace, kPartition, rows::pending_key(account.id));
    answers.emplace_back();
  }
  if (!batch.empty()) {
    CO_TRY_OK(co_await commit(std::move(batch)));
  }
  co_return answers;
}

Task<Result<void>> Directory::set_secrets(std::string address, Secrets secrets) {
  CO_TRY(const auto lock, co_await kv_.lock_partition(kPartition));
  CO_TRY(auto record, co_await find_account(std::move(address)));
  record.secrets = std::move(secrets);
  record.apop_secret.clear();
  co_return co_await write_account(record);
}

Task<Result<void>> Directory::set_apop_secret(std::string address, std::string secret) {
  CO_TRY(const auto lock, co_await kv_.lock_partition(kPartition));
  CO_TRY(auto record, co_await find_account(std::move(address)));
  record.apop_secret = std::move(secret);
  co_return co_await write_account(record);
}

Task<Result<void>> Directory::change_settings(std::string address, std::map<std::string, std::string, std::less<>> changes) {
  CO_TRY(const auto lock, co_await kv_.lock_partition(kPartition));
  CO_TRY(auto record, co_await find_account(std::move(address)));
  for (auto& [name, value] : changes) {
    if (name.size() > kMaxSetting || value.size() > kMaxSetting) co_return fail(Errc::limit, "a setting of more than 1000 bytes");
    if (value.empty())
      record.settings.erase(name);
    else
      record.settings[name] = std::move(value);
  }
  if (record.settings.size() > kMaxSettings) co_return fail(Errc::limit, "more than 64 settings");
  co_return co_await write_account(record);
}

Task<Result<void>> Directory::replace_secrets(AccountRecord seen, Secrets secrets) {
  CO_TRY(const auto lock, co_await kv_.lock_partition(kPartition));
  CO_TRY(auto now, co_await find_account(seen.address));
  if (now.id != seen.id || now.secrets != seen.secrets) co_return fail(Errc::busy, "the password has just been changed");
  now.secrets = std::move(secrets);
  co_return co_await write_account(now);
}

// REQUIRES: the lock is held.
Task<Result<void>> Directory::write_account(const AccountRecord& record) {
  CO_TRY(const auto name, normal_address(record.address));
  kv::Batch batch;
  batch.put(kSpace, kPartition, rows::account_key(name), rows::encode_account(record));
  co_return co_await commit(std::move(batch));
}

Task<Result<AccountId>> Directory::remove_account(std::string address) {
  CO_TRY(const auto lock, co_await kv_.lock_partition(kPartition));
  CO_TRY(const auto record, co_await find_account(std::move(address)));
  CO_TRY(const auto name, normal_address(record.address));
  kv::Batch batch;
  batch.erase(kSpace, kPartition, rows::account_key(name));
  batch.erase(kSpace, kPartition, rows::id_key(record.id));
  batch.put(kSpace, kPartition, rows::pending_key(record.id), rows::encode_domain());
  CO_TRY_OK(co_await commit(std::move(batch)));
  co_return record.id;
}

Task<Result<void>> Directory::settle(std::vector<AccountId> ids) {
  CO_TRY(const auto lock, co_await kv_.lock_partition(kPartition));
  kv::Batch batch;
  for (const auto id : ids) batch.erase(kSpace, kPartition, rows::pending_key(id));
  co_return co_await commit(std::move(batch));
}

Task<Result<std::vector<AccountId>>> Directory::pending_ids() {
  const auto range = rows::all_of(rows::Kind::pending);
  CO_TRY(const auto found, co_await scan_all(range.from, range.to));
  std::vector<AccountId> ids;
  for (const auto& row : found) {
    CO_TRY(const auto id, rows::id_of_pending_key(row.key));
    ids.push_back(id);
  }
  co_return ids;
}

Task<Result<void>> Directory::add_alias(std::string address, std::vector<std::string> targets) {
  CO_TRY(const auto name, normal_address(address, CatchAll::allow));
  if (targets.empty()) co_return fail(Errc::invalid, "an alias needs a target");
  if (targets.size() > kMaxTargets) co_return fail(Errc::limit, "more than 1000 targets");
  CO_TRY(const auto lock, co_await kv_.lock_partition(kPartition));
  if (!state_->has_domain(name.domain)) co_return fail(Errc::not_found, "no domain " + name.domain);
  CO_TRY(const auto present, co_await look_up(name.domain, name.local));
  if (present.exists()) co_return fail(Errc::exists, name.text() + " exists already");

  AliasRecord record{name.text(), {}};
  for (const auto& target : targets) {
    CO_TRY(auto to, any_address(target));
    const bool outside = !state_->has_domain(to.domain);
    if (!outside) {
      CO_TRY(to, normal_address(target));
    }
    if (std::ranges::find(record.targets, to.text()) != record.targets.end()) continue;
    if (outside) {
      record.targets.push_back(to.text());
      continue;
    }
    const auto reached = co_await expand(to.domain, to.local, record.address);
    if (!reached && reached.error().code == Errc::not_found) co_return fail(Errc::invalid, "there is no " + to.text());
    if (!reached && reached.error().code == Errc::limit)
      co_return fail(Errc::invalid, "'" + to.text() + "' leads back to this alias, or too far: " + reached.error().text);
    if (!reached) co_return std::unexpected(reached.error());
    record.targets.push_back(to.text());
  }
  kv::Batch batch;
  batch.put(kSpace, kPartition, rows::alias_key(name), rows::encode_alias(record));
  co_return co_await commit(std::move(batch));
}

Task<Result<void>> Directory::remove_alias(std::string address) {
  CO_TRY(const auto name, normal_address(address, CatchAll::allow));
  CO_TRY(const auto lock, co_await kv_.lock_partition(kPartition));
  CO_TRY(const auto present, co_await look_up(name.domain, name.local));
  if (!present.alias) co_return fail(Errc::not_found, "no alias " + name.text());
  kv::Batch batch;
  batch.erase(kSpace, kPartition, rows::alias_key(name));
  co_return co_await commit(std::move(batch));
}

}  // namespace posthorn::auth
