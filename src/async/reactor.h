// One event loop and its thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "async/task.h"
#include "async/timer.h"

namespace boost::asio {
class io_context;
}

namespace posthorn {

// Threads: run(), spawn(), wheel() and scratch() belong to the reactor's thread; post() and stop() may be
// called from any.
class Reactor {
 public:
  Reactor();
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  static Reactor& current();        // REQUIRES: called on a reactor's thread

  // Runs until stop(); the calling thread becomes the reactor's.
  void run();
  void stop();

  void post(std::move_only_function<void()>);
  // Waits until what has been posted so far has run; false: it took longer than `patience`.  Blocking; not on a reactor.
  // REQUIRES: it runs.
  bool settle(std::chrono::steady_clock::duration patience);
  // Starts a task that nobody awaits.  Whoever spawns it makes sure that what it uses outlives it (TaskGroup).
  // An exception that leaves it is logged.
  void spawn(Task<>);

  TimerWheel& wheel() { return wheel_; }
  // 64 KiB that every connection of this reactor reads into: valid until the next wait.
  std::span<char> scratch() { return {scratch_.get(), kScratch}; }
  boost::asio::io_context& io();

 private:
  static constexpr std::size_t kScratch = 64 * 1024;
  struct Impl;
  Task<> tick();

  std::unique_ptr<Impl> impl_;
  TimerWheel wheel_;
  std::unique_ptr<char[]> scratch_;
};

// The server's reactors and their threads.
class ReactorPool {
 public:
  explicit ReactorPool(std::size_t count);
  ~ReactorPool();  // stops and joins
  std::size_t size() const { return reactors_.size(); }
  Reactor& at(std::size_t i) { return *reactors_[i]; }
  void start();
  void stop();  // idempotent; joins the threads

 private:
  std::vector<std::unique_ptr<Reactor>> reactors_;
  std::vector<std::thread> threads_;
};

// Suspends for about this long (timer of its own, precise to a millisecond).
Task<> sleep_for(std::chrono::steady_clock::duration);

// Runs a task to its end on a reactor of its own and the calling thread: for tests and commands.
void run_task(Task<>);
template <class T>
T run_task(Task<T> task) {
  std::optional<T> result;
  auto store = [](Task<T> inner, std::optional<T>& out) -> Task<> { out.emplace(co_await std::move(inner)); };
  run_task(store(std::move(task), result));
  return *std::move(result);
}

}  // namespace posthorn
