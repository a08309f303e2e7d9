// Guessing passwords is made slow: for each account, and for each address guesses come from.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>

#include "auth/lru_map.h"
#include "base/clock.h"
#include "base/settings.h"

namespace posthorn::auth {

using namespace std::chrono_literals;

inline const Setting<std::int64_t> kMaxFailuresPerAccount{
    "auth.max_failures_per_account", 20, 0, 1'000'000,
    "Wrong passwords for one account within failure_window after which sign-ins to it are refused, except from addresses "
    "that have signed in to it before; 0 means no limit."};
inline const Setting<std::int64_t> kMaxFailuresPerAddress{
    "auth.max_failures_per_address", 100, 0, 1'000'000,
    "Wrong passwords from one client address within failure_window after which sign-ins from it are refused; 0 means no limit."};
inline const Setting<std::chrono::seconds> kFailureWindow{
    "auth.failure_window", 10min, 1s, 24h, "How long it takes until that many wrong passwords are forgotten (steadily, not all at once)."};
inline const Setting<std::chrono::milliseconds> kFailureDelay{
    "auth.failure_delay", 500ms, 0s, 30s, "The first wrong password is answered this late; every further one doubles it."};
inline const Setting<std::chrono::milliseconds> kFailureDelayMax{
    "auth.failure_delay_max", 8s, 0s, 60s, "The longest delay of the answer to a wrong password."};
inline const Setting<std::int64_t> kThrottleEntries{
    "auth.throttle_entries", 50'000, 100, 10'000'000, "Accounts and addresses whose wrong passwords are remembered at most."};

// Threads: any.
// INVARIANT 1: the memory is bounded by auth.throttle_entries; the entries used least recently go first.
// INVARIANT 2: what makes a guess limited is the same for accounts that exist and those that do not.
class Throttle {
 public:
  Throttle();

  // No password may be tried now.  `peer_ip` empty: not limited by address.
  bool limited(const std::string& account, const std::string& peer_ip);
  // Counts a wrong password; returns how late to answer it.
  std::chrono::milliseconds failed(const std::string& account, const std::string& peer_ip);
  // From now on failures of others do not lock this address out of the account.
  void succeeded(const std::string& account, const std::string& peer_ip);
  std::size_t size() const;

 private:
  struct Level {
    double failures = 0;
    SteadyTime when{};
  };
  double failures_now(const std::string& key, std::int64_t limit);
  bool over(const std::string& key, std::int64_t limit);

  mutable std::mutex mutex_;
  LruMap<Level> levels_;         // "a" + account, "p" + address
  LruMap<std::monostate> known_;  // account, NUL, address
};

}  // namespace posthorn::auth
