// How fast a destination is sent to.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "queue/queue.h"
#include "queue/retry.h"

namespace posthorn::delivery {

struct PaceRules {
  std::uint32_t first = 5, max = 20;             // connections at once
  std::chrono::milliseconds pause{5'000};        // behind a refusal; doubles with each further one ...
  std::chrono::milliseconds max_pause{300'000};  // ... until it is this
  std::chrono::milliseconds calm{30'000};        // after a refusal: how long it takes until the width grows again
};

// Of one destination.  It begins with `first` connections, and gets one more for every so many messages as it has connections; a refusal
// halves them and pauses; what cannot be reached gets one attempt at a time, after pauses that the caller chooses.
// `began`: of the attempt that found out; what happened before the last change has been counted.  Pure: no clock.
class Pace {
 public:
  explicit Pace(PaceRules rules) : rules_(rules), width_(rules.first) {}

  queue::Limits limits() const;
  void succeeded(SteadyTime now);                   // a message was taken
  void slowed(SteadyTime began, SteadyTime now);    // 421, 45x of the server, not of one mailbox
  void unreachable(SteadyTime began, SteadyTime now, std::chrono::milliseconds pause);

  bool is_dead() const { return failures_ > 0; }
  std::uint32_t failures() const { return failures_; }  // in a row
  // Nothing that a new one would not know.
  bool is_fresh(SteadyTime now) const;

 private:
  PaceRules rules_;
  double width_;
  std::uint32_t failures_ = 0, refusals_ = 0;  // in a row
  SteadyTime not_before_{}, changed_{}, grows_from_{}, last_success_{};
};

// Of all destinations; those of which there is nothing to remember are forgotten.  Threads: any.
class Paces {
 public:
  static constexpr std::size_t kMax = 100'000;  // destinations

  queue::Limits limits(const std::string& destination) const;
  bool is_dead(const std::string& destination) const;
  // Each gives the limits from now on.
  queue::Limits succeeded(const std::string& destination);
  queue::Limits slowed(const std::string& destination, SteadyTime began);
  queue::Limits unreachable(const std::string& destination, SteadyTime began, const queue::RetryPolicy&, double random);

 private:
  Pace& find(const std::string& destination);
  void forget_some(SteadyTime now);

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Pace> paces_;
};

}  // namespace posthorn::delivery
