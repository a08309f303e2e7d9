// A connection that idles, is closed, or has to end early.
#include <gtest/gtest.h>

#include "async/reactor.h"
#include "async/task_group.h"
#include "client/smtp_connection.h"
#include "client/smtp_dialogue_testing.h"
#include "net/listener.h"

namespace posthorn::client {
namespace {

using namespace std::chrono_literals;

const std::string kOpen = "S: 220 mx\nC: EHLO client.example\nS: 250-mx\nS: 250 PIPELINING\n";
const std::string kSend =
    "C: MAIL FROM:<me@example.org>\nC: RCPT TO:<you@example.net>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: hello\nC: .\n";

Task<TransactionResult> send_hello(SmtpConnection& connection) {
  TextSource source("hello\r\n");
  smtp::Mail mail;
  mail.reverse_path = smtp::Mailbox{"me", "example.org"};
  co_return co_await connection.send(
      {.mail = mail, .recipients = {{.forward_path = {"you", "example.net"}, .notify = {}, .original_recipient = {}}}, .source = &source});
}

Task<> serve(ScriptedServer& server) { co_await server.run(); }

using Act = Task<> (*)(SmtpConnection&);

Task<std::string> with_server(std::string script, Act act) {
  auto pair = net::make_connection_pair();
  ScriptedServer server(std::move(pair.first), {.text = std::move(script), .tls = {}});
  TaskGroup group;
  group.spawn(Reactor::current(), serve(server));
  {
    SmtpConnection connection(make_dialogue("").options);
    auto opened = co_await connection.open(std::move(pair.second));
    EXPECT_TRUE(opened);
    co_await act(connection);
  }
  co_await group.join();
  co_return server.complaints();
}

Task<> check_twice(SmtpConnection& c) {
  auto first = co_await c.check();
  EXPECT_TRUE(first);
  EXPECT_TRUE(c.is_usable() && c.is_alive());
  auto second = co_await c.check();
  EXPECT_EQ(second.error().cause, Cause::refused);
  EXPECT_FALSE(c.is_usable());
  auto third = co_await c.check();
  EXPECT_EQ(third.error().cause, Cause::closed);
  co_await c.quit();
}

TEST(SmtpConnection, NoopTellsWhetherTheServerIsThere) {
  EXPECT_EQ(run_task(with_server(kOpen + "C: NOOP\nS: 250 ok\nC: NOOP\nS: 500 no\n", &check_twice)), "");
}

Task<> wait_until_dead(SmtpConnection& c) {
  for (int i = 0; i < 3000 && c.is_alive(); ++i) co_await sleep_for(10ms);
  EXPECT_FALSE(c.is_alive());
  EXPECT_FALSE(c.is_usable());
}

TEST(SmtpConnection, NoticesThatAnIdleServerHasLeft) {
  EXPECT_EQ(run_task(with_server(kOpen + "WAIT\nCLOSE", &wait_until_dead)), "");
  EXPECT_EQ(run_task(with_server(kOpen + "WAIT\nS: 421 idle\nCLOSE", &wait_until_dead)), "");
  EXPECT_EQ(run_task(with_server(kOpen + "WAIT\nS: 250 what?\nHANG", &wait_until_dead)), "");
}

Task<> just_quit(SmtpConnection& c) {
  co_await c.quit();
  EXPECT_FALSE(c.is_usable());
  co_await c.quit();
}

TEST(SmtpConnection, QuitsWhateverTheServerDoes) {
  for (const std::string behind : {"S: 221 bye\n", "CLOSE", "S: 500 what\n", "S: ?\n", "S: 221-bye\nCLOSE"})
    EXPECT_EQ(run_task(with_server(kOpen + "C: QUIT\n" + behind, &just_quit)), "") << behind;
}

Task<> shut_down_soon(SmtpConnection& c) {
  co_await sleep_for(20ms);
  c.shut_down();
}
Task<> abandon_soon(SmtpConnection& c) {
  co_await sleep_for(20ms);
  c.abandon();
}

// The message was sent whole: its answer is worth waiting for.
Task<> shut_down_while_deciding(SmtpConnection& c) {
  TaskGroup group;
  group.spawn(Reactor::current(), shut_down_soon(c));
  auto result = co_await send_hello(c);
  EXPECT_EQ(to_string(result.recipients[0].state), "accepted");
  EXPECT_FALSE(c.is_usable());
  co_await group.join();
}
Task<> abandon_while_deciding(SmtpConnection& c) {
  TaskGroup group;
  group.spawn(Reactor::current(), abandon_soon(c));
  auto result = co_await send_hello(c);
  EXPECT_EQ(to_string(result.recipients[0].state), "unknown");
  EXPECT_EQ(result.failure->cause, Cause::cancelled);
  co_await group.join();
}
Task<> shut_down_before(SmtpConnection& c) {
  TaskGroup group;
  group.spawn(Reactor::current(), shut_down_soon(c));
  auto result = co_await send_hello(c);
  EXPECT_EQ(to_string(result.recipients[0].state), "not tried");
  EXPECT_EQ(result.failure->cause, Cause::cancelled);
  co_await group.join();
}

TEST(SmtpConnection, ShuttingDownLeavesNothingUnknown) {
  std::string late = kOpen + kSend;
  for (int i = 0; i < 5; ++i) late += "WAIT\n";
  EXPECT_EQ(run_task(with_server(late + "S: 250 ok\n", &shut_down_while_deciding)), "");
  EXPECT_EQ(run_task(with_server(kOpen + kSend + "HANG", &abandon_while_deciding)), "");
  EXPECT_EQ(run_task(with_server(kOpen + "C: MAIL *\nHANG", &shut_down_before)), "");
}

Task<Failure> open_and_shut_down(std::string script) {
  auto pair = net::make_connection_pair();
  ScriptedServer server(std::move(pair.first), {.text = std::move(script), .tls = {}});
  TaskGroup group;
  group.spawn(Reactor::current(), serve(server));
  SmtpConnection connection(make_dialogue("").options);
  group.spawn(Reactor::current(), shut_down_soon(connection));
  auto opened = co_await connection.open(std::move(pair.second));
  EXPECT_FALSE(opened);
  co_await group.join();
  co_return opened.error();
}

TEST(SmtpConnection, CanBeShutDownWhileItOpens) {
  EXPECT_EQ(run_task(open_and_shut_down("HANG")).cause, Cause::cancelled);
  EXPECT_EQ(run_task(open_and_shut_down("S: 220 mx\nC: EHLO *\nHANG")).cause, Cause::cancelled);
}

Task<Failure> open_nowhere(net::Address to, std::string source) {
  SmtpConnection connection(make_dialogue("").options);
  auto opened = co_await connection.open(to, source);
  EXPECT_FALSE(opened);
  EXPECT_FALSE(connection.is_usable() || connection.is_alive());
  co_await connection.quit();
  co_return opened.error();
}

TEST(SmtpConnection, SaysWhyItCannotConnect) {
  EXPECT_EQ(run_task(open_nowhere({.host = {}, .port = 0, .unix_path = "/tmp/posthorn-no-such-socket"}, "")).cause, Cause::unreachable);
  const auto name = run_task(open_nowhere({.host = "mx.example.net", .port = 25, .unix_path = {}}, ""));
  EXPECT_EQ(name.cause, Cause::bad_command);
  EXPECT_EQ(name.stage, Stage::connect);
  EXPECT_TRUE(name.is_permanent());
}

}  // namespace
}  // namespace posthorn::client
