#include "async/event.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace posthorn {

Task<> Event::wait() {
  if (state_.load(std::memory_order_acquire) == State::set) co_return;
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
      [this](auto handler) {
        resume_ = [h = std::move(handler)]() mutable {
          auto executor = boost::asio::get_associated_executor(h);
          boost::asio::post(executor, std::move(h));
        };
        State expected = State::idle;
        // On failure set() came first and has gone: nobody else will resume us.
        if (!state_.compare_exchange_strong(expected, State::waiting, std::memory_order_acq_rel)) {
          auto resume = std::move(resume_);
          resume();
        }
      },
      boost::asio::use_awaitable);
}

void Event::set() {
  if (state_.exchange(State::set, std::memory_order_acq_rel) != State::waiting) return;
  auto resume = std::move(resume_);  // from here on *this may be destroyed
  resume();
}

}  // namespace posthorn
