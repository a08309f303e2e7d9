// The DKIM keys of the domains: auth/dkim_key.h.
#include <algorithm>
#include <utility>

#include "auth/directory.h"
#include "auth/directory_rows.h"
#include "auth/directory_state.h"
#include "base/clock.h"
#include "text/ascii.h"

namespace posthorn::auth {
namespace {

constexpr auto kSpace = kv::Space::directory;
constexpr auto kPartition = rows::kPartition;
constexpr std::size_t kKeyCost = 8 << 10;  // of an RSA key as OpenSSL holds it, about
constexpr std::size_t kEntryCost = 512;

using Stored = std::vector<rows::StoredDkimKey>;

// [RFC6376 3.1] Labels as in a host name; short, since the record's name is made of it.
bool is_selector(std::string_view s) {
  return !s.empty() && s.size() <= 63 && s.front() != '-' && s.back() != '-' &&
         std::ranges::all_of(s, [](char c) { return (c >= 'a' && c <= 'z') || text::is_digit(c) || c == '-'; });
}

bool is_gone(const DkimKey& key) { return key.state == DkimKeyState::retired && key.retired && now() >= *key.retired + kDkimRetirement; }

bool has(const Stored& keys, DkimKeyState state) {
  return std::ranges::any_of(keys, [state](const auto& k) { return k.key.state == state; });
}

void put(kv::Batch& batch, const std::string& domain, const rows::StoredDkimKey& stored) {
  batch.put(kSpace, kPartition, rows::dkim_key(domain, stored.key.selector), rows::encode_dkim_key(stored.key, stored.private_key));
}

// Those whose time is over go with the next change.
void erase_gone(kv::Batch& batch, const std::string& domain, Stored& keys) {
  for (const auto& stored : keys)
    if (is_gone(stored.key)) batch.erase(kSpace, kPartition, rows::dkim_key(domain, stored.key.selector));
  std::erase_if(keys, [](const auto& stored) { return is_gone(stored.key); });
}

Result<void> check_new(const std::vector<crypto::NamedKey>& made, const Stored& present) {
  if (made.empty()) return fail(Errc::invalid, "no keys");
  if (has(present, DkimKeyState::next)) return fail(Errc::exists, "keys of this domain wait already to become active");
  if (made.size() + present.size() > kMaxDkimKeys) return fail(Errc::limit, "more than 50 DKIM keys in one domain");
  for (std::size_t i = 0; i < made.size(); ++i) {
    const auto& name = made[i].name;
    if (!is_selector(name)) return fail(Errc::invalid, "'" + name + "' is no selector");
    const bool twice = std::any_of(made.begin(), made.begin() + static_cast<std::ptrdiff_t>(i), [&](const auto& other) { return other.name == name; });
    if (twice || std::ranges::any_of(present, [&](const auto& stored) { return stored.key.selector == name; }))
      return fail(Errc::exists, "the selector " + name + " is taken");
  }
  return {};
}

}  // namespace

// not_found: no such domain.  REQUIRES: domain is normal and not empty.
Task<Result<Stored>> Directory::read_dkim_keys(std::string domain) {
  CO_TRY(const auto found, co_await scan_kind(rows::Kind::dkim_key, std::move(domain)));
  Stored out;
  for (const auto& row : found) {
    CO_TRY(auto stored, rows::decode_dkim_key(row.key, row.value));
    out.push_back(std::move(stored));
  }
  co_return out;
}

Task<Result<std::vector<DkimKey>>> Directory::dkim_keys(std::string domain) {
  CO_TRY(const auto name, normal_domain(domain));
  CO_TRY(auto stored, co_await read_dkim_keys(name));
  std::vector<DkimKey> out;
  for (auto& one : stored)
    if (!is_gone(one.key)) out.push_back(std::move(one.key));
  co_return out;
}

Task<Result<void>> Directory::add_dkim_keys(std::string domain, std::vector<crypto::NamedKey> made) {
  CO_TRY(const auto name, normal_domain(domain));
  CO_TRY(const auto lock, co_await kv_.lock_partition(kPartition));
  CO_TRY(auto present, co_await read_dkim_keys(name));
  kv::Batch batch;
  erase_gone(batch, name, present);
  CO_TRY_OK(check_new(made, present));
  const auto state = has(present, DkimKeyState::active) ? DkimKeyState::next : DkimKeyState::active;
  for (const auto& key : made) rows::put_new_dkim_key(batch, name, key, state);
  co_return co_await commit(std::move(batch));
}

Task<Result<void>> Directory::activate_dkim_keys(std::string domain) {
  CO_TRY(const auto name, normal_domain(domain));
  CO_TRY(const auto lock, co_await kv_.lock_partition(kPartition));
  CO_TRY(auto keys, co_await read_dkim_keys(name));
  if (!has(keys, DkimKeyState::next)) co_return fail(Errc::not_found, "no keys of " + name + " wait to become active");
  kv::Batch batch;
  erase_gone(batch, name, keys);
  for (auto& stored : keys) {
    if (stored.key.state == DkimKeyState::retired) continue;
    if (stored.key.state == DkimKeyState::next) {
      stored.key.state = DkimKeyState::active;
      stored.key.activated = now();
    } else {
      stored.key.state = DkimKeyState::retired;
      stored.key.retired = now();
      stored.private_key.clear();
    }
    put(batch, name, stored);
  }
  co_return co_await commit(std::move(batch));
}

Task<Result<void>> Directory::remove_dkim_key(std::string domain, std::string selector) {
  CO_TRY(const auto name, normal_domain(domain));
  CO_TRY(const auto lock, co_await kv_.lock_partition(kPartition));
  CO_TRY(auto keys, co_await read_dkim_keys(name));
  kv::Batch batch;
  erase_gone(batch, name, keys);
  if (std::ranges::none_of(keys, [&](const auto& stored) { return stored.key.selector == selector; }))
    co_return fail(Errc::not_found, name + " has no DKIM key '" + selector + "'");
  batch.erase(kSpace, kPartition, rows::dkim_key(name, selector));
  co_return co_await commit(std::move(batch));
}

Task<Result<SigningKeys>> Directory::signing_keys(std::string domain) {
  static const SigningKeys none = std::make_shared<const std::vector<crypto::NamedKey>>();
  std::string name = text::to_lower(domain);
  if (!state_->has_domain(name)) co_return none;
  std::uint64_t generation = 0;
  {
    std::lock_guard hold(state_->mutex);
    if (const auto* known = state_->signing_keys.find(name)) co_return *known;
    generation = state_->generation;
  }
  CO_TRY(const auto stored, co_await read_dkim_keys(name));
  std::vector<crypto::NamedKey> active;
  for (const auto& one : stored) {
    if (one.key.state != DkimKeyState::active) continue;
    CO_TRY(auto key, crypto::SigningKey::from_pem(one.private_key));
    active.push_back({one.key.selector, std::make_shared<const crypto::SigningKey>(std::move(key))});
  }
  // [RFC8463 6] Both, so that all understand one; RSA in front, as some look at the first signature only.
  std::ranges::sort(active, {}, [](const crypto::NamedKey& k) { return std::pair(k.key->algorithm(), std::string_view(k.name)); });
  const std::size_t cost = kEntryCost + active.size() * kKeyCost;
  const SigningKeys out = std::make_shared<const std::vector<crypto::NamedKey>>(std::move(active));
  std::lock_guard hold(state_->mutex);
  if (generation == state_->generation) state_->signing_keys.put(std::move(name), out, cost);
  co_return out;
}

}  // namespace posthorn::auth
