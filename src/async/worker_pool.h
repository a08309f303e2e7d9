// Threads for what may block: disk reads, password hashing, long parses.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <vector>

#include "async/event.h"
#include "async/task.h"

namespace posthorn {

// Threads: any.  Jobs run in order of arrival.  The queue is bounded by the number of coroutines, each of which
// waits for its job.  The destructor finishes what was queued.
class WorkerPool {
 public:
  explicit WorkerPool(std::size_t threads);
  ~WorkerPool();

  // Runs f() on a worker, resumes the caller on its reactor.  f must not throw.
  template <class F>
  Task<std::invoke_result_t<F>> run(F f) {
    using T = std::invoke_result_t<F>;
    Event done;
    if constexpr (std::is_void_v<T>) {
      submit([&] {
        f();
        done.set();
      });
      co_await done.wait();
    } else {
      std::optional<T> result;
      submit([&] {
        result.emplace(f());
        done.set();
      });
      co_await done.wait();
      co_return *std::move(result);
    }
  }

  void submit(std::move_only_function<void()>);

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::move_only_function<void()>> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace posthorn
