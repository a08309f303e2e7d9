// When a message that could not be delivered is tried again, and when no more. [RFC5321 4.5.4.1]
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "queue/entry.h"

namespace posthorn::queue {

// For one destination; what is not said elsewhere comes from the settings queue.*.
struct RetryPolicy {
  using Time = std::chrono::milliseconds;
  Time first{};          // between the first two attempts; doubles with each further one ...
  Time max{};            // ... until it is this
  Time lifetime{};
  Time delay_warning{};  // 0: none

  static RetryPolicy from_settings();
};

// What a configuration says about some domains only.
struct RetryOverrides {
  std::optional<RetryPolicy::Time> first, max, lifetime, delay_warning;
  RetryPolicy over(RetryPolicy) const;
};

// Attempts that a message gets at least before it expires, however long the clock says that it has waited: a clock that jumps ahead
// by years must not send everything back after one attempt.  With the default schedule they take some hours.
constexpr std::uint32_t kAttemptsBeforeExpiry = 6;

// What to do with recipients that an attempt has left waiting.
struct Decision {
  enum class What : std::uint8_t {
    retry,   // at `next`
    expire,  // they have waited too long: State::expired, a failure report
  };
  What what = What::retry;
  SysTime next{};
  // A report of the delay is due, if it was not sent (Recipient::warned): they have waited for delay_warning, or the time of BY with N
  // has passed. [RFC2852 4.1.4.2]
  bool warn = false;
  friend bool operator==(const Decision&, const Decision&) = default;
};

// `attempts`: made so far, the one that has just ended included.  `random`: of [0, 1), spreads the times by a fifth to both sides, so
// that what failed together does not come back together.
//
// 1. `next` is after `now`, by at most 1.2 times max, and by a second at least.
// 2. The last attempt comes when the lifetime ends, not before; with BY and R when that time has come. [RFC2852 4.1.4.1]
// 3. The lifetime counts from Entry::born().  An entry from the future counts as new: the clock was set back.
Decision decide(const RetryPolicy&, const Entry&, std::uint32_t attempts, SysTime now, double random);

// How long a destination that cannot be reached is left alone after so many failures in a row (at least 1).
std::chrono::milliseconds step(const RetryPolicy&, std::uint32_t failures, double random);

}  // namespace posthorn::queue
