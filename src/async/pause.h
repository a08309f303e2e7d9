// The pause of something that is done from time to time, until the server stops.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>

#include "async/reactor.h"
#include "base/clock.h"

namespace posthorn {

// Returns at `then`, or soon (100 ms) after `stopping` is set.
inline Task<> pause_until(SteadyTime then, const std::atomic<bool>& stopping) {
  constexpr std::chrono::milliseconds kLook(100);
  for (auto now = steady_now(); !stopping && now < then; now = steady_now())
    co_await sleep_for(std::min<std::chrono::steady_clock::duration>(then - now, kLook));
}

}  // namespace posthorn
