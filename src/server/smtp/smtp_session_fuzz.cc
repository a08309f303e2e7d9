// A whole session against arbitrary bytes: it ends when they end, and the store stays sound.
// The first byte chooses the listener, and whether the client is one who may say XCLIENT, relay, and so on.
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "async/task_group.h"
#include "auth/throttle.h"
#include "base/log.h"
#include "server/common/transcript_testing.h"
#include "server/smtp/settings.h"
#include "server/smtp/smtp_session.h"

namespace posthorn::server {
namespace {

Task<> fill(TestServer& server) {
  auto opened = co_await server.open();
  auto domain = co_await server.add_domain("a.b");
  auto ann = co_await server.add_account("u@a.b", "p");
  auto bob = co_await server.add_account("v@a.b", "p", 1000);
  std::vector<std::string> targets{"u@a.b", "w@c.d"};
  auto alias = co_await server.services().directory.add_alias("w@a.b", std::move(targets));
  auto queue = co_await server.open_queue();
  CHECK(opened && domain && ann && bob && alias && queue);
  for (const auto* setting : {&kRelayNetworks, &kXClientNetworks, &kXForwardNetworks, &kEtrnNetworks})
    CHECK(setting->set(std::string("192.0.2.0/24")).has_value());
  CHECK(auth::kFailureDelayMax.set(std::int64_t{0}).has_value());  // or wrong passwords take most of the time
  CHECK(auth::kFailureDelay.set(std::int64_t{0}).has_value());
}

Task<> run_one(TestServer& server, ListenerRules rules, net::Peer peer, std::string_view bytes) {
  int fds[2];
  CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  {
    net::Connection connection(fds[0], std::move(peer));
    const auto sent = ::send(fds[1], bytes.data(), bytes.size(), MSG_DONTWAIT);  // what fits
    CHECK(sent >= 0);
    ::shutdown(fds[1], SHUT_WR);
    co_await run_smtp_session(
        {.services = server.services(), .rules = rules, .connection = connection, .session_id = "fuzz"});
    connection.close();
  }
  ::close(fds[1]);
}

Task<> check(TestServer& server) {
  const auto problems = co_await server.check();
  CHECK(problems.empty());
  co_await server.close();
}

}  // namespace
}  // namespace posthorn::server

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace posthorn;
  using namespace posthorn::server;
  // Not destroyed at exit: OpenSSL has cleaned up by then.
  static const auto* const quiet = new log::Capture(log::Level::off);
  static auto& server = *new std::unique_ptr<TestServer>;
  (void)quiet;
  static int runs = 0;
  if (size < 2 || size > 100'000) return 0;
  if (runs++ % 500 == 0) {
    if (server) run_task(check(*server));
    server = std::make_unique<TestServer>();
    run_task(fill(*server));
  }
  constexpr config::Protocol kProtocols[] = {config::Protocol::smtp, config::Protocol::submission, config::Protocol::lmtp};
  const ListenerRules rules{.protocol = kProtocols[data[0] % 3], .tls = config::TlsMode::none, .allow_plaintext_auth = true};
  net::Peer peer{.ip = data[0] & 64 ? "192.0.2.1" : "198.51.100.1", .port = 4711};
  run_task(run_one(*server, rules, std::move(peer), {reinterpret_cast<const char*>(data + 1), size - 1}));
  return 0;
}
