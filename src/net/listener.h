// Accepting connections, with limits.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "async/reactor.h"
#include "base/result.h"
#include "net/connection.h"

namespace posthorn::net {

// "127.0.0.1:25", "[::1]:25", or a path for a Unix socket.
struct Address {
  std::string host;         // numeric
  std::uint16_t port = 0;   // 0: the system chooses
  std::string unix_path;    // not empty: Unix socket
  std::string text() const;
};
Result<Address> parse_address(std::string_view);

// How many connections there may be: in all and from one address.  Threads: any.
class ConnectionLimits {
 public:
  ConnectionLimits(std::size_t total, std::size_t per_address);
  // Counts one of all, and one of the peer's address.  Each ticket gives back what it counts when it is destroyed; empty: the limit is
  // reached.  Two tickets, because a proxy names the client later than it connects.
  std::shared_ptr<void> admit_connection();
  std::shared_ptr<void> admit_address(const Peer&);
  std::size_t open() const;

 private:
  struct State;
  std::size_t total_, per_address_;
  std::shared_ptr<State> state_;
};

// A listening socket on one reactor; several may share an address (SO_REUSEPORT).
// on_accept runs on the reactor's thread with the connected socket's fd, which it owns from then on.
class Listener {
 public:
  using OnAccept = std::function<void(int fd, Peer)>;
  static Result<std::unique_ptr<Listener>> open(Reactor&, const Address&, OnAccept);
  ~Listener();
  std::uint16_t port() const;
  // Starts accepting / stops and closes the socket.  Any thread.
  void start();
  void stop();

 private:
  struct Impl;
  explicit Listener(std::shared_ptr<Impl>);
  std::shared_ptr<Impl> impl_;
};

}  // namespace posthorn::net
