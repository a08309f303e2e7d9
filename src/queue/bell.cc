#include "queue/bell.h"

#include <utility>

#include "async/reactor.h"

namespace posthorn::queue {

Task<> Bell::wait(Deadline until) {
  Event woken;
  {
    std::lock_guard hold(mutex_);
    if (std::exchange(rung_, false)) co_return;
    sleeper_ = &woken;
  }
  Alarm alarm;
  const auto fire = [](void* bell) { static_cast<Bell*>(bell)->ring(); };
  Reactor::current().wheel().arm(alarm, until, fire, this);
  co_await woken.wait();
  alarm.disarm();
  std::lock_guard hold(mutex_);  // whoever rang has let go of us
  rung_ = false;
}

void Bell::ring() {
  std::lock_guard hold(mutex_);
  rung_ = true;
  if (sleeper_) std::exchange(sleeper_, nullptr)->set();
}

}  // namespace posthorn::queue
