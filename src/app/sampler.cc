#include "app/sampler.h"

#include <algorithm>

namespace posthorn::app {

Sampler::Sampler(const kv::Store& kv) : kv_(kv), thread_([this] { run(); }) {}

Sampler::~Sampler() {
  {
    std::lock_guard hold(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Sampler::run() {
  std::unique_lock hold(mutex_);
  while (!stopping_) {
    samples_[taken_++ % kKept] = {std::chrono::steady_clock::now(), kv_.stats()};
    wake_.wait_for(hold, std::chrono::seconds(1), [this] { return stopping_; });
  }
}

Sampler::Rates Sampler::over_last(std::size_t seconds) const {
  std::lock_guard hold(mutex_);
  if (taken_ < 2) return {};
  const std::size_t back = std::min({seconds, taken_ - 1, kKept - 1});
  const auto& newest = samples_[(taken_ - 1) % kKept];
  const auto& oldest = samples_[(taken_ - 1 - back) % kKept];
  const double time = std::chrono::duration<double>(newest.when - oldest.when).count();
  if (time <= 0) return {};
  return {static_cast<double>(newest.stats.commits - oldest.stats.commits) / time,
          static_cast<double>(newest.stats.syncs - oldest.stats.syncs) / time,
          static_cast<double>(newest.stats.bytes_written - oldest.stats.bytes_written) / time};
}

}  // namespace posthorn::app
