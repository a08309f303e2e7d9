#include "auth/authenticator.h"

#include <mutex>
#include <utility>

#include "async/reactor.h"
#include "auth/lru_map.h"
#include "auth/throttle.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "crypto/digest.h"
#include "crypto/password.h"
#include "crypto/random.h"
#include "text/ascii.h"

namespace posthorn::auth {
namespace {

constexpr std::size_t kSuccessEntries = 20'000;  // about 150 bytes each

Counter signed_in{"auth.signed_in", "Sign-ins that succeeded."};
Counter wrong_passwords{"auth.denied", "Sign-ins with a wrong user or password."};
Counter throttled_sign_ins{"auth.throttled", "Sign-ins refused because of too many wrong passwords before."};
Counter hashes_saved{"auth.success_cache_hits", "Sign-ins that did not need the password to be hashed."};

}  // namespace

struct Authenticator::State {
  State(Directory& d, WorkerPool& w) : directory(d), workers(w) {}

  Directory& directory;
  WorkerPool& workers;
  Throttle throttle;

  // Right passwords, as a keyed digest that is worth nothing outside of this process.
  const std::string secret = crypto::random_bytes(32);
  std::mutex mutex;
  LruMap<SteadyTime> right_until{kSuccessEntries};  // guarded by mutex

  MetricSource throttle_entries{"auth.throttle_entries", [this] { return static_cast<std::int64_t>(throttle.size()); }};

  std::string full_address(const std::string& user) const {
    if (user.find('@') != std::string::npos) return text::to_lower(user);
    const auto domains = directory.domains();
    return domains.size() == 1 ? text::to_lower(user) + '@' + domains.front() : text::to_lower(user);
  }
  // The stored hash is part of it: another hash, another digest (INVARIANT 2).
  std::string digest_of(const AccountRecord& record, const std::string& password) const {
    const std::string text = std::to_string(record.id.value()) + '\0' + record.password_hash + '\0' + password;
    const auto digest = crypto::hmac_sha256(secret, text);
    return std::string(crypto::view(digest));
  }
  bool was_right(const std::string& digest) {
    std::lock_guard hold(mutex);
    const auto* until = right_until.find(digest);
    return until && steady_now() < *until;
  }
  void remember(std::string digest, std::chrono::seconds time) {
    std::lock_guard hold(mutex);
    right_until.put(std::move(digest), steady_now() + time);
  }
};

Authenticator::Authenticator(Directory& directory, WorkerPool& workers) : state_(std::make_shared<State>(directory, workers)) {}
Authenticator::~Authenticator() = default;

// Null: no such account.
Task<Result<bool>> Authenticator::is_right(const AccountRecord* record, const std::string& password) {
  const auto cached_for = kSuccessCache.get();
  if (!record) {
    co_return co_await state_->workers.run([&] { return crypto::verify_unknown_user(password, crypto::kPasswordScheme.get()); });
  }
  std::string digest;
  if (cached_for.count() > 0) {
    digest = state_->digest_of(*record, password);
    if (state_->was_right(digest)) {
      hashes_saved.add();
      co_return true;
    }
  }
  auto right = co_await state_->workers.run([&] { return crypto::verify_password(password, record->password_hash); });
  if (!right && right.error().code == Errc::corrupt) {
    log::error("auth.unreadable_hash", {{"account", record->address}, {"error", right.error()}});
    co_return false;
  }
  if (right && *right && cached_for.count() > 0) state_->remember(std::move(digest), cached_for);
  co_return right;
}

Task<Result<Identity>> Authenticator::verify(std::string user, std::string password, std::string peer_ip,
                                             std::string authorize_as) {
  const std::string name = state_->full_address(user);
  const bool limited_before = state_->throttle.limited(name, peer_ip);
  bool right = false;
  Identity identity;
  if (!limited_before) {
    auto record = co_await state_->directory.find_account(name);
    if (!record && record.error().code != Errc::not_found) co_return std::unexpected(std::move(record).error());
    CO_TRY(right, co_await is_right(record ? &*record : nullptr, password));
    // [RFC4616 2] Acting for another user is a right that nobody has here.
    if (!authorize_as.empty() && state_->full_address(authorize_as) != name) right = false;
    if (record) identity = {record->id, record->address};
  }
  // Guesses made at the same time count each other.
  if (limited_before || (state_->throttle.limited(name, peer_ip))) {
    throttled_sign_ins.add();
    log::warning("auth.throttled", {{"user", name}, {"peer", peer_ip}});
    co_await sleep_for(kFailureDelay.get());
    co_return fail(Errc::throttled, "too many wrong passwords");
  }
  if (right) {
    state_->throttle.succeeded(name, peer_ip);
    signed_in.add();
    co_return identity;
  }
  wrong_passwords.add();
  const auto delay = state_->throttle.failed(name, peer_ip);
  log::warning("auth.denied", {{"user", name}, {"peer", peer_ip}, {"delay_ms", delay.count()}});
  co_await sleep_for(delay);
  co_return fail(Errc::denied, "wrong user or password");
}

}  // namespace posthorn::auth
