// Opening, and look-ups.
#include "auth/directory.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "auth/directory_rows.h"
#include "auth/directory_state.h"
#include "base/log.h"
#include "crypto/random.h"
#include "text/ascii.h"

namespace posthorn::auth {
namespace {

constexpr std::size_t kMaxDepth = 100;  // of aliases that name aliases

std::size_t cost_of(std::string_view key, const AccountRecord* account, const AliasRecord* alias) {
  std::size_t cost = 160 + 2 * key.size();  // the node, the index, and the key's two copies
  if (account)
    for (const auto* text :
         {&account->address, &account->secrets.password_hash, &account->secrets.scram_sha256, &account->secrets.scram_sha1, &account->apop_secret})
      cost += sizeof *text + text->size();
  if (account)
    for (const auto& [name, value] : account->settings) cost += 48 + 2 * sizeof name + name.size() + value.size();
  if (alias)
    for (const auto& t : alias->targets) cost += sizeof t + t.size();
  return cost;
}

}  // namespace

Directory::Directory(kv::Store& kv) : kv_(kv), state_(std::make_shared<State>()) {}

Task<Result<void>> Directory::open() {
  CO_TRY_OK(co_await read_domains());
  co_return co_await read_secret();
}

Task<Result<void>> Directory::read_secret() {
  const std::string key = rows::secret_key();
  CO_TRY(const auto lock, co_await kv_.lock_partition(rows::kPartition));
  CO_TRY(auto kept, co_await kv_.get(kv::Space::directory, rows::kPartition, key));
  if (!kept) {
    kept = crypto::random_bytes(rows::kSecretSize);
    kv::Batch batch;
    batch.put(kv::Space::directory, rows::kPartition, key, *kept);
    CO_TRY_OK(co_await kv_.commit(std::move(batch)));
  }
  if (kept->size() != rows::kSecretSize) co_return fail(Errc::corrupt, "directory: the secret cannot be read");
  state_->secret = *std::move(kept);
  co_return Result<void>{};
}

const std::string& Directory::secret() const { return state_->secret; }

Task<Result<void>> Directory::read_domains() {
  const auto range = rows::all_of(rows::Kind::domain);
  CO_TRY(const auto found, co_await scan_all(range.from, range.to));
  std::set<std::string, std::less<>> domains;
  for (const auto& row : found) domains.insert(row.key.substr(1));
  std::unique_lock hold(state_->domains_mutex);
  state_->domains = std::move(domains);
  co_return Result<void>{};
}

Task<Result<std::vector<kv::Row>>> Directory::scan_all(std::string from, std::string to, kv::SnapshotPtr snapshot) {
  std::vector<kv::Row> all;
  for (;;) {
    kv::Range range{kv::Space::directory, rows::kPartition, std::move(from), to};
    CO_TRY(auto page, co_await kv_.scan(std::move(range), snapshot));
    std::ranges::move(page.rows, std::back_inserter(all));
    if (!page.more || all.empty()) co_return all;
    from = rows::behind(all.back().key);
  }
}

bool Directory::is_local_domain(std::string_view domain) const { return state_->has_domain(text::to_lower(domain)); }

std::vector<std::string> Directory::domains() const {
  std::shared_lock hold(state_->domains_mutex);
  return {state_->domains.begin(), state_->domains.end()};
}

// REQUIRES: both in lower case.
Task<Result<Directory::Address>> Directory::look_up(const std::string& domain, const std::string& local) {
  const LocalAddress name{local, domain};
  std::string account_key = rows::account_key(name);
  std::uint64_t generation = 0;
  {
    std::lock_guard hold(state_->mutex);
    if (const auto* known = state_->cache.find(account_key)) co_return *known;
    generation = state_->generation;
  }
  std::vector<std::string> keys{account_key, rows::alias_key(name)};
  CO_TRY(const auto values, co_await kv_.multi_get(kv::Space::directory, rows::kPartition, std::move(keys)));
  Address found;
  if (values[0]) {
    CO_TRY(auto record, rows::decode_account(account_key, *values[0]));
    found.account = std::make_shared<const AccountRecord>(std::move(record));
  } else if (values[1]) {
    CO_TRY(auto record, rows::decode_alias(rows::alias_key(name), *values[1]));
    found.alias = std::make_shared<const AliasRecord>(std::move(record));
  }
  const auto cost = cost_of(account_key, found.account.get(), found.alias.get());
  std::lock_guard hold(state_->mutex);
  if (generation == state_->generation) state_->cache.put(std::move(account_key), found, cost);
  co_return found;
}

// The address itself, without its detail, or the catch-all of its domain.
Task<Result<Directory::Address>> Directory::look_up_as_delivered(const std::string& domain, const std::string& local) {
  CO_TRY(auto found, co_await look_up(domain, local));
  if (found.exists()) co_return found;
  const auto plus = local.find('+');  // [RFC5233 4]
  if (plus != std::string::npos && plus > 0) {
    const std::string user = local.substr(0, plus);
    CO_TRY(found, co_await look_up(domain, user));
    if (found.exists()) co_return found;
  }
  const std::string catch_all;
  co_return co_await look_up(domain, catch_all);
}

Task<Result<Resolved>> Directory::resolve(std::string local_part, std::string domain) {
  return expand(text::to_lower(domain), text::to_lower(local_part), {});
}

// Walks through aliases depth first.  Meeting an alias that is being walked through is a loop; meeting one again on another
// way is not.  `refuse_to_pass` is an alias that is about to be made: meeting it is a loop, too.
Task<Result<Resolved>> Directory::expand(std::string domain, std::string local, std::string refuse_to_pass) {
  struct Step {
    std::shared_ptr<const AliasRecord> alias;
    std::size_t next = 0;
  };
  if (!state_->has_domain(domain)) co_return fail(Errc::invalid, "not a local domain");
  Resolved out;
  std::vector<Step> path;
  std::unordered_set<std::string> seen;
  std::size_t followed = 0;
  for (;;) {
    Address found;
    const bool outside = !state_->has_domain(domain);
    if (!outside) {
      const std::string wanted = text::to_lower(local);
      CO_TRY(found, co_await look_up_as_delivered(domain, wanted));
    }
    if (outside) {
      auto address = local + '@' + domain;
      if (std::ranges::find(out.outside, address) == out.outside.end()) out.outside.push_back(std::move(address));
    } else if (found.account) {
      out.accounts.push_back(found.account->id);
    } else if (found.alias) {
      const auto& name = found.alias->address;
      const bool loop = name == refuse_to_pass ||
                        std::ranges::any_of(path, [&](const Step& s) { return s.alias->address == name; });
      if (loop || path.size() >= kMaxDepth) co_return fail(Errc::limit, "alias loop at " + name);
      if (seen.insert(name).second) path.push_back({found.alias});
    } else if (!path.empty()) {
      log::warning("directory.dangling_alias", {{"alias", path.back().alias->address}, {"target", local + '@' + domain}});
    }
    while (!path.empty() && path.back().next == path.back().alias->targets.size()) path.pop_back();
    if (path.empty()) break;
    if (++followed > kMaxTargets) co_return fail(Errc::limit, "an alias with more than 1000 targets");
    const std::string target = path.back().alias->targets[path.back().next++];
    const auto at = target.rfind('@');
    local = target.substr(0, at);
    domain = target.substr(at + 1);
  }
  std::ranges::sort(out.accounts);
  out.accounts.erase(std::unique(out.accounts.begin(), out.accounts.end()), out.accounts.end());
  if (out.accounts.empty() && out.outside.empty()) co_return fail(Errc::not_found, "no such user");
  co_return out;
}

Task<Result<AccountRecord>> Directory::find_account(std::string address) {
  const auto name = normal_address(address);
  // An address that could not exist does not exist; what it was is not for the log.
  if (!name || !state_->has_domain(name->domain)) co_return fail(Errc::not_found, "no such account");
  CO_TRY(const auto found, co_await look_up(name->domain, name->local));
  if (!found.account) co_return fail(Errc::not_found, "no account " + name->text());
  co_return *found.account;
}

Task<Result<AccountRecord>> Directory::find_account(AccountId id) {
  CO_TRY(const auto address, co_await kv_.get(kv::Space::directory, rows::kPartition, rows::id_key(id)));
  if (!address) co_return fail(Errc::not_found, "no account with the id " + std::to_string(id.value()));
  co_return co_await find_account(*address);
}

Task<Result<std::vector<kv::Row>>> Directory::scan_kind(rows::Kind kind, std::string domain) {
  auto range = rows::all_of(kind);
  if (!domain.empty()) {
    CO_TRY(const auto name, normal_domain(domain));
    if (!state_->has_domain(name)) co_return fail(Errc::not_found, "no domain " + name);
    range = rows::of_domain(kind, name);
  }
  co_return co_await scan_all(range.from, range.to);
}

Task<Result<std::vector<AccountRecord>>> Directory::list_accounts(std::string domain) {
  CO_TRY(const auto found, co_await scan_kind(rows::Kind::account, std::move(domain)));
  std::vector<AccountRecord> out;
  out.reserve(found.size());
  for (const auto& row : found) {
    CO_TRY(auto record, rows::decode_account(row.key, row.value));
    out.push_back(std::move(record));
  }
  co_return out;
}

Task<Result<std::vector<AliasRecord>>> Directory::list_aliases(std::string domain) {
  CO_TRY(const auto found, co_await scan_kind(rows::Kind::alias, std::move(domain)));
  std::vector<AliasRecord> out;
  out.reserve(found.size());
  for (const auto& row : found) {
    CO_TRY(auto record, rows::decode_alias(row.key, row.value));
    out.push_back(std::move(record));
  }
  co_return out;
}

}  // namespace posthorn::auth
