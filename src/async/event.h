// A one-shot event: one coroutine waits, anyone sets.
#pragma once

#include <atomic>
#include <functional>

#include "async/task.h"

namespace posthorn {

// Threads: set() from any thread, once.  wait() by one coroutine, once; it resumes on its own reactor, never
// inside set().  The waiter may own the Event: set() does not touch it after it has let the waiter go.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  Task<> wait();
  void set();

 private:
  enum class State { idle, waiting, set };
  std::atomic<State> state_{State::idle};
  std::move_only_function<void()> resume_;  // posts the waiter to its reactor
};

}  // namespace posthorn
