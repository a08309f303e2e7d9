// Coarse deadlines: thousands of them cost a list node each, not a timer each.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>

namespace posthorn {

using Deadline = std::chrono::steady_clock::time_point;
constexpr Deadline kNoDeadline = Deadline::max();
inline Deadline after(std::chrono::steady_clock::duration d) { return std::chrono::steady_clock::now() + d; }

// One alarm; owned by what waits.  Disarms itself when destroyed.
class Alarm {
 public:
  Alarm() = default;
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  ~Alarm() { disarm(); }
  void disarm();
  bool armed() const { return prev_ != nullptr; }

 private:
  friend class TimerWheel;
  Alarm* prev_ = nullptr;
  Alarm* next_ = nullptr;
  Deadline when_{};
  void (*fire_)(void*) = nullptr;
  void* context_ = nullptr;
};

// A hashed wheel with ticks of 100 ms; belongs to one reactor and its thread.
// INVARIANT 1: an alarm never fires before its deadline, and at most two ticks after it (if the thread runs).
class TimerWheel {
 public:
  static constexpr std::chrono::milliseconds kTick{100};

  TimerWheel();
  // Calls fire(context) on the reactor's thread once `when` has passed.  Re-arming moves the alarm.
  void arm(Alarm&, Deadline when, void (*fire)(void*), void* context);
  // Fires what is due.  The reactor calls it every tick.
  void advance(Deadline now);

 private:
  static constexpr std::size_t kSlots = 1024;
  std::size_t slot_of(Deadline when) const;

  std::array<Alarm, kSlots> slots_;  // list heads
  Deadline start_;
  std::uint64_t ticks_ = 0;  // slots before this one have been looked at
};

}  // namespace posthorn
