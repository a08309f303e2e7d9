#include "server/common/session_context.h"

namespace posthorn::server {

struct Waker::Target {
  explicit Target(Reactor& r, net::Connection& c) : reactor(r), connection(&c) {}
  Reactor& reactor;
  net::Connection* connection;       // null when the session has ended; only touched on the reactor
  std::atomic<bool> posted{false};
};

Waker::Waker(Reactor& reactor, net::Connection& connection) : target_(std::make_shared<Target>(reactor, connection)) {}

Waker::~Waker() { target_->connection = nullptr; }

std::function<void()> Waker::callback() {
  return [target = target_] {
    if (target->posted.exchange(true)) return;
    target->reactor.post([target] {
      target->posted.store(false);
      if (target->connection) target->connection->interrupt();
    });
  };
}

}  // namespace posthorn::server
