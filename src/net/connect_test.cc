#include "net/connect.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "async/reactor.h"
#include "async/task_group.h"
#include "net/certificate_testing.h"
#include "net/socket_address.h"
#include "net/usual_source.h"

namespace posthorn::net {
namespace {

using namespace std::chrono_literals;

// Listens, accepts nothing unless it is asked to.
class Ear {
 public:
  explicit Ear(const Address& at, int backlog = 8) {
    SocketAddress address;
    const auto length = fill(address, at).value();
    fd_ = ::socket(address.any.sa_family, SOCK_STREAM, 0);
    if (::bind(fd_, &address.any, length) != 0 || ::listen(fd_, backlog) != 0) return;
    address_ = at;
    if (!at.unix_path.empty()) return;
    socklen_t size = sizeof address;
    ::getsockname(fd_, &address.any, &size);
    address_.port = peer_of(address).port;
  }
  ~Ear() { ::close(fd_); }
  const Address& address() const { return address_; }
  bool works() const { return address_.port != 0 || !address_.unix_path.empty(); }
  Peer accept() {
    SocketAddress from;
    socklen_t size = sizeof from;
    const int fd = ::accept(fd_, &from.any, &size);
    ::close(fd);
    return peer_of(from);
  }

 private:
  int fd_ = -1;
  Address address_;
};

Task<Result<std::string>> connect_to(Address to, std::string source, Deadline deadline) {
  Connector connector;
  auto made = co_await connector.connect(to, source, deadline);
  if (!made) co_return std::unexpected(made.error());
  co_return (*made)->peer().text();
}

Result<std::string> connect(const Address& to, const std::string& source = {}, std::chrono::milliseconds patience = 30s) {
  return run_task(connect_to(to, source, after(patience)));
}

TEST(Connector, ReachesEveryKindOfAddress) {
  Ear v4({.host = "127.0.0.1"});
  EXPECT_EQ(connect(v4.address()).value(), v4.address().text());
  EXPECT_EQ(v4.accept().ip, "127.0.0.1");
  EXPECT_EQ(connect(v4.address(), "127.0.0.2").value(), v4.address().text());
  EXPECT_EQ(v4.accept().ip, "127.0.0.2");

  const TestFolder folder;
  Ear path({.unix_path = folder.path() + "/socket"});
  EXPECT_EQ(connect(path.address()).value(), "unix");

  Ear v6({.host = "::1"});
  if (!v6.works()) GTEST_SKIP() << "no IPv6 here";
  EXPECT_EQ(connect(v6.address()).value(), v6.address().text());
  EXPECT_EQ(connect(v6.address(), "::1").value(), v6.address().text());
}

TEST(Connector, SaysWhatIsWrong) {
  Address closed;
  {
    Ear ear({.host = "127.0.0.1"});
    closed = ear.address();
  }
  struct Case {
    Address to;
    std::string source;
    Errc code;
    std::string text;
  };
  const Case cases[] = {
      {closed, "", Errc::io, "cannot connect to " + closed.text() + ": Connection refused"},
      {closed, "192.0.2.1", Errc::io, "cannot connect from 192.0.2.1: Cannot assign requested address"},
      {closed, "::1", Errc::invalid, "another family"},
      {closed, "nonsense", Errc::invalid, "nonsense"},
      {{.host = "mx.example.org", .port = 25}, "", Errc::invalid, "not a numeric address: mx.example.org"},
      {{.host = "", .port = 25}, "", Errc::invalid, "not a numeric address"},
      {{.unix_path = "/tmp/posthorn-no-such-socket"}, "", Errc::io, "No such file"},
      {{.unix_path = std::string(200, 'x') + "/"}, "", Errc::invalid, "too long"},
  };
  for (const auto& c : cases) {
    const auto got = connect(c.to, c.source);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, c.code) << got.error().text;
    EXPECT_NE(got.error().text.find(c.text), std::string::npos) << got.error().text;
  }
}

Task<> cancel_soon(Connector& connector) {
  co_await sleep_for(20ms);
  connector.cancel();
}

// A queue that is full drops what knocks: the same as a host that is silent.
Task<> knock_at_a_full_queue(Address to, std::vector<std::unique_ptr<Connection>>& kept) {
  for (int i = 0; i < 50; ++i) {
    Connector connector;
    auto made = co_await connector.connect(to, {}, after(300ms));
    if (made) {
      kept.push_back(std::move(*made));
      continue;
    }
    EXPECT_EQ(made.error().code, Errc::timed_out) << made.error().text;
    Connector other;
    TaskGroup group;
    group.spawn(Reactor::current(), cancel_soon(other));
    auto cancelled = co_await other.connect(to, {}, after(30s));
    EXPECT_EQ(cancelled.error().code, Errc::cancelled);
    auto again = co_await other.connect(to, {}, after(30s));
    EXPECT_EQ(again.error().code, Errc::cancelled);
    co_await group.join();
    kept.clear();
    co_return;
  }
  ADD_FAILURE() << "the queue was never full";
}

TEST(Connector, AWaitHasADeadlineAndCanBeCancelled) {
  Ear ear({.host = "127.0.0.1"}, 0);
  std::vector<std::unique_ptr<Connection>> kept;
  run_task(knock_at_a_full_queue(ear.address(), kept));
}

Task<> look_without_waiting() {
  auto pair = make_connection_pair();
  EXPECT_FALSE(pair.first->read_available().value());
  pair.second->put("abc");
  auto sent = co_await pair.second->flush(after(30s));
  EXPECT_TRUE(sent);
  EXPECT_TRUE(pair.first->read_available().value());
  EXPECT_EQ(pair.first->input(), "abc");
  EXPECT_FALSE(pair.first->read_available().value());
  pair.second->close();
  EXPECT_EQ(pair.first->read_available().error().code, Errc::closed);
  EXPECT_EQ(pair.first->input(), "abc");
}

TEST(UsualSource, IsWhatTheSystemWouldTake) {
  EXPECT_EQ(usual_source({.host = "127.0.0.5", .port = 25}), "127.0.0.1");
  EXPECT_EQ(usual_source({.host = "nowhere", .port = 25}), "");
  EXPECT_EQ(usual_source({.host = {}, .port = 0, .unix_path = "/tmp/x"}), "");
}

TEST(Connection, CanLookWithoutWaiting) { run_task(look_without_waiting()); }

}  // namespace
}  // namespace posthorn::net
