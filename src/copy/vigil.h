// While one place is at work for long, the other one's server must not leave for want of a word. [RFC3501 5.4]
#pragma once

#include <chrono>
#include <utility>

#include "async/task.h"
#include "async/task_group.h"
#include "async/timer.h"
#include "copy/mail_place.h"

namespace posthorn::copy {

// From time to time it says something at `idle`, until end() has returned, which must come before anything else is done there.
class Vigil {
 public:
  using Interval = std::chrono::steady_clock::duration;
  Vigil(MailPlace& idle, Interval interval) : idle_(idle), interval_(interval) { wait(); }
  Task<> end();

 private:
  void wait();
  Task<> speak();

  MailPlace& idle_;
  const Interval interval_;
  bool ended_ = false;
  TaskGroup group_;
  Alarm alarm_;
};

// What `work` gives, which is done at the other place.
template <class T>
Task<T> beside(MailPlace& idle, Task<T> work, Vigil::Interval interval = std::chrono::minutes(1)) {
  Vigil vigil(idle, interval);
  auto out = co_await std::move(work);
  co_await vigil.end();
  co_return out;
}

}  // namespace posthorn::copy
