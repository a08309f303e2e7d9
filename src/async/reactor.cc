#include "async/reactor.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <future>
#include <optional>

#include "base/result.h"

namespace posthorn {
namespace {

namespace asio = boost::asio;
thread_local Reactor* current_reactor = nullptr;

}  // namespace

struct Reactor::Impl {
  asio::io_context io{1};  // one thread runs it
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  asio::steady_timer ticker{io};
};

Reactor::Reactor() : impl_(std::make_unique<Impl>()), scratch_(std::make_unique<char[]>(kScratch)) {
  // A peer that is gone is an error of the write (OpenSSL writes without MSG_NOSIGNAL), not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
}
Reactor::~Reactor() = default;

Reactor& Reactor::current() {
  CHECK(current_reactor);
  return *current_reactor;
}

asio::io_context& Reactor::io() { return impl_->io; }

Task<> Reactor::tick() {
  for (;;) {
    impl_->ticker.expires_after(TimerWheel::kTick);
    co_await impl_->ticker.async_wait(asio::use_awaitable);
    wheel_.advance(std::chrono::steady_clock::now());
  }
}

void Reactor::run() {
  Reactor* outer = std::exchange(current_reactor, this);
  asio::co_spawn(impl_->io, tick(), asio::detached);
  impl_->io.run();
  current_reactor = outer;
}

void Reactor::stop() { impl_->io.stop(); }

void Reactor::post(std::move_only_function<void()> f) {
  asio::post(impl_->io, [f = std::move(f)]() mutable { f(); });
}

bool Reactor::settle(std::chrono::steady_clock::duration patience) {
  std::promise<void> reached;
  auto waiting = reached.get_future();
  post([reached = std::move(reached)]() mutable { reached.set_value(); });
  return waiting.wait_for(patience) == std::future_status::ready;
}

void Reactor::spawn(Task<> task) {
  asio::co_spawn(impl_->io, std::move(task), [](std::exception_ptr e) {
    if (!e) return;
    try {
      std::rethrow_exception(e);
    } catch (const std::exception& x) {
      std::fprintf(stderr, "a task ended with an exception: %s\n", x.what());
    }
  });
}

ReactorPool::ReactorPool(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) reactors_.push_back(std::make_unique<Reactor>());
}

ReactorPool::~ReactorPool() { stop(); }

void ReactorPool::start() {
  for (auto& r : reactors_) threads_.emplace_back([&r] { r->run(); });
}

void ReactorPool::stop() {
  for (auto& r : reactors_) r->stop();
  for (auto& t : threads_) t.join();
  threads_.clear();
}

Task<> sleep_for(std::chrono::steady_clock::duration d) {
  asio::steady_timer timer(co_await asio::this_coro::executor, d);
  co_await timer.async_wait(asio::use_awaitable);
}

void run_task(Task<> task) {
  Reactor reactor;
  std::exception_ptr failure;
  asio::co_spawn(reactor.io(), std::move(task), [&](std::exception_ptr e) {
    failure = e;
    reactor.stop();
  });
  reactor.run();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace posthorn
