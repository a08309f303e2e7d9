#include "copy/vigil.h"

#include "async/reactor.h"

namespace posthorn::copy {

void Vigil::wait() {
  const auto wake = [](void* self) {
    auto& vigil = *static_cast<Vigil*>(self);
    vigil.group_.spawn(Reactor::current(), vigil.speak());
  };
  Reactor::current().wheel().arm(alarm_, after(interval_), wake, this);
}

Task<> Vigil::speak() {
  co_await idle_.stay();
  if (!ended_) wait();
}

Task<> Vigil::end() {
  ended_ = true;
  alarm_.disarm();
  co_await group_.join();
}

}  // namespace posthorn::copy
