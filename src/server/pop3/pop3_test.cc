// Sessions as transcripts, and what a transcript cannot show.
#include <gtest/gtest.h>

#include "async/reactor.h"
#include "async/task_group.h"
#include "server/common/transcript_testing.h"
#include "server/pop3/pop3_session.h"
#include "server/pop3/reply_for.h"

namespace posthorn::pop3 {
namespace {

class Transcript : public testing::TestWithParam<std::string> {};

TEST_P(Transcript, Runs) {
  for (const auto& problem : server::run_transcript_file(GetParam(), run_pop3_session, config::Protocol::pop3))
    ADD_FAILURE() << problem;
}

INSTANTIATE_TEST_SUITE_P(Pop3, Transcript,
                         testing::ValuesIn(server::transcript_files(POSTHORN_SOURCE_DIR "/tests/session/pop3")),
                         [](const auto& info) {
                           const auto slash = info.param.rfind('/') + 1;
                           return info.param.substr(slash, info.param.rfind('.') - slash);
                         });

// A server with one account, a client's end of a session on it, and what is needed to end both.
struct Harness {
  server::TestServer server;
  TaskGroup sessions;
  net::ConnectionPair pair = net::make_connection_pair();
  net::Connection& client() { return *pair.first; }

  Task<> start() {
    auto opened = co_await server.open();
    CHECK(opened.has_value());
    auto domain = co_await server.add_domain("example.test");
    CHECK(domain.has_value());
    auto account = co_await server.add_account("ann@example.test", "secret");
    CHECK(account.has_value());
  }
  void connect() {
    sessions.spawn(Reactor::current(), run_pop3_session({server.services(),
                                                         {config::Protocol::pop3, config::TlsMode::none, true},
                                                         *pair.second,
                                                         "test"}));
  }
  // Everything up to and with `end`.
  Task<std::string> read_until(std::string_view end) {
    std::string all;
    while (!all.ends_with(end)) {
      auto more = co_await client().read_more(after(std::chrono::seconds(30)));
      if (!more) break;
      all += client().input();
      client().consume(client().input().size());
    }
    co_return all;
  }
  Task<> send(std::string_view text) {
    client().put(text);
    auto sent = co_await client().flush(after(std::chrono::seconds(30)));
    CHECK(sent.has_value());
  }
  Task<> stop() {
    client().close();
    co_await sessions.join();
    co_await server.close();
  }
};

Task<> large_message() {
  Harness h;
  co_await h.start();
  std::string message = "Subject: large\r\n\r\n";
  for (int i = 0; i < 100'000; ++i) message += "." + std::to_string(i) + " a line that begins with a dot\r\n";
  std::string wanted = "+OK " + std::to_string(message.size()) + " octets\r\nSubject: large\r\n\r\n";
  for (int i = 0; i < 100'000; ++i) wanted += ".." + std::to_string(i) + " a line that begins with a dot\r\n";
  wanted += ".\r\n";
  auto added = co_await h.server.add_message("ann@example.test", "INBOX", message);
  CHECK(added.has_value());
  h.connect();
  co_await h.send("USER ann\r\nPASS secret\r\nRETR 1\r\nTOP 1 2\r\nQUIT\r\n");
  const auto all = co_await h.read_until("Goodbye\r\n");
  EXPECT_NE(all.find(wanted), std::string::npos);
  EXPECT_TRUE(all.ends_with("\r\n\r\n..0 a line that begins with a dot\r\n..1 a line that begins with a dot\r\n.\r\n+OK Goodbye\r\n"));
  co_await h.stop();
}

TEST(Pop3, AMessageLargerThanAllBuffers) { run_task(large_message()); }

Task<> bare_line_feeds() {
  Harness h;
  co_await h.start();
  auto added = co_await h.server.add_message("ann@example.test", "INBOX", "Subject: x\n\n.\nno end");
  CHECK(added.has_value());
  h.connect();
  co_await h.send("USER ann\r\nPASS secret\r\nRETR 1\r\n");
  const auto all = co_await h.read_until("\r\n.\r\n");
  EXPECT_TRUE(all.ends_with("Subject: x\r\n\r\n..\r\nno end\r\n.\r\n")) << all;
  co_await h.stop();
}

TEST(Pop3, LinesEndWithCrLfWhateverIsStored) { run_task(bare_line_feeds()); }

Task<> failing_disk() {
  Harness h;
  co_await h.start();
  auto added = co_await h.server.add_message("ann@example.test", "INBOX", "Subject: x\r\n\r\n");
  CHECK(added.has_value());
  h.connect();
  co_await h.send("USER ann\r\nPASS secret\r\nDELE 1\r\n");
  co_await h.read_until("deleted\r\n");
  h.server.kv().set_faults({[](const kv::Batch&) -> Result<void> { return fail(Errc::io, "injected"); }});
  co_await h.send("QUIT\r\n");
  const auto answer = co_await h.read_until("\r\n");
  EXPECT_TRUE(answer.starts_with("-ERR [SYS/TEMP]")) << answer;
  h.server.kv().set_faults({});
  auto left = co_await h.server.count_messages("ann@example.test", "INBOX");
  EXPECT_EQ(left.value_or(99), 1u);
  co_await h.stop();
}

TEST(Pop3, WhatCannotBeRemovedIsToldAtQuit) { run_task(failing_disk()); }

TEST(Pop3, EveryErrorHasWords) {
  for (int code = 0; code <= static_cast<int>(Errc::unsupported); ++code)
    EXPECT_NE(reply_for(static_cast<Errc>(code)).text, Text::goodbye);
}

}  // namespace
}  // namespace posthorn::pop3
