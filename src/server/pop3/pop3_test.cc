// Sessions as transcripts, and what a transcript cannot show.
#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <utility>
#include <vector>

#include "async/reactor.h"
#include "async/task_group.h"
#include "async/timer.h"
#include "base/clock.h"
#include "server/common/transcript_testing.h"
#include "server/pop3/other_sessions.h"
#include "server/pop3/pop3_session.h"
#include "server/pop3/reply_for.h"
#include "server/pop3/settings.h"

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
  std::vector<net::ConnectionPair> before;  // their sessions may still be ending
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
  void connect_again() {
    before.push_back(std::exchange(pair, net::make_connection_pair()));
    connect();
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

// What a session says to USER, PASS, `commands` and QUIT, from "+OK n messages" on.
Task<std::string> session_of(Harness& h, std::string commands) {
  h.connect_again();
  co_await h.send("USER ann\r\nPASS secret\r\n" + commands + "QUIT\r\n");
  auto all = co_await h.read_until("Goodbye\r\n");
  co_return all.substr(all.find(" messages") - 1);
}

Task<> expiring_mail() {
  ManualClock clock(now());  // the store asks the clock of the machine
  Harness h;
  co_await h.start();
  std::map<std::string, std::string, std::less<>> settings{{"pop3.delete_after", "10 d"}, {"pop3.hide_seen", "true"}};
  auto changed = co_await h.server.services().directory.change_settings("ann@example.test", settings);
  CHECK(changed.has_value());
  const auto add = [&h](std::string subject, std::vector<std::string> flags = {}) {
    return h.server.add_message("ann@example.test", "INBOX", "Subject: " + subject + "\r\n\r\n", std::move(flags));
  };
  co_await add("one");
  co_await add("deleted by the client");
  co_await add("hidden", {"\\Seen"});
  clock.advance(std::chrono::hours(24 * 10 - 1));
  auto said = co_await session_of(h, "STAT\r\n");
  EXPECT_TRUE(said.starts_with("2 messages")) << said;
  clock.advance(std::chrono::hours(2));
  // A connection that breaks removes nothing.
  h.connect_again();
  co_await h.send("USER ann\r\nPASS secret\r\n");
  co_await h.read_until("messages\r\n");
  h.client().close();
  auto left = co_await h.server.count_messages("ann@example.test", "INBOX");
  EXPECT_EQ(left.value_or(99), 3u);
  const auto commits = h.server.kv().stats().commits;
  said = co_await session_of(h, "DELE 2\r\nRETR 1\r\n");
  EXPECT_NE(said.find("Subject: one\r\n"), std::string::npos) << said;
  EXPECT_EQ(h.server.kv().stats().commits, commits + 1);
  left = co_await h.server.count_messages("ann@example.test", "INBOX");
  EXPECT_EQ(left.value_or(99), 1u);
  auto message = co_await h.server.read_message("ann@example.test", "INBOX", 1);
  EXPECT_EQ(message.value_or(""), "Subject: hidden\r\n\r\n");
  co_await h.stop();
}

TEST(Pop3, WhatIsTooOldGoesWithTheDeletedOnesInOneCommit) { run_task(expiring_mail()); }

std::vector<std::string> ids_of(const std::string& said) {
  std::vector<std::string> ids;
  std::istringstream lines(said.substr(said.find("Unique ids")));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && line != ".\r") ids.push_back(line.substr(line.find(' ') + 1));
  return ids;
}

Task<> unique_ids() {
  Harness h;
  co_await h.start();
  for (const std::string subject : {"a", "b", "c"}) {
    auto added = co_await h.server.add_message("ann@example.test", "INBOX", "Subject: " + subject + "\r\n\r\n");
    CHECK(added.has_value());
  }
  const auto before = ids_of(co_await session_of(h, "UIDL\r\n"));
  EXPECT_EQ(before.size(), 3u);
  auto record = co_await h.server.services().directory.find_account(std::string("ann@example.test"));
  CHECK(record.has_value());
  auto account = co_await h.server.services().store.account(record->id);
  CHECK(account.has_value());
  const auto inbox = (*account)->find_mailbox("INBOX")->id, archive = (*account)->find_mailbox("Archive")->id;
  const store::UidSet second{{Uid(2), Uid(2)}}, first{{Uid(1), Uid(1)}};
  // Moved away and back it is the same message, at the end now.
  auto moved = co_await (*account)->move(inbox, second, archive);
  CHECK(moved.has_value());
  moved = co_await (*account)->move(archive, first, inbox);
  CHECK(moved.has_value());
  auto ids = ids_of(co_await session_of(h, "UIDL\r\n"));
  EXPECT_EQ(ids, (std::vector<std::string>{before[0], before[2], before[1]}));
  // A copy has an id of its own.
  auto copied = co_await (*account)->copy(inbox, first, inbox);
  CHECK(copied.has_value());
  ids = ids_of(co_await session_of(h, "UIDL\r\n"));
  EXPECT_EQ(ids.size(), 4u);
  EXPECT_EQ(ids[0], before[0]);
  EXPECT_TRUE(ids[3].starts_with(before[0].substr(0, before[0].size() - 1) + ".")) << ids[3];
  co_await h.stop();
}

TEST(Pop3, UniqueIdsStayWithTheMessage) { run_task(unique_ids()); }

// [RFC1939 3] Nobody waits for ever for a client that does not read.
Task<> client_that_stops_reading() {
  Harness h;
  co_await h.start();
  auto added = co_await h.server.add_message("ann@example.test", "INBOX", "Subject: large\r\n\r\n" + std::string(8 << 20, 'x'));
  CHECK(added.has_value());
  h.connect();
  co_await h.send("USER ann\r\nPASS secret\r\nRETR 1\r\n");
  co_await sleep_for(std::chrono::milliseconds(50));
  EXPECT_LT(h.pair.second->output().size(), 2u << 20);
  h.pair.second->abort();  // as at the end of a drain; the deadline does the same
  co_await h.sessions.join();
  co_await h.server.close();
}

TEST(Pop3, AClientThatStopsReadingCostsAChunk) { run_task(client_that_stops_reading()); }

// And is let go in the end; what it has marked stays.
Task<> client_that_never_reads_on() {
  CHECK(kTransferTimeout.set(std::string("100 ms")).has_value());
  Harness h;
  co_await h.start();
  for (const std::size_t size : {std::size_t{8} << 20, std::size_t{1}}) {
    auto added = co_await h.server.add_message("ann@example.test", "INBOX", "Subject: x\r\n\r\n" + std::string(size, 'x'));
    CHECK(added.has_value());
  }
  h.connect();
  co_await h.send("USER ann\r\nPASS secret\r\nDELE 2\r\nRETR 1\r\nQUIT\r\n");
  co_await h.sessions.join();  // it ends by itself
  const auto all = co_await h.read_until("Goodbye\r\n");
  EXPECT_EQ(all.find("Goodbye"), all.npos);
  auto left = co_await h.server.count_messages("ann@example.test", "INBOX");
  EXPECT_EQ(left.value_or(99), 2u);
  kTransferTimeout.reset();
  co_await h.server.close();
}

TEST(Pop3, AClientThatNeverReadsOnIsLetGo) { run_task(client_that_never_reads_on()); }

// [RFC2449 6.5]
Task<> sign_ins_at_once() {
  Harness h;
  co_await h.start();
  auto& store = h.server.services().store;
  constexpr auto kDelay = std::chrono::seconds(600);
  EXPECT_EQ(claim_sign_in(store, AccountId(7), kDelay).count(), 0);
  EXPECT_GT(claim_sign_in(store, AccountId(7), kDelay).count(), 0);
  EXPECT_EQ(claim_sign_in(store, AccountId(8), kDelay).count(), 0);
  forget_sign_in(store, AccountId(7));
  EXPECT_EQ(claim_sign_in(store, AccountId(7), kDelay).count(), 0);
  forget_sign_in(store, AccountId(7));
  forget_sign_in(store, AccountId(8));
  co_await h.stop();
}

TEST(Pop3, OfSeveralSignInsAtOnceOneIsLetIn) { run_task(sign_ins_at_once()); }

TEST(Pop3, EveryErrorHasWords) {
  for (int code = 0; code <= static_cast<int>(Errc::unsupported); ++code)
    EXPECT_NE(reply_for(static_cast<Errc>(code)).text, Text::goodbye);
}

}  // namespace
}  // namespace posthorn::pop3
