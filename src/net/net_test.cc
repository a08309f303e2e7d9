#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "async/reactor.h"
#include "async/task_group.h"
#include "crypto/certificate.h"
#include "net/connection.h"
#include "net/listener.h"

namespace posthorn::net {
namespace {

using namespace std::chrono_literals;

Task<std::string> lines_of(std::string sent, LineEnd ends, std::size_t limit, std::size_t cut) {
  auto pair = make_connection_pair();
  std::string out;
  pair.first->put(std::string_view(sent).substr(0, cut));
  auto ok = co_await pair.first->flush(after(5s));
  EXPECT_TRUE(ok);
  bool second_half = false;
  for (;;) {
    if (!second_half && pair.second->input().empty()) {
      second_half = true;
      pair.first->put(std::string_view(sent).substr(cut));
      auto sent_ok = co_await pair.first->flush(after(5s));
      EXPECT_TRUE(sent_ok);
      pair.first->close();
    }
    auto line = co_await pair.second->read_line(limit, ends, after(5s));
    if (line) out += "[" + std::string(*line) + "]";
    else if (line.error().code == Errc::too_large) out += "[too large]";
    else co_return out + (line.error().code == Errc::closed ? "" : "?");
  }
}

TEST(Connection, LinesEndWhereTheProtocolSays) {
  const std::string sent = "one\r\ntwo\nthree\r\r\nfour\r\n";
  for (std::size_t cut = 0; cut <= sent.size(); ++cut) {
    // A cut in the middle of the first line needs the second half first: the reader waits for it.
    if (cut != 0 && cut < 5) continue;
    EXPECT_EQ(run_task(lines_of(sent, LineEnd::crlf, 100, cut)), "[one][two\nthree\r][four]") << cut;
    EXPECT_EQ(run_task(lines_of(sent, LineEnd::any_lf, 100, cut)), "[one][two][three\r][four]") << cut;
  }
}

TEST(Connection, ATooLongLineIsSkippedAndTheNextIsRead) {
  const std::string sent = "a\r\n" + std::string(100'000, 'x') + "\r\nb\r\n";
  EXPECT_EQ(run_task(lines_of(sent, LineEnd::crlf, 50, 0)), "[a][too large][b]");
  EXPECT_EQ(run_task(lines_of("12345\r\n123456\r\n1\r\n", LineEnd::crlf, 5, 0)), "[12345][too large][1]");
}

Task<> wait_and_expire() {
  auto pair = make_connection_pair();
  auto got = co_await pair.first->read_more(after(150ms));
  EXPECT_EQ(got.error().code, Errc::timed_out);
  pair.second->close();
  auto closed = co_await pair.first->read_more(after(5s));
  EXPECT_EQ(closed.error().code, Errc::closed);
}

TEST(Connection, AWaitHasADeadline) { run_task(wait_and_expire()); }


Task<> interrupt_soon(Connection& c) {
  co_await sleep_for(20ms);
  c.interrupt();
  co_await sleep_for(20ms);
  c.shut_down();
}

Task<> wait_for_interrupts() {
  auto pair = make_connection_pair();
  TaskGroup group;
  group.spawn(Reactor::current(), interrupt_soon(*pair.first));
  auto wake = co_await pair.first->read_more_or_interrupt(after(5s));
  EXPECT_EQ(wake.value(), Wake::interrupted);
  auto ended = co_await pair.first->read_more_or_interrupt(after(5s));
  EXPECT_EQ(ended.error().code, Errc::cancelled);
  pair.first->interrupt();  // remembered until the next wait, but shut_down is stronger
  co_await group.join();
}

TEST(Connection, CanBeInterruptedAndShutDown) { run_task(wait_for_interrupts()); }

Task<> serve_tls(Connection& c, const TlsContext& context) {
  auto line = co_await c.read_line(100, LineEnd::crlf, after(5s));
  EXPECT_EQ(line.value(), "STARTTLS");
  c.put("go\r\n");
  auto flushed = co_await c.flush(after(5s));
  EXPECT_TRUE(flushed);
  auto secured = co_await c.start_tls(context, after(5s));
  EXPECT_TRUE(secured);
  auto first = co_await c.read_line(100, LineEnd::crlf, after(5s));
  EXPECT_EQ(first.value_or("?"), "secret");
  c.put(std::string(1 << 20, 'y') + "\r\n");
  auto sent = co_await c.flush(after(5s));
  EXPECT_TRUE(sent);
}

Task<> talk_tls(const TlsContext& server, const TlsContext& client) {
  auto pair = make_connection_pair();
  TaskGroup group;
  group.spawn(Reactor::current(), serve_tls(*pair.first, server));
  Connection& c = *pair.second;
  c.put("STARTTLS\r\ninjected before the handshake\r\n");
  auto sent = co_await c.flush(after(5s));
  EXPECT_TRUE(sent);
  auto go = co_await c.read_line(100, LineEnd::crlf, after(5s));
  EXPECT_EQ(go.value(), "go");
  auto secured = co_await c.start_tls_client(client, "localhost", after(5s));
  EXPECT_TRUE(secured);
  EXPECT_EQ(c.tls_version(), "TLSv1.3");
  c.put("secret\r\n");
  auto again = co_await c.flush(after(5s));
  EXPECT_TRUE(again);
  auto big = co_await c.read_line(2 << 20, LineEnd::crlf, after(5s));
  EXPECT_EQ(big.value().size(), 1u << 20);
  co_await group.join();
}

TEST(Connection, NothingSentBeforeTheHandshakeSurvivesIt) {
  char name[] = "/tmp/posthorn-net-XXXXXX";
  const std::string directory = ::mkdtemp(name);
  ASSERT_TRUE(crypto::ensure_self_signed(directory + "/c.pem", directory + "/k.pem", "localhost"));
  auto server = TlsContext::server(directory + "/c.pem", directory + "/k.pem");
  ASSERT_TRUE(server) << server.error().text;
  run_task(talk_tls(**server, *TlsContext::client_insecure().value()));
  std::filesystem::remove_all(directory);
}

TEST(Address, ReadsWhatTheConfigurationSays) {
  EXPECT_EQ(parse_address("127.0.0.1:25")->text(), "127.0.0.1:25");
  EXPECT_EQ(parse_address("[::1]:993")->text(), "[::1]:993");
  EXPECT_EQ(parse_address("/run/lmtp")->unix_path, "/run/lmtp");
  for (auto bad : {"127.0.0.1", "localhost:25", "1.2.3.4:99999", "1.2.3.4:"}) EXPECT_FALSE(parse_address(bad)) << bad;
}

TEST(ConnectionLimits, CountByAddressAndInAll) {
  ConnectionLimits limits(3, 2);
  Peer a, b;
  a.ip = "127.0.0.1";
  b.ip = "127.0.0.2";
  auto one = limits.admit_address(a), two = limits.admit_address(a);
  EXPECT_FALSE(limits.admit_address(a));
  EXPECT_TRUE(limits.admit_address(b));
  two.reset();
  EXPECT_TRUE(limits.admit_address(a));
  auto first = limits.admit_connection(), second = limits.admit_connection(), third = limits.admit_connection();
  EXPECT_FALSE(limits.admit_connection());
  EXPECT_EQ(limits.open(), 3u);
  third.reset();
  EXPECT_EQ(limits.open(), 2u);
  EXPECT_TRUE(limits.admit_connection());
}

TEST(Listener, AcceptsOnItsReactor) {
  std::atomic<int> accepted{0};
  ReactorPool reactors(1);
  auto listener = Listener::open(reactors.at(0), *parse_address("127.0.0.1:0"), [&](int fd, Peer peer) {
    EXPECT_EQ(peer.ip, "127.0.0.1");
    EXPECT_TRUE(peer.loopback);
    ++accepted;
    ::close(fd);
  });
  ASSERT_TRUE(listener);
  ASSERT_NE((*listener)->port(), 0);
  (*listener)->start();
  reactors.start();
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons((*listener)->port());
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  char byte;
  EXPECT_EQ(::recv(fd, &byte, 1, 0), 0);  // it was accepted and closed
  ::close(fd);
  EXPECT_EQ(accepted, 1);
}

}  // namespace
}  // namespace posthorn::net
