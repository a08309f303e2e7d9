// No orphans: tasks that somebody waits for.
#pragma once

#include <cstddef>
#include <mutex>

#include "async/event.h"
#include "async/reactor.h"
#include "async/task.h"

namespace posthorn {

// Threads: any.  join() returns when every task has ended; nothing may be spawned after that.
class TaskGroup {
 public:
  TaskGroup() = default;
  ~TaskGroup();  // CHECKs that nothing runs any more
  void spawn(Reactor&, Task<>);
  Task<> join();
  std::size_t running() const;

 private:
  static Task<> guard(TaskGroup& group, Task<> task);
  void ended();

  mutable std::mutex mutex_;
  std::size_t running_ = 0;
  Event* joiner_ = nullptr;  // lives in join()'s frame
};

}  // namespace posthorn
