// Listeners and the sessions that come by them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "async/reactor.h"
#include "async/task_group.h"
#include "base/result.h"
#include "config/config.h"
#include "http/server.h"
#include "net/listener.h"
#include "server/common/session_context.h"

namespace posthorn::app {

// INVARIANT 1: every accepted socket is a session of the group, or closed at once.
// INVARIANT 2: the sessions of a reactor are known to it (`live`), and touched on its thread only.
class Server {
 public:
  // REQUIRES: the reactors are stopped (or the server drained) before it is destroyed.
  // Who answers on the listeners for metrics and for https.
  struct Web {
    http::Service& metrics;
    http::Service& https;
  };
  Server(ReactorPool& reactors, server::Services& services, Web web);
  ~Server();
  Server(const Server&) = delete;

  // Opens every listener, on every reactor; on failure none is left.  Nothing is accepted before start().
  Result<void> open(const std::vector<config::Listener>& listeners);
  void start();
  // Stops accepting, tells the sessions to end, waits for them; after app.drain_timeout their sockets are shut.
  // Answers false when a session would not end even then.  Blocking; not on a reactor.
  bool drain();

  struct Port {
    config::Listener rules;  // with the port in use
  };
  const std::vector<std::unique_ptr<Port>>& ports() const { return ports_; }

 private:
  struct PerReactor;
  struct Registered;
  Result<void> open_port(Port& port);
  // Of the connection, and of its client's address: empty where a proxy has yet to say it.
  struct Tickets {
    std::shared_ptr<void> connection, address;
  };
  void accept(PerReactor& here, const Port& port, int fd, net::Peer peer);
  void refuse(const Port& port, int fd, const net::Peer& peer);
  void log_refusal(std::string_view event, const Port& port, const net::Peer& peer);
  static Task<> serve(Server& server, PerReactor& here, const Port& port, int fd, net::Peer peer, Tickets tickets);
  static Task<bool> meet_client(Server& server, const Port& port, int fd, net::Connection& connection, Tickets& tickets);
  bool wait_until_empty(std::chrono::steady_clock::duration patience);
  template <class F>
  void on_every_session(F f);

  ReactorPool& reactors_;
  server::Services& services_;
  const Web web_;
  net::ConnectionLimits limits_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::vector<std::unique_ptr<PerReactor>> per_reactor_;
  TaskGroup sessions_;
  bool started_ = false;
  std::atomic<bool> draining_{false};
  std::atomic<std::int64_t> refusal_logged_{0};  // steady milliseconds
};

}  // namespace posthorn::app
