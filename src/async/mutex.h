// A mutex that suspends instead of blocking; fair (first come, first served), usable across reactors.
#pragma once

#include <deque>
#include <mutex>
#include <utility>

#include "async/event.h"
#include "async/task.h"

namespace posthorn {

class AsyncMutex {
 public:
  // Unlocks when destroyed; from any thread.
  class Guard {
   public:
    Guard() = default;
    Guard(Guard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    Guard& operator=(Guard&& other) noexcept {
      if (this != &other) {
        release();
        mutex_ = std::exchange(other.mutex_, nullptr);
      }
      return *this;
    }
    ~Guard() { release(); }
    void release() {
      if (mutex_) std::exchange(mutex_, nullptr)->unlock();
    }
    explicit operator bool() const { return mutex_ != nullptr; }

   private:
    friend class AsyncMutex;
    explicit Guard(AsyncMutex* m) : mutex_(m) {}
    AsyncMutex* mutex_ = nullptr;
  };

  Task<Guard> lock();

 private:
  void unlock();

  std::mutex mutex_;
  bool locked_ = false;         // guarded by mutex_; handed over to the next waiter without being cleared
  std::deque<Event*> waiters_;  // guarded by mutex_; the events live in the waiters' frames
};

}  // namespace posthorn
