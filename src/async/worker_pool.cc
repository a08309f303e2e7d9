#include "async/worker_pool.h"

namespace posthorn {

WorkerPool::WorkerPool(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

WorkerPool::~WorkerPool() {
  {
    std::lock_guard hold(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  for (auto& t : threads_) t.join();
}

void WorkerPool::submit(std::move_only_function<void()> job) {
  {
    std::lock_guard hold(mutex_);
    jobs_.push_back(std::move(job));
  }
  ready_.notify_one();
}

void WorkerPool::work() {
  std::unique_lock hold(mutex_);
  for (;;) {
    ready_.wait(hold, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    hold.unlock();
    job();
    job = nullptr;  // destroy its captures outside the lock
    hold.lock();
  }
}

}  // namespace posthorn
