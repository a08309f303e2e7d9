#include "client/dial.h"

#include <gtest/gtest.h>

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
