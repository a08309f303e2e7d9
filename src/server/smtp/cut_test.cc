// What the network may do to a session: cut it anywhere, deliver it in any pieces; and what the disk may do.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "async/task_group.h"
#include "base/log.h"
#include "server/common/transcript_testing.h"
#include "server/smtp/smtp_session.h"

namespace posthorn::server {
namespace {

const std::string kData =
    "EHLO x.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<ann@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n"
    "Subject: x\r\n\r\n..\r\nline\r\n.\r\n";
const std::string kBdat =
    "EHLO x.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<ann@example.test>\r\nRCPT TO:<bob@example.test>\r\n"
    "BDAT 14\r\nSubject: x\r\n\r\nBDAT 6 LAST\r\nline\r\n";

// Sends one dialogue over raw sockets, first `first` bytes of it, then the rest when the server has seen those.
class Dialogue {
 public:
  explicit Dialogue(TestServer& server) {
    CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds_) == 0);
    net::Peer peer;
    peer.loopback = true;
    connection_ = std::make_unique<net::Connection>(fds_[0], peer);
    group_.spawn(Reactor::current(), run_smtp_session({.services = server.services(),
                                                       .rules = {.protocol = config::Protocol::smtp},
                                                       .connection = *connection_,
                                                       .session_id = "test"}));
  }
  void send(std::string_view bytes) { CHECK(::send(fds_[1], bytes.data(), bytes.size(), 0) == std::ssize(bytes)); }
  void end() { ::shutdown(fds_[1], SHUT_WR); }
  Task<> join() {
    co_await group_.join();
    connection_->close();
  }
  std::string replies() {
    std::string all(65536, '\0');
    const auto n = ::recv(fds_[1], all.data(), all.size(), MSG_DONTWAIT);
    all.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return all;
  }
  ~Dialogue() { ::close(fds_[1]); }

 private:
  int fds_[2];
  std::unique_ptr<net::Connection> connection_;
  TaskGroup group_;
};

Task<> open(TestServer& server) {
  auto opened = co_await server.open();
  EXPECT_TRUE(opened.has_value());
  auto domain = co_await server.add_domain("example.test");
  EXPECT_TRUE(domain.has_value());
  for (const char* user : {"ann@example.test", "bob@example.test"}) {
    auto account = co_await server.add_account(user, "secret");
    EXPECT_TRUE(account.has_value());
  }
}

Task<> expect_stored(TestServer& server, std::uint32_t count, std::size_t at) {
  for (const char* user : {"ann@example.test", "bob@example.test"}) {
    auto have = co_await server.count_messages(user, "INBOX");
    EXPECT_TRUE(have && *have == count) << user << " has " << *have << ", not " << count << ", at " << at;
  }
}

Task<> finish(TestServer& server) {
  auto problems = co_await server.check();
  EXPECT_TRUE(problems.empty()) << problems.front();
  co_await server.close();
}

// Nothing is stored without the last byte of the message, and everything with it: exactly once.
Task<> cut_everywhere(TestServer& server, std::string text) {
  co_await open(server);
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Dialogue dialogue(server);
    dialogue.send(std::string_view(text).substr(0, cut));
    dialogue.end();
    co_await dialogue.join();
    co_await expect_stored(server, cut == text.size() ? 1 : 0, cut);
  }
  co_await finish(server);
}
TEST(SmtpCut, DataIsStoredOnlyWithItsEnd) {
  const log::Capture quiet(log::Level::error);
  TestServer server;
  run_task(cut_everywhere(server, kData));
}
TEST(SmtpCut, BdatIsStoredOnlyWithItsEnd) {
  const log::Capture quiet(log::Level::error);
  TestServer server;
  run_task(cut_everywhere(server, kBdat));
}

// The replies do not depend on how the bytes were cut.
Task<> split_everywhere(TestServer& server, std::string text) {
  co_await open(server);
  std::uint32_t stored = 0;
  for (std::size_t split = 1; split < text.size(); ++split) {
    Dialogue dialogue(server);
    dialogue.send(std::string_view(text).substr(0, split));
    co_await sleep_for(std::chrono::milliseconds(1));
    dialogue.send(std::string_view(text).substr(split));
    dialogue.end();
    co_await dialogue.join();
    ++stored;
    const auto replies = dialogue.replies();
    EXPECT_NE(replies.find("250 2.0.0 Stored as "), std::string::npos) << split << ": " << replies;
  }
  co_await expect_stored(server, stored, 0);
  co_await finish(server);
}
TEST(SmtpCut, AnyPiecesMakeTheSameMessage) {
  const log::Capture quiet(log::Level::error);
  TestServer server;
  run_task(split_everywhere(server, kData));
}
TEST(SmtpCut, AnyPiecesMakeTheSameChunks) {
  const log::Capture quiet(log::Level::error);
  TestServer server;
  run_task(split_everywhere(server, kBdat));
}

// A full disk is answered 452, a broken one 451; both in time, and it recovers by itself.
Task<> failing_disk(TestServer& server) {
  co_await open(server);
  for (const auto& [code, reply] : {std::pair{Errc::no_space, "452 4.3.1"}, std::pair{Errc::io, "451 4.3.0"}}) {
    server.kv().set_faults({.before_commit = [code](const kv::Batch&) { return Result<void>(fail(code, "test")); }});
    Dialogue dialogue(server);
    dialogue.send(kData);
    dialogue.end();
    co_await dialogue.join();
    const auto replies = dialogue.replies();
    EXPECT_NE(replies.find(reply), std::string::npos) << replies;
    EXPECT_EQ(replies.find("Stored"), std::string::npos) << replies;
    server.kv().set_faults({});
  }
  co_await expect_stored(server, 0, 0);
  Dialogue dialogue(server);
  dialogue.send(kData);
  dialogue.end();
  co_await dialogue.join();
  co_await expect_stored(server, 1, 0);
  co_await finish(server);
}
TEST(SmtpDisk, FailuresAreTemporaryAndPass) {
  const log::Capture quiet(log::Level::error);
  TestServer server;
  run_task(failing_disk(server));
}

}  // namespace
}  // namespace posthorn::server
