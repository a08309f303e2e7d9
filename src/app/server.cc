#include "app/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <thread>
#include <unordered_map>
#include <utility>

#include "app/settings.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/proxy_protocol.h"
#include "server/imap/imap_session.h"
#include "server/pop3/pop3_session.h"
#include "server/smtp/smtp_session.h"

namespace posthorn::app {
namespace {

using namespace std::chrono_literals;
using config::Protocol;

constexpr auto kWebHandshake = 10s;

Gauge open_smtp{"connections.smtp", "SMTP connections open now."};
Gauge open_submission{"connections.submission", "Submission connections open now."};
Gauge open_lmtp{"connections.lmtp", "LMTP connections open now."};
Gauge open_imap{"connections.imap", "IMAP connections open now."};
Gauge open_pop3{"connections.pop3", "POP3 connections open now."};
Gauge open_https{"connections.https", "HTTPS connections open now."};
Gauge open_metrics{"connections.metrics", "Connections open now that ask for figures like these."};
Counter accepted{"connections.accepted", "Connections accepted since the start."};
Counter refused{"connections.refused", "Connections refused because of a limit."};

Gauge& gauge_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::smtp:
      return open_smtp;
    case Protocol::submission:
      return open_submission;
    case Protocol::lmtp:
      return open_lmtp;
    case Protocol::imap:
      return open_imap;
    case Protocol::pop3:
      return open_pop3;
    case Protocol::metrics:
      return open_metrics;
    case Protocol::https:
      return open_https;
  }
  CHECK(false);
}

Task<> serve_web(server::SessionContext context, http::Service& web) {
  if (context.rules.tls == config::TlsMode::implicit) {
    const auto tls = context.services.tls();
    const auto ready = co_await context.connection.start_tls(*tls, after(kWebHandshake));
    if (!ready) co_return;
  }
  co_await web.serve(context.connection);
}

Task<> run_session(server::SessionContext context, const Server::Web& web) {
  switch (context.rules.protocol) {
    case Protocol::smtp:
    case Protocol::submission:
    case Protocol::lmtp:
      return server::run_smtp_session(std::move(context));
    case Protocol::imap:
      return imap::run_imap_session(std::move(context));
    case Protocol::pop3:
      return pop3::run_pop3_session(std::move(context));
    case Protocol::metrics:
      return serve_web(std::move(context), web.metrics);
    case Protocol::https:
      return serve_web(std::move(context), web.https);
  }
  CHECK(false);
}

// Said to who is one too many, when it can be said in plain text.
std::string_view too_many(Protocol protocol) {
  switch (protocol) {
    case Protocol::smtp:
    case Protocol::submission:
    case Protocol::lmtp:
      return "421 4.7.0 Too many connections, try again later\r\n";  // [RFC5321 3.8]
    case Protocol::imap:
      return "* BYE Too many connections, try again later\r\n";  // [RFC3501 7.1.5]
    case Protocol::pop3:
      return "-ERR [SYS/TEMP] Too many connections, try again later\r\n";
    case Protocol::metrics:
    case Protocol::https:
      return "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  }
  CHECK(false);
}

net::Address address_of(const config::Endpoint& e) { return {e.host, e.port, e.unix_path}; }

// The listeners of our reactors share a port; with another program, or a second server, it must not be shared.
Result<void> check_free(const config::Endpoint& e) {
  if (e.is_unix() || e.port == 0) return {};
  sockaddr_in v4{.sin_family = AF_INET, .sin_port = htons(e.port), .sin_addr = {}, .sin_zero = {}};
  sockaddr_in6 v6{.sin6_family = AF_INET6, .sin6_port = htons(e.port), .sin6_flowinfo = 0, .sin6_addr = {}, .sin6_scope_id = 0};
  ::inet_pton(AF_INET, e.host.c_str(), &v4.sin_addr);
  ::inet_pton(AF_INET6, e.host.c_str(), &v6.sin6_addr);
  const int fd = ::socket(e.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return {};  // the listener will say what is wrong
  const int one = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (e.is_v6()) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  const auto* address = e.is_v6() ? reinterpret_cast<const sockaddr*>(&v6) : reinterpret_cast<const sockaddr*>(&v4);
  const int bound = ::bind(fd, address, e.is_v6() ? sizeof v6 : sizeof v4);
  const int code = errno;
  ::close(fd);
  if (bound != 0 && code == EADDRINUSE) return fail(Errc::exists, "cannot listen on " + e.text() + ": another program does");
  return {};
}

}  // namespace

struct Server::PerReactor {
  Reactor& reactor;
  std::unordered_map<net::Connection*, int> live;  // with their file descriptors
};

// INVARIANT 2, also when a session throws.
struct Server::Registered {
  Registered(PerReactor& h, net::Connection& c, int fd) : here(h), connection(c) { here.live.emplace(&c, fd); }
  ~Registered() { here.live.erase(&connection); }
  PerReactor& here;
  net::Connection& connection;
};

Server::Server(ReactorPool& reactors, server::Services& services, Web web)
    : reactors_(reactors),
      services_(services),
      web_(web),
      limits_(static_cast<std::size_t>(kMaxConnections.get()), static_cast<std::size_t>(kMaxConnectionsPerAddress.get())) {
  for (std::size_t i = 0; i < reactors_.size(); ++i)
    per_reactor_.push_back(std::unique_ptr<PerReactor>(new PerReactor{reactors_.at(i), {}}));
}

Server::~Server() = default;

Result<void> Server::open(const std::vector<config::Listener>& listeners) {
  for (const auto& rules : listeners) {
    auto port = std::make_unique<Port>(Port{rules});
    const auto opened = open_port(*port);
    if (!opened && rules.optional) {
      log::info("app.listener_skipped", {{"address", rules.address.text()}, {"why", opened.error()}});
      continue;
    }
    if (!opened) {
      listeners_.clear();
      ports_.clear();
      return opened;
    }
    ports_.push_back(std::move(port));
  }
  return {};
}

Result<void> Server::open_port(Port& port) {
  TRY_OK(check_free(port.rules.address));
  std::vector<std::unique_ptr<net::Listener>> opened;
  for (auto& here : per_reactor_) {
    TRY(auto listener, net::Listener::open(here->reactor, address_of(port.rules.address),
                                           [this, &here = *here, &port](int fd, net::Peer peer) {
                                             accept(here, port, fd, std::move(peer));
                                           }));
    if (!port.rules.address.is_unix()) port.rules.address.port = listener->port();
    opened.push_back(std::move(listener));
    if (port.rules.address.is_unix()) break;
  }
  for (auto& listener : opened) listeners_.push_back(std::move(listener));
  return {};
}

void Server::start() {
  started_ = true;
  for (auto& listener : listeners_) listener->start();
}

// One of those who may say where their clients come from.
static bool is_proxy(const config::Listener& rules, const net::Peer& peer) {
  return rules.proxies.empty() ? peer.loopback : rules.proxies.contain(peer.ip);
}

void Server::accept(PerReactor& here, const Port& port, int fd, net::Peer peer) {
  if (port.rules.proxy_protocol && !is_proxy(port.rules, peer)) {
    log_refusal("app.not_a_proxy", port, peer);
    ::close(fd);
    return;
  }
  Tickets tickets;
  if (!draining_) tickets.connection = limits_.admit_connection();
  if (tickets.connection && !port.rules.proxy_protocol) tickets.address = limits_.admit_address(peer);
  if (tickets.connection && (tickets.address || port.rules.proxy_protocol)) {
    accepted.add();
    sessions_.spawn(here.reactor, serve(*this, here, port, fd, std::move(peer), std::move(tickets)));
    return;
  }
  if (!draining_) refuse(port, fd, peer);
  ::close(fd);
}

// Who is refused often is logged once a second.
void Server::log_refusal(std::string_view event, const Port& port, const net::Peer& peer) {
  refused.add();
  const auto now_ms = steady_now().time_since_epoch().count();
  auto before = refusal_logged_.load();
  if (now_ms - before >= 1000 && refusal_logged_.compare_exchange_strong(before, now_ms))
    log::warning(event, {{"peer", peer.text()}, {"listener", port.rules.address.text()}, {"open", limits_.open()}});
}

// One too many.
void Server::refuse(const Port& port, int fd, const net::Peer& peer) {
  log_refusal("app.too_many_connections", port, peer);
  if (port.rules.tls == config::TlsMode::implicit) return;
  const auto text = too_many(port.rules.protocol);
  [[maybe_unused]] const auto sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

// Behind a proxy: who is it really, and may they have one more connection?
Task<bool> Server::meet_client(Server& server, const Port& port, int fd, net::Connection& connection, Tickets& tickets) {
  const auto proxy = connection.peer();
  const auto read = co_await net::read_proxy_header(connection, after(kProxyTimeout.get()));
  if (!read) {
    log::info("app.proxy_header", {{"proxy", proxy.text()}, {"listener", port.rules.address.text()}, {"error", read.error()}});
    co_return false;
  }
  tickets.address = server.limits_.admit_address(connection.peer());
  if (!tickets.address) server.refuse(port, fd, connection.peer());
  co_return tickets.address != nullptr;
}

Task<> Server::serve(Server& server, PerReactor& here, const Port& port, int fd, net::Peer peer, Tickets tickets) {
  const GaugeHold counted(gauge_of(port.rules.protocol));
  net::Connection connection(fd, std::move(peer));
  const Registered registered(here, connection, fd);
  if (server.draining_) connection.shut_down();
  bool welcome = true;
  if (port.rules.proxy_protocol) welcome = co_await meet_client(server, port, fd, connection, tickets);
  if (welcome) {
    const server::ListenerRules rules{port.rules.protocol, port.rules.tls, port.rules.allow_plaintext_auth};
    const auto admit = [&limits = server.limits_, &tickets](const net::Peer& client) {
      auto ticket = limits.admit_address(client);
      if (!ticket) return false;
      tickets.address = std::move(ticket);
      return true;
    };
    co_await run_session({server.services_, rules, connection, new_session_id(), admit}, server.web_);
  }
  connection.close();
}

template <class F>
void Server::on_every_session(F f) {
  for (auto& here : per_reactor_)
    here->reactor.post([&live = here->live, f] {
      for (auto& [connection, fd] : live) f(*connection, fd);
    });
}

bool Server::wait_until_empty(std::chrono::steady_clock::duration patience) {
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (sessions_.running() > 0) {
    if (std::chrono::steady_clock::now() >= give_up) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

bool Server::drain() {
  draining_ = true;
  for (auto& listener : listeners_) listener->stop();
  if (!started_) return true;
  // A reactor may be accepting this very moment: what it takes is a session when it has settled.
  for (auto& here : per_reactor_) here->reactor.settle(10s);
  if (sessions_.running() > 0) log::info("app.draining", {{"connections", sessions_.running()}});
  on_every_session([](net::Connection& connection, int) { connection.shut_down(); });
  if (wait_until_empty(kDrainTimeout.get())) return true;
  log::warning("app.drain_timeout", {{"connections", sessions_.running()}});
  // Not close(): the session may be in the middle of using it.  Every wait ends when the socket does.
  on_every_session([](net::Connection& connection, int fd) {
    connection.shut_down();
    ::shutdown(fd, SHUT_RDWR);
  });
  return wait_until_empty(10s);
}

}  // namespace posthorn::app
