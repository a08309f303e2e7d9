// A coroutine that starts when it is awaited.  Exceptions go to the one who awaits.
#pragma once

#include <coroutine>
#include <exception>
#include <utility>

namespace mailload {

template <class T = void>
struct Task;
template <class P>
struct FinalAwait {
  bool await_ready() noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<P> h) noexcept {
    auto c = h.promise().cont;
    return c ? c : std::noop_coroutine();
  }
  void await_resume() noexcept {}
};
template <class T>
struct Task {
  struct promise_type {
    std::coroutine_handle<> cont;
    std::exception_ptr ex;
    T val{};
    Task get_return_object() { return Task{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    FinalAwait<promise_type> final_suspend() noexcept { return {}; }
    void return_value(T v) { val = std::move(v); }
    void unhandled_exception() { ex = std::current_exception(); }
  };
  std::coroutine_handle<promise_type> h;
  explicit Task(std::coroutine_handle<promise_type> x) : h(x) {}
  Task(Task&& o) noexcept : h(std::exchange(o.h, {})) {}
  Task(const Task&) = delete;
  ~Task() {
    if (h) h.destroy();
  }
  bool await_ready() { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> c) {
    h.promise().cont = c;
    return h;
  }
  T await_resume() {
    if (h.promise().ex) std::rethrow_exception(h.promise().ex);
    return std::move(h.promise().val);
  }
};
template <>
struct Task<void> {
  struct promise_type {
    std::coroutine_handle<> cont;
    std::exception_ptr ex;
    Task get_return_object() { return Task{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    FinalAwait<promise_type> final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { ex = std::current_exception(); }
  };
  std::coroutine_handle<promise_type> h;
  explicit Task(std::coroutine_handle<promise_type> x) : h(x) {}
  Task(Task&& o) noexcept : h(std::exchange(o.h, {})) {}
  Task(const Task&) = delete;
  ~Task() {
    if (h) h.destroy();
  }
  bool await_ready() { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> c) {
    h.promise().cont = c;
    return h;
  }
  void await_resume() {
    if (h.promise().ex) std::rethrow_exception(h.promise().ex);
  }
};

}  // namespace mailload
