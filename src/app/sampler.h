// Rates over the last seconds.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "kv/store.h"

namespace posthorn::app {

// Looks at the counters of the store every second, on a thread of its own.  Threads: any.
class Sampler {
 public:
  explicit Sampler(const kv::Store& kv);
  ~Sampler();

  struct Rates {
    double commits = 0, syncs = 0, bytes_written = 0;  // per second
  };
  Rates over_last(std::size_t seconds) const;  // at most kKept - 1

 private:
  static constexpr std::size_t kKept = 61;
  struct Sample {
    std::chrono::steady_clock::time_point when;
    kv::Stats stats;
  };
  void run();

  const kv::Store& kv_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::array<Sample, kKept> samples_;  // a ring
  std::size_t taken_ = 0;
  std::thread thread_;
};

}  // namespace posthorn::app
