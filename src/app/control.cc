#include "app/control.h"

#include <sys/stat.h>

#include <chrono>
#include <thread>
#include <utility>

#include "base/log.h"

namespace posthorn::app {

using namespace std::chrono_literals;

Result<std::unique_ptr<ControlServer>> ControlServer::open(Reactor& reactor, const std::string& path, Admin& admin) {
  std::unique_ptr<ControlServer> server(new ControlServer(reactor, admin));
  auto* self = server.get();
  const auto before = ::umask(0177);  // never open to others, not even for a moment
  auto listener = net::Listener::open(reactor, {.host = {}, .port = 0, .unix_path = path}, [self](int fd, net::Peer peer) {
    self->conversations_.spawn(self->reactor_, serve(*self, fd, std::move(peer)));
  });
  ::umask(before);
  if (!listener) return std::unexpected(std::move(listener).error());
  server->listener_ = *std::move(listener);
  server->listener_->start();
  return server;
}

Task<> ControlServer::serve(ControlServer& server, int fd, net::Peer peer) {
  net::Connection connection(fd, std::move(peer));
  server.live_.emplace(&connection, fd);
  if (server.closing_) connection.shut_down();
  for (;;) {
    const auto line = co_await connection.read_line(Admin::kMaxRequest, net::LineEnd::any_lf, kNoDeadline);
    if (!line) break;
    std::string request(*line);
    const auto answer = co_await server.admin_.answer(std::move(request));
    connection.put(answer);
    connection.put("\n");
    const auto sent = co_await connection.flush(after(60s));
    if (!sent) break;
  }
  server.live_.erase(&connection);
}

void ControlServer::close() {
  listener_->stop();
  reactor_.post([this] {
    closing_ = true;
    for (auto& [connection, fd] : live_) connection->shut_down();
  });
  reactor_.settle(10s);  // it may be accepting this very moment
  while (conversations_.running() > 0) std::this_thread::sleep_for(2ms);
}

}  // namespace posthorn::app
