// Long commands do not keep a reactor to themselves.
#include "async/turns.h"

#include <gtest/gtest.h>
#include <time.h>

#include "async/task_group.h"
#include "server/common/transcript_testing.h"
#include "server/imap/imap_session.h"
#include "server/imap/imap_settings.h"
#include "server/imap/mailbox_pattern.h"

namespace posthorn::imap {
namespace {

constexpr auto kPatience = std::chrono::minutes(5);

// Of this thread: a machine that is busy with something else does not count.
std::chrono::nanoseconds work_done() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

struct Watch {
  std::int64_t commands_before = 0;
  int turns = 0;  // of somebody else, while the command was at work
  bool over = false;
};

Task<> take_turns(Watch& watch) {
  while (!watch.over) {
    watch.turns += commands_done.value() > watch.commands_before;
    co_await sleep_for({});
  }
}

Task<> run_session(server::SessionContext context) {
  auto& connection = context.connection;
  co_await run_imap_session(std::move(context));
  connection.close();
}

Task<std::string> answer_of(net::Connection& client, std::string command) {
  client.put(command + "\r\n");
  auto sent = co_await client.flush(after(kPatience));
  EXPECT_TRUE(sent);
  auto line = co_await client.read_line(10'000, net::LineEnd::crlf, after(kPatience));
  EXPECT_TRUE(line);
  co_return line ? std::string(*line) : std::string();
}

// So many of the longest names, each of which costs a hostile pattern the most.
Task<> add_mailboxes(store::Account& account, int from, int to) {
  std::string parent;
  for (int i = 0; i < 3; ++i) parent += std::string(250, 'a') + '/';
  for (int i = from; i < to; ++i) {
    auto name = parent + std::string(230, 'a') + std::to_string(i);
    auto made = co_await account.create_mailbox(name);
    EXPECT_TRUE(made);
    auto subscribed = co_await account.set_subscribed(name, true);
    EXPECT_TRUE(subscribed);
  }
}

Task<> list_with_company(std::string list) {
  server::TestServer server;
  auto opened = co_await server.open();
  EXPECT_TRUE(opened);
  auto domain = co_await server.add_domain("example.test");
  EXPECT_TRUE(domain);
  auto id = co_await server.add_account("ann@example.test", "secret");
  EXPECT_TRUE(id);
  auto account = co_await server.services().store.account(*id);
  EXPECT_TRUE(account);

  auto [here, client] = net::make_connection_pair();
  TaskGroup tasks;
  server::SessionContext context{.services = server.services(),
                                 .rules = {.protocol = config::Protocol::imap, .allow_plaintext_auth = true},
                                 .connection = *here,
                                 .session_id = "test"};
  tasks.spawn(Reactor::current(), run_session(std::move(context)));
  auto greeting = co_await client->read_line(10'000, net::LineEnd::crlf, after(kPatience));
  EXPECT_TRUE(greeting);
  const auto signed_in = co_await answer_of(*client, "a LOGIN ann@example.test secret");
  EXPECT_TRUE(signed_in.starts_with("a OK")) << signed_in;

  // More and more to do, until it takes so long that turns must have been given.
  std::chrono::nanoseconds took{};
  Watch watch;
  for (int many = 50, had = 0; took < 10 * Turns::kTurn && many < 50'000; had = many, many *= 2) {
    co_await add_mailboxes(**account, had, many);
    watch = {.commands_before = commands_done.value()};
    TaskGroup company;
    company.spawn(Reactor::current(), take_turns(watch));
    const auto began = work_done();
    const auto answer = co_await answer_of(*client, "b " + list);
    took = work_done() - began;
    EXPECT_TRUE(answer.starts_with("b OK")) << answer;
    watch.over = true;
    co_await company.join();
  }
  EXPECT_GE(took, 10 * Turns::kTurn);
  EXPECT_GE(watch.turns, 5);
  client->close();
  co_await tasks.join();
  co_await server.close();
}

// Hardly matches, and late.
std::string hostile_pattern() {
  std::string pattern = "\"";
  while (pattern.size() < 980) pattern += "*a";
  return pattern + "b%\"";
}
std::string hostile_patterns() {
  std::string patterns = "(" + hostile_pattern();
  for (int i = 1; i < 8; ++i) patterns += " " + hostile_pattern();
  return patterns + ")";
}

TEST(Turns, AreGivenByList) { run_task(list_with_company("LIST \"\" " + hostile_patterns())); }
TEST(Turns, AreGivenByLsub) { run_task(list_with_company("LSUB \"\" " + hostile_pattern())); }
TEST(Turns, AreGivenByListOfSubscriptions) { run_task(list_with_company("LIST (SUBSCRIBED) \"\" " + hostile_patterns())); }
TEST(Turns, AreGivenByRecursiveList) { run_task(list_with_company("LIST (SUBSCRIBED RECURSIVEMATCH) \"\" " + hostile_patterns())); }

}  // namespace
}  // namespace posthorn::imap
