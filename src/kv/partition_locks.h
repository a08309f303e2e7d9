// The in-process writer locks of partitions, for the embedded backends.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include "async/mutex.h"

namespace posthorn::kv {

// One mutex a partition: two partitions never block each other.
// A mutex is made when first asked for and kept: 100 bytes for each partition that was ever written in this run.
class PartitionLocks {
 public:
  Task<AsyncMutex::Guard> lock(std::uint64_t partition) {
    AsyncMutex& m = mutex_of(partition);
    co_return co_await m.lock();
  }

 private:
  AsyncMutex& mutex_of(std::uint64_t partition) {
    std::lock_guard hold(mutex_);
    auto& slot = locks_[partition];
    if (!slot) slot = std::make_unique<AsyncMutex>();
    return *slot;
  }

  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::unique_ptr<AsyncMutex>> locks_;
};

}  // namespace posthorn::kv
