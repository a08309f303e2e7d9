#include "async/mutex.h"

namespace posthorn {

Task<AsyncMutex::Guard> AsyncMutex::lock() {
  Event turn;
  bool must_wait = true;
  {
    std::lock_guard hold(mutex_);
    if (!locked_) {
      locked_ = true;
      must_wait = false;
    } else {
      waiters_.push_back(&turn);
    }
  }
  if (must_wait) co_await turn.wait();
  co_return Guard(this);
}

void AsyncMutex::unlock() {
  Event* next = nullptr;
  {
    std::lock_guard hold(mutex_);
    if (waiters_.empty()) {
      locked_ = false;
    } else {
      next = waiters_.front();
      waiters_.pop_front();
    }
  }
  if (next) next->set();
}

}  // namespace posthorn
