#include "app/control.h"

#include <sys/stat.h>

#include <chrono>
#include <thread>
#include <utility>

#include "base/log.h"
#include "server/imap/imap_session.h"

namespace posthorn::app {

using namespace std::chrono_literals;

namespace {

constexpr std::string_view kImapRequest = "IMAP ";

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::open(Reactor& reactor, const std::string& path, Admin& admin, server::Services& services) {
  std::unique_ptr<ControlServer> server(new ControlServer(reactor, admin, services));
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
  co_await server.answer_all(connection);
  server.live_.erase(&connection);
}

Task<> ControlServer::answer_all(net::Connection& connection) {
  for (;;) {
    const auto line = co_await connection.read_line(Admin::kMaxRequest, net::LineEnd::any_lf, kNoDeadline);
    if (!line) co_return;
    std::string request(*line);
    std::string answer;
    if (request.starts_with(kImapRequest)) {
      auto account = co_await services_.directory.find_account(request.substr(kImapRequest.size()));
      if (account) {
        server::SessionContext context{services_, {.protocol = config::Protocol::imap}, connection, new_session_id()};
        context.known_client = auth::Identity{account->id, std::move(account->address)};
        co_return co_await imap::run_imap_session(std::move(context));
      }
      answer = Admin::refusal(account.error());
    } else {
      answer = co_await admin_.answer(std::move(request));
    }
    connection.put(answer);
    connection.put("\n");
    const auto sent = co_await connection.flush(after(60s));
    if (!sent) co_return;
  }
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
