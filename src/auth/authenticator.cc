#include "auth/authenticator.h"

#include <mutex>
#include <optional>
#include <utility>

#include "async/reactor.h"
#include "auth/lru_map.h"
#include "auth/throttle.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "text/ascii.h"
#include "text/saslprep.h"

namespace posthorn::auth {
namespace {

constexpr std::size_t kSuccessEntries = 20'000;  // about 150 bytes each

Counter signed_in{"auth.signed_in", "Sign-ins that succeeded."};
Counter wrong_passwords{"auth.denied", "Sign-ins with a wrong user or password."};
Counter throttled_sign_ins{"auth.throttled", "Sign-ins refused because of too many wrong passwords before."};
Counter hashes_saved{"auth.success_cache_hits", "Sign-ins that did not need the password to be hashed."};

// [RFC4616 2] [RFC5802 5.1] User names are compared in SASLprep's form; what it refuses is taken as given.
std::string prepared(const std::string& user) {
  auto name = text::saslprep(user);
  return name ? *std::move(name) : user;
}

}  // namespace

std::string make_apop_timestamp(const std::string& hostname) { return '<' + crypto::to_hex(crypto::random_bytes(16)) + '@' + hostname + '>'; }

struct Authenticator::State {
  State(Directory& d, WorkerPool& w) : directory(d), workers(w) {}

  Directory& directory;
  WorkerPool& workers;
  Throttle throttle;

  // Right passwords, as a keyed digest that is worth nothing outside of this process.
  const std::string secret = crypto::random_bytes(32);
  std::mutex mutex;
  LruMap<SteadyTime> right_until{kSuccessEntries};  // guarded by mutex

  MetricSource throttle_entries{"auth.throttle_entries", "Accounts and addresses whose wrong passwords are remembered.",
                                [this] { return static_cast<std::int64_t>(throttle.size()); }};

  std::string full_address(const std::string& user) const {
    if (user.find('@') != std::string::npos) return text::to_lower(user);
    const auto domains = directory.domains();
    return domains.size() == 1 ? text::to_lower(user) + '@' + domains.front() : text::to_lower(user);
  }
  // What is stored is part of it: another password, another digest (INVARIANT 2).
  std::string digest_of(const AccountRecord& record, const std::string& password) const {
    const auto& kept = record.secrets;
    const std::string text =
        std::to_string(record.id.value()) + '\0' + kept.password_hash + '\0' + kept.scram_sha256 + '\0' + kept.scram_sha1 + '\0' + password;
    const auto digest = crypto::hmac_sha256(secret, text);
    return std::string(crypto::view(digest));
  }
  bool was_right(const std::string& digest) {
    std::lock_guard hold(mutex);
    const auto* until = right_until.find(digest);
    return until && steady_now() < *until;
  }
  // [RFC5802 5.1] Made-up keys look like others, and are the same at every attempt.
  crypto::ScramKeys keys_of(const std::string& name, const std::optional<AccountRecord>& record, crypto::ScramHash hash) const {
    if (record && !record->secrets.scram(hash).empty()) {
      auto keys = crypto::parse_scram_keys(record->secrets.scram(hash));
      if (keys && keys->hash == hash) return *std::move(keys);
      log::error("auth.unreadable_keys", {{"account", record->address}});
    }
    const auto salt = crypto::hmac_sha256(directory.secret(), std::string(crypto::mechanism_of(hash)) + '\0' + name);
    return {.hash = hash,
            .salt = std::string(crypto::view(salt).substr(0, crypto::kScramSaltSize)),
            .iterations = crypto::kScramIterations,
            .stored_key = {},
            .server_key = {}};
  }
  void remember(std::string digest, std::chrono::seconds time) {
    std::lock_guard hold(mutex);
    right_until.put(std::move(digest), steady_now() + time);
  }
};

Authenticator::Authenticator(Directory& directory, WorkerPool& workers) : state_(std::make_shared<State>(directory, workers)) {}
Authenticator::~Authenticator() = default;

// An attempt under way.
struct Authenticator::Claim {
  std::string name;  // by which guesses are counted, whether it exists or not
  std::string peer_ip;
  std::optional<AccountRecord> record;
  bool limited = false;      // nothing was looked up
  bool for_another = false;  // acts for somebody else
};

Task<Result<Authenticator::Claim>> Authenticator::look_up(std::string user, std::string peer_ip, std::string authorize_as) {
  Claim claim{.name = state_->full_address(prepared(user)), .peer_ip = std::move(peer_ip)};
  // [RFC4616 2] Acting for another user is a right that nobody has here.
  claim.for_another = !authorize_as.empty() && state_->full_address(prepared(authorize_as)) != claim.name;
  claim.limited = state_->throttle.limited(claim.name, claim.peer_ip);
  if (claim.limited) co_return claim;
  auto record = co_await state_->directory.find_account(claim.name);
  if (!record && record.error().code == Errc::not_found) {
    // An address may have been made before names were prepared.
    const auto as_given = state_->full_address(user);
    if (as_given != claim.name) record = co_await state_->directory.find_account(as_given);
  }
  if (record) claim.record = *std::move(record);
  else if (record.error().code != Errc::not_found) co_return std::unexpected(std::move(record).error());
  co_return claim;
}

Task<Result<bool>> Authenticator::is_right(Claim& claim, const std::string& password) {
  const auto cached_for = kSuccessCache.get();
  if (!claim.record) {
    co_await state_->workers.run([&] { judge_unknown_user(password); });
    co_return false;
  }
  auto& record = *claim.record;
  if (cached_for.count() > 0 && state_->was_right(state_->digest_of(record, password))) {
    hashes_saved.add();
    co_return true;
  }
  auto verdict = co_await state_->workers.run([&] { return judge_password(record.secrets, password); });
  if (!verdict && verdict.error().code == Errc::corrupt) {
    log::error("auth.unreadable_hash", {{"account", record.address}, {"error", verdict.error()}});
    co_return false;
  }
  if (!verdict) co_return std::unexpected(std::move(verdict).error());
  if (!verdict->right) co_return false;
  if (verdict->secrets != record.secrets) co_await keep_renewed(record, std::move(verdict->secrets));
  if (cached_for.count() > 0) state_->remember(state_->digest_of(record, password), cached_for);
  co_return true;
}

// The password is right whether this succeeds or not: the next sign-in tries again.  (busy: another one has done it.)
Task<> Authenticator::keep_renewed(AccountRecord& record, Secrets renewed) {
  const auto kept = co_await state_->directory.replace_secrets(record, renewed);
  if (kept) {
    log::info("auth.renewed", {{"account", record.address}});
    record.secrets = std::move(renewed);
  } else if (kept.error().code != Errc::busy) {
    log::warning("auth.not_renewed", {{"account", record.address}, {"error", kept.error()}});
  }
}

Task<std::unexpected<Error>> Authenticator::refuse_throttled(const Claim& claim) {
  throttled_sign_ins.add();
  log::warning("auth.throttled", {{"user", claim.name}, {"peer", claim.peer_ip}});
  co_await sleep_for(kFailureDelay.get());
  co_return fail(Errc::throttled, "too many wrong passwords");
}

// The end of every attempt.
Task<Result<Identity>> Authenticator::conclude(Claim claim, bool right) {
  // Guesses made at the same time count each other.
  if (claim.limited || state_->throttle.limited(claim.name, claim.peer_ip)) co_return co_await refuse_throttled(claim);
  if (right && claim.record && !claim.for_another) {
    state_->throttle.succeeded(claim.name, claim.peer_ip);
    signed_in.add();
    co_return Identity{claim.record->id, claim.record->address};
  }
  wrong_passwords.add();
  const auto delay = state_->throttle.failed(claim.name, claim.peer_ip);
  log::warning("auth.denied", {{"user", claim.name}, {"peer", claim.peer_ip}, {"delay_ms", delay.count()}});
  co_await sleep_for(delay);
  co_return fail(Errc::denied, right ? std::string(kNotForAnother) : "wrong user or password");
}

Task<Result<Identity>> Authenticator::verify(std::string user, std::string password, std::string peer_ip,
                                             std::string authorize_as) {
  CO_TRY(auto claim, co_await look_up(std::move(user), std::move(peer_ip), std::move(authorize_as)));
  bool right = false;
  if (!claim.limited) {
    CO_TRY(right, co_await is_right(claim, password));
  }
  co_return co_await conclude(std::move(claim), right);
}

Task<Result<crypto::ScramKeys>> Authenticator::scram_keys(std::string user, crypto::ScramHash hash, std::string peer_ip) {
  CO_TRY(const auto claim, co_await look_up(std::move(user), std::move(peer_ip), {}));
  if (claim.limited) co_return co_await refuse_throttled(claim);
  co_return state_->keys_of(claim.name, claim.record, hash);
}

Task<Result<Identity>> Authenticator::verify_apop(std::string user, std::string timestamp, std::string digest, std::string peer_ip) {
  CO_TRY(auto claim, co_await look_up(std::move(user), std::move(peer_ip), {}));
  bool right = false;
  if (!claim.limited) {
    // Made up where there is none: the time is the same.
    const bool has_secret = claim.record && !claim.record->apop_secret.empty();
    const auto secret = has_secret ? claim.record->apop_secret : state_->directory.secret();
    const auto wanted = crypto::to_hex(crypto::view(crypto::md5(timestamp + secret)));
    right = crypto::constant_time_equal(wanted, digest) && has_secret;
  }
  co_return co_await conclude(std::move(claim), right);
}

Task<Result<Identity>> Authenticator::verify_proof(ScramProof p, std::string peer_ip) {
  CO_TRY(auto claim, co_await look_up(std::move(p.user), std::move(peer_ip), std::move(p.authorize_as)));
  // INVARIANT 2: the keys of the beginning may not be those of the account any more.  Made-up ones open nothing.
  const bool proven = crypto::verify_client_proof(p.keys, p.auth_message, p.proof);
  const bool right = proven && claim.record && crypto::to_text(p.keys) == claim.record->secrets.scram(p.keys.hash);
  co_return co_await conclude(std::move(claim), right);
}

}  // namespace posthorn::auth
