#include "client/dial.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "async/reactor.h"
#include "net/certificate_testing.h"
#include "net/listener.h"

namespace posthorn::client {
namespace {

using namespace std::chrono_literals;

TEST(Pin, IsReadInEveryForm) {
  const std::string bytes = "\x01\x23\x45\x67\x89\xab\xcd\xef" + std::string(24, '\xff');
  const std::string hex = "0123456789abcdef" + std::string(48, 'f');
  std::string colons;
  for (std::size_t i = 0; i < hex.size(); i += 2) colons += (i == 0 ? "" : ":") + hex.substr(i, 2);
  EXPECT_EQ(parse_pin("sha256:" + hex).value(), bytes);
  EXPECT_EQ(parse_pin("SHA256:" + colons).value(), bytes);
  EXPECT_EQ(parse_pin("sha256//ASNFZ4mrze//////////////////////////////////").error().code, Errc::syntax);
  EXPECT_EQ(parse_pin("sha256//ASNFZ4mrze////////////////////////////////8=").value(), bytes);
  const std::string wrong[] = {"", "sha256", "sha256:", hex, "sha256:" + hex + "00", "sha256:" + hex.substr(2), "sha256:" + hex + ":",
                               "sha256::" + hex, "sha1:" + hex, "sha256:" + std::string(64, 'g'), "sha256//"};
  for (const auto& one : wrong) EXPECT_EQ(parse_pin(one).error().code, Errc::syntax) << one;
}

TEST(Trust, BecomesAPolicy) {
  const auto by_name = TlsForHosts::make({}).value().policy("mail.example.org");
  EXPECT_EQ(by_name.trust, net::TlsTrust::ca_and_name);
  EXPECT_EQ(by_name.server_name, "mail.example.org");
  EXPECT_EQ(by_name.names, std::vector<std::string>{"mail.example.org"});
  EXPECT_EQ(by_name.on_mistrust, net::OnMistrust::fail);
  EXPECT_EQ(TlsForHosts::make({}).value().policy("::1").server_name, "");
  EXPECT_EQ(TlsForHosts::make({}).value().policy("mail.example.org.").server_name, "mail.example.org");
  EXPECT_EQ(TlsForHosts::make({}).value().policy("mail.example.org.").names, std::vector<std::string>{"mail.example.org"});
  const std::string pin(32, 'x');
  const auto pinned = TlsForHosts::make({.ca_file = {}, .pins = {pin}}).value().policy("h");
  EXPECT_EQ(pinned.trust, net::TlsTrust::pinned);
  EXPECT_EQ(pinned.pins, std::vector{pin});
  EXPECT_EQ(TlsForHosts::make({.ca_file = {}, .pins = {}, .insecure = true}).value().policy("h").trust, net::TlsTrust::none);
  EXPECT_EQ(TlsForHosts::make({.ca_file = {}, .pins = {pin}, .insecure = true}).error().code, Errc::invalid);
  EXPECT_EQ(TlsForHosts::make({.ca_file = {}, .pins = {"short"}}).error().code, Errc::invalid);
  EXPECT_EQ(TlsForHosts::make({.ca_file = "/nonexistent", .pins = {}}).error().code, Errc::invalid);
}

TEST(Resolve, AnAddressIsItsOwn) {
  WorkerPool pool(1);
  const auto ask = [&](std::string host) { return run_task(resolve_host(std::move(host), pool)); };
  EXPECT_EQ(ask("127.0.0.1").value(), std::vector<std::string>{"127.0.0.1"});
  EXPECT_EQ(ask("0:0::1").value(), std::vector<std::string>{"::1"});
  EXPECT_FALSE(ask("localhost").value().empty());
  const std::string impossible[] = {"", "a b..c", std::string("localhost\0.example", 18)};
  for (const auto& one : impossible) EXPECT_EQ(ask(one).error().code, Errc::not_found) << one;
}

// A listener on a reactor of its own, which takes what comes.
class Ear {
 public:
  Ear() : pool_(1) {
    pool_.start();
    auto opened = net::Listener::open(pool_.at(0), {.host = "127.0.0.1", .port = 0, .unix_path = {}}, [](int fd, net::Peer) { ::close(fd); });
    listener_ = *std::move(opened);
    listener_->start();
  }
  ~Ear() {
    listener_->stop();
    pool_.stop();
  }
  std::uint16_t port() const { return listener_->port(); }

 private:
  ReactorPool pool_;
  std::unique_ptr<net::Listener> listener_;
};

Task<Result<std::string>> peer_of_first(std::vector<std::string> addresses, std::uint16_t port) {
  auto made = co_await dial_any(std::move(addresses), port, after(30s));
  if (!made) co_return std::unexpected(made.error());
  co_return (*made)->peer().text();
}

TEST(Dial, TheNextAddressFollowsOneThatRefuses) {
  const Ear ear;
  const auto port = std::to_string(ear.port());
  EXPECT_EQ(run_task(peer_of_first({"127.0.0.2", "127.0.0.1"}, ear.port())).value(), "127.0.0.1:" + port);
  const auto none = run_task(peer_of_first({"127.0.0.2", "127.0.0.3"}, ear.port()));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::io);
  EXPECT_EQ(none.error().text, "cannot connect to 127.0.0.2:" + port + ": Connection refused; cannot connect to 127.0.0.3:" + port + ": Connection refused");
  EXPECT_EQ(run_task(peer_of_first({}, ear.port())).error().code, Errc::not_found);
}

// An address that lets nobody in and says nothing: the queue of who wants to is full.
class Silent {
 public:
  Silent(std::string address, std::uint16_t port) {
    const auto at = to(address, port);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int one = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0) << std::strerror(errno);
    EXPECT_EQ(::listen(listener_, 0), 0);
    for (int& fd : full_) {
      fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      (void)::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at);
    }
  }
  ~Silent() {
    for (const int fd : full_) ::close(fd);
    ::close(listener_);
  }

 private:
  static sockaddr_in to(const std::string& address, std::uint16_t port) {
    sockaddr_in out{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {}, .sin_zero = {}};
    ::inet_pton(AF_INET, address.c_str(), &out.sin_addr);
    return out;
  }
  int listener_ = -1;
  std::array<int, 4> full_{};
};

// [RFC8305 5]
TEST(Dial, OneThatIsSilentIsNotWaitedFor) {
  const Ear ear;
  const Silent second("127.0.0.2", ear.port()), third("127.0.0.3", ear.port());
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(run_task(peer_of_first({"127.0.0.2", "127.0.0.3", "127.0.0.1"}, ear.port())).value(), "127.0.0.1:" + std::to_string(ear.port()));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 15s);  // as long as one alone may take
}

TEST(Dial, AllOfThemMaySayNothing) {
  const auto port = Ear().port();  // a free one
  const Silent only("127.0.0.2", port);
  const auto none = run_task(dial_any({"127.0.0.2", "127.0.0.3"}, port, after(30s), 300ms));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::io);
  EXPECT_NE(none.error().text.find("127.0.0.2:" + std::to_string(port) + ": no answer"), std::string::npos) << none.error().text;
  EXPECT_NE(none.error().text.find("127.0.0.3:" + std::to_string(port) + ": Connection refused"), std::string::npos) << none.error().text;
}

Task<Result<std::string>> peer_of_host(std::string host, std::uint16_t port, WorkerPool& pool) {
  auto made = co_await dial(std::move(host), port, pool, after(30s));
  if (!made) co_return std::unexpected(made.error());
  co_return (*made)->peer().text();
}

TEST(Dial, AHostIsReachedByName) {
  const Ear ear;
  WorkerPool pool(1);
  EXPECT_EQ(run_task(peer_of_host("localhost", ear.port(), pool)).value(), "127.0.0.1:" + std::to_string(ear.port()));
}

}  // namespace
}  // namespace posthorn::client
