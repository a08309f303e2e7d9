// Long work on a reactor, in turns: others on it want to do something, too.
#pragma once

#include <chrono>

#include "async/reactor.h"
#include "async/timer.h"

namespace posthorn {

// Asked between the steps of the work, each of which is short:  if (turns.over()) co_await turns.next();
class Turns {
 public:
  static constexpr auto kTurn = std::chrono::milliseconds(10);

  bool over() const { return std::chrono::steady_clock::now() > end_; }
  Task<> next() {
    co_await sleep_for({});
    end_ = after(kTurn);
  }

 private:
  Deadline end_ = after(kTurn);
};

}  // namespace posthorn
