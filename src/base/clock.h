// The time.  Everything that needs it asks here, so that a test can hold the clock still.  Any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace posthorn {

using SysTime = std::chrono::sys_time<std::chrono::milliseconds>;  // UTC, for what is stored or shown
using SteadyTime =
    std::chrono::time_point<std::chrono::steady_clock, std::chrono::milliseconds>;  // for deadlines

// For tests: while one exists, now() and steady_now() stand still and move by advance() only.  Not nestable.
class ManualClock {
 public:
  explicit ManualClock(SysTime start) {
    sys_ms_.store(start.time_since_epoch().count());
    steady_ms_.store(1'000'000'000);
    active_.store(true);
  }
  ~ManualClock() { active_.store(false); }
  ManualClock(const ManualClock&) = delete;
  ManualClock& operator=(const ManualClock&) = delete;

  void advance(std::chrono::milliseconds by) {
    sys_ms_.fetch_add(by.count());
    steady_ms_.fetch_add(by.count());
  }
  // As when somebody sets the clock.
  void set_wall(SysTime to) { sys_ms_.store(to.time_since_epoch().count()); }

 private:
  friend SysTime now();
  friend SteadyTime steady_now();
  static inline std::atomic<bool> active_{false};
  static inline std::atomic<std::int64_t> sys_ms_{0};
  static inline std::atomic<std::int64_t> steady_ms_{0};
};

inline SysTime now() {
  if (ManualClock::active_.load(std::memory_order_relaxed)) [[unlikely]]
    return SysTime(std::chrono::milliseconds(ManualClock::sys_ms_.load()));
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

inline SteadyTime steady_now() {
  if (ManualClock::active_.load(std::memory_order_relaxed)) [[unlikely]]
    return SteadyTime(std::chrono::milliseconds(ManualClock::steady_ms_.load()));
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::steady_clock::now());
}

}  // namespace posthorn
