// Wakes one coroutine: by a time, or because somebody rings.
#pragma once

#include <mutex>

#include "async/event.h"
#include "async/task.h"
#include "async/timer.h"

namespace posthorn::queue {

// Threads: ring() from any; wait() by one coroutine at a time.
class Bell {
 public:
  // Until ring(), or about `until`.  Rung since the last wait: at once.
  Task<> wait(Deadline until);
  void ring();

 private:
  std::mutex mutex_;
  bool rung_ = false;
  Event* sleeper_ = nullptr;
};

}  // namespace posthorn::queue
