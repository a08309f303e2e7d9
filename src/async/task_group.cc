#include "async/task_group.h"

#include <cstdio>
#include <exception>
#include <utility>

#include "base/result.h"

namespace posthorn {

TaskGroup::~TaskGroup() { CHECK(running_ == 0); }

std::size_t TaskGroup::running() const {
  std::lock_guard hold(mutex_);
  return running_;
}

void TaskGroup::ended() {
  Event* joiner = nullptr;
  {
    std::lock_guard hold(mutex_);
    if (--running_ == 0) joiner = std::exchange(joiner_, nullptr);
  }
  if (joiner) joiner->set();
}

Task<> TaskGroup::guard(TaskGroup& group, Task<> task) {
  try {
    co_await std::move(task);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "a task ended with an exception: %s\n", e.what());
  }
  group.ended();
}

void TaskGroup::spawn(Reactor& reactor, Task<> task) {
  {
    std::lock_guard hold(mutex_);
    ++running_;
  }
  reactor.spawn(guard(*this, std::move(task)));
}

Task<> TaskGroup::join() {
  Event all_ended;
  {
    std::lock_guard hold(mutex_);
    if (running_ == 0) co_return;
    joiner_ = &all_ended;
  }
  co_await all_ended.wait();
}

}  // namespace posthorn
