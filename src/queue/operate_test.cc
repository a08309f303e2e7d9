// What operators do, to messages that wait and to those in flight.
#include <gtest/gtest.h>

#include <atomic>

#include "async/task_group.h"
#include "queue/queue_testing.h"

namespace posthorn::queue {
namespace {

using namespace std::chrono_literals;

class OperateTest : public ::testing::Test {
 protected:
  OperateTest() { f.queue->start(); }

  // All steps of a verb.
  Step act(Verb verb, Selection selection = {}, std::size_t limit = 1000) {
    Step sum;
    do {
      auto step = run_task(f.queue->act(verb, selection, sum.next, limit));
      EXPECT_TRUE(step) << step.error().text;
      if (!step) return sum;
      EXPECT_LE(step->examined, limit);
      sum.examined += step->examined;
      sum.changed += step->changed;
      sum.recipients += step->recipients;
      sum.in_flight += step->in_flight;
      sum.next = step->next;
    } while (!sum.next.empty());
    return sum;
  }
  std::string listed(Selection selection = {}, std::size_t limit = 1000) {
    std::string out;
    Position next;
    do {
      auto page = run_task(f.queue->list(selection, next, limit)).value();
      for (const auto& e : page.entries) out += e.recipient.substr(0, e.recipient.find('@')) + (e.held ? "! " : " ");
      next = page.next;
    } while (!next.empty());
    return out;
  }
  void put_off(std::string destination = "example.org") {
    Work work = *f.next_of(destination);
    Settlement s = later(work, 1h);
    EXPECT_TRUE(f.settle(std::move(work), std::move(s)));
  }
  void finish(Work work) {
    Settlement s = all(work, State::delivered);
    EXPECT_TRUE(f.settle(std::move(work), std::move(s)));
  }
  QueueFixture f;
};

TEST_F(OperateTest, ListsWhatIsAskedFor) {
  Entry other;
  other.reverse_path = "Zoe@Other.test";
  other.arrival = now() - 2h;
  f.add(to_all({"a@example.org"}));
  f.add(to_all({"b@Example.Net", "bb@example.org"}), other);
  Entry null;
  const EntryId bounce = run_task(f.add_task(to_all({"c@example.org"}), null, kMessage)).value();
  act(Verb::hold, {.id = bounce});
  EXPECT_EQ(listed(), "a b c! ");
  EXPECT_EQ(listed({.id = bounce}), "c! ");
  EXPECT_EQ(listed({.sender = "zoe@other.TEST"}), "b ");
  EXPECT_EQ(listed({.sender = "<>"}), "c! ");
  EXPECT_EQ(listed({.sender_domain = "other.test"}), "b ");
  EXPECT_EQ(listed({.recipient = "A@example.org"}), "a ");
  EXPECT_EQ(listed({.recipient_domain = "example.net"}), "b ");
  EXPECT_EQ(listed({.older_than = 1h}), "b ");
  EXPECT_EQ(listed({.younger_than = 1h}), "a c! ");
  EXPECT_EQ(listed({.which = Selection::Which::held}), "c! ");
  EXPECT_EQ(listed({.recipient_domain = "example.org", .which = Selection::Which::not_held}), "a bb ");
  EXPECT_EQ(f.queue->stats().held, 1u);
}

TEST_F(OperateTest, AListHasPages) {
  for (int i = 0; i < 250; ++i) f.add(to_all({std::to_string(i) + "@example.org", "x@example.net"}));
  std::string wanted;
  for (int i = 0; i < 250; ++i) wanted += std::to_string(i) + " ";
  for (std::size_t limit : {1u, 100u, 101u, 333u, 1000u}) EXPECT_EQ(listed({}, limit), wanted) << limit;
  // One that no page holds is cut, and those behind it come.
  std::vector<std::string> many;
  for (int i = 0; i < 300; ++i) many.push_back("u@" + std::to_string(i) + ".test");
  const EntryId id = f.add(to_all(many));
  f.add(to_all({"last@example.org"}));
  EXPECT_EQ(listed({}, 100), wanted + "u last ");
  EXPECT_TRUE(run_task(f.queue->list({.id = id}, "", 100)).value().entries[0].partial);
  EXPECT_FALSE(run_task(f.queue->list({.id = id}, "", 1000)).value().entries[0].partial);
  EXPECT_EQ(run_task(f.queue->list({.id = id}, "", 1000)).value().entries[0].waiting, 300u);
}

TEST_F(OperateTest, ShowsOne) {
  const EntryId id = f.add(to_all({"a@example.org", "b@example.org", "c@example.net"}));
  put_off();
  Work flying = f.next();
  auto detail = run_task(f.queue->show(id, "")).value();
  EXPECT_EQ(detail.entry.reverse_path, "ann@example.test");
  ASSERT_EQ(detail.groups.size(), 2u);
  EXPECT_EQ(detail.groups[0].group.recipients[1].last.text, "later");
  EXPECT_EQ(detail.groups[0].group.attempts, 1u);
  EXPECT_GT(detail.groups[0].group.due, now() + 50min);
  EXPECT_FALSE(detail.groups[0].in_flight);
  EXPECT_TRUE(detail.groups[1].in_flight);
  EXPECT_TRUE(detail.next.empty());
  EXPECT_EQ(run_task(f.queue->show(EntryId(1), "")).error().code, Errc::not_found);
}

TEST_F(OperateTest, RetryMakesThemDue) {
  f.add(to_all({"a@example.org"}));
  put_off();
  EXPECT_FALSE(f.next_of("example.org"));
  EXPECT_EQ(act(Verb::retry).changed, 1u);
  f.expect_clean();
  finish(f.next());
  f.expect_empty();
}

TEST_F(OperateTest, HeldOnesStayUntilTheyAreReleased) {
  f.add(to_all({"a@example.org"}));
  f.add(to_all({"b@example.net"}));
  EXPECT_EQ(act(Verb::hold, {.recipient_domain = "example.org"}).changed, 1u);
  f.expect_clean();
  EXPECT_FALSE(f.next_of("example.org"));
  EXPECT_EQ(act(Verb::retry).changed, 1u);  // not the held one
  f.restart();
  EXPECT_EQ(f.queue->stats().held, 1u);
  finish(f.next());
  EXPECT_FALSE(f.next_of("example.org"));
  EXPECT_EQ(act(Verb::release).changed, 1u);
  finish(f.next());
  f.expect_empty();
  EXPECT_EQ(f.queue->stats().held, 0u);
}

TEST_F(OperateTest, RemovedOnesAreGone) {
  f.add(to_all({"a@example.org", "b@example.net"}));
  EXPECT_EQ(act(Verb::remove, {.recipient_domain = "example.org"}).recipients, 1u);
  EXPECT_EQ(f.expect_clean().groups, 1u);
  act(Verb::hold);
  EXPECT_EQ(act(Verb::remove).changed, 1u);
  f.expect_empty();
  EXPECT_EQ(f.queue->stats().entries, 0u);
  EXPECT_EQ(f.queue->stats().held, 0u);
}

// Held ones too: whoever gives them up does not mean that nobody is told.
TEST_F(OperateTest, BouncedOnesAreReported) {
  for (const bool held : {false, true}) {
    f.add(to_all({"a@example.org"}));
    put_off();
    if (held) act(Verb::hold);
    EXPECT_EQ(act(Verb::bounce).changed, 1u);
    EXPECT_EQ(f.expect_clean().groups, 1u);
    EXPECT_EQ(f.queue->stats().held, 0u);
    Work reports = f.next();
    EXPECT_TRUE(reports.only_reports());
    EXPECT_EQ(reports.recipients()[0].state, State::failed);
    EXPECT_TRUE(reports.recipients()[0].owed);
    EXPECT_EQ(reports.recipients()[0].last.enhanced.klass, 5);
    EXPECT_EQ(act(Verb::bounce).changed, 0u);  // once is enough
    EXPECT_TRUE(f.settle(std::move(reports), {.outcomes = {{.recipient = 0, .state = State::failed}}}));
    f.expect_empty();
  }
}

// Whoever is at work finishes what he does; then it happens.
TEST_F(OperateTest, WorkInFlightIsNotTakenAway) {
  struct Case {
    Verb verb;
    bool dropped;
    std::size_t groups_left;
  };
  for (const auto& c : {Case{Verb::hold, false, 1}, Case{Verb::remove, false, 0}, Case{Verb::bounce, false, 1}, Case{Verb::retry, false, 1},
                        Case{Verb::hold, true, 1}, Case{Verb::remove, true, 0}, Case{Verb::bounce, true, 1}}) {
    SCOPED_TRACE(static_cast<int>(c.verb));
    f.add(to_all({"a@example.org", "b@example.org"}));
    {
      Work work = f.next();
      const Step step = act(c.verb);
      EXPECT_EQ(step.in_flight, 1u);
      EXPECT_EQ(step.changed, 1u);
      if (!c.dropped) {
        Settlement s = later(work, 1h);
        s.outcomes[0].state = State::delivered;  // this has happened, whatever the operator says
        EXPECT_TRUE(f.settle(std::move(work), std::move(s)));
      }
    }
    const auto held = c.verb == Verb::hold ? 1u : 0u;
    EXPECT_TRUE(f.eventually([&] { return f.queue->stats().groups == c.groups_left && f.queue->stats().held == held; }));
    EXPECT_EQ(f.expect_clean().groups, c.groups_left);
    if (c.verb == Verb::bounce) {
      Work reports = f.next();
      EXPECT_TRUE(reports.only_reports());
      EXPECT_EQ(reports.recipients()[0].state, c.dropped ? State::failed : State::delivered);
      EXPECT_EQ(reports.recipients()[1].state, State::failed);
    }
    act(Verb::remove);
    EXPECT_TRUE(f.eventually([&] { return f.rows(kEntryRow) == 0; }));
    f.expect_empty();
  }
}

// Who removes or gives up what is being tried does not want its sender to be told that it waits.
TEST_F(OperateTest, NobodyIsToldOfADelayThatHasEnded) {
  for (const bool failed_too : {false, true})
    for (const Verb verb : {Verb::hold, Verb::remove, Verb::bounce}) {
      f.add(to_all({"a@example.org", "b@example.org"}));
      Work work = f.next();
      act(verb);
      Settlement s = later(work, 1h);
      s.messages.push_back(f.message(to_all({"ann@example.test"})));
      if (failed_too) s.outcomes[0].state = State::failed;
      EXPECT_TRUE(f.settle(std::move(work), std::move(s)));
      const auto told = [&] { return listed({.recipient_domain = "example.test"}); };
      EXPECT_EQ(told(), verb == Verb::hold || failed_too ? "ann " : "") << static_cast<int>(verb);
      act(Verb::remove);
      EXPECT_TRUE(f.eventually([&] { return f.rows(kEntryRow) == 0; }));
      f.expect_empty();
    }
}

// Steps over many, while work goes on: everything is treated once, nobody is tried twice at a time.
Task<> deliver_all(Queue& queue, std::atomic<int>& delivered) {
  for (;;) {
    auto work = co_await queue.next();
    if (!work) co_return;
    Settlement s = all(*work, State::delivered);
    const auto recipients = static_cast<int>(work->recipients().size());
    auto settled = co_await queue.settle(*std::move(work), std::move(s));
    if (settled) delivered += recipients;
  }
}

TEST_F(OperateTest, VerbsDuringWork) {
  std::atomic<int> delivered = 0;
  ReactorPool reactors(2);
  reactors.start();
  TaskGroup group;
  for (std::size_t i = 0; i < 6; ++i) group.spawn(reactors.at(i % 2), deliver_all(*f.queue, delivered));
  int sent = 0;
  std::uint64_t removed = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 20; ++i) {
      f.add(to_all({"a@d" + std::to_string(i) + ".test", "b@example.org"}));
      sent += 2;
    }
    act(Verb::hold, {.recipient_domain = "example.org"}, 7);
    act(Verb::retry, {}, 13);
    act(Verb::release, {}, 9);
    const auto step = act(Verb::remove, {.recipient_domain = "d3.test"}, 50);
    removed += step.changed - step.in_flight;
  }
  EXPECT_TRUE(f.eventually([&] { return f.queue->stats().groups == 0 && f.rows(kEntryRow) == 0; }));
  f.queue->close();
  run_task(group.join());
  reactors.stop();
  EXPECT_EQ(delivered + static_cast<int>(removed), sent);
  f.expect_empty();
}

TEST_F(OperateTest, AVerbThatFailsLeavesThingsAsTheyWere) {
  f.add(to_all({"a@example.org"}));
  f.memory().set_faults({.before_commit = [](const kv::Batch&) { return Result<void>(fail(Errc::no_space, "full")); }});
  EXPECT_EQ(run_task(f.queue->act(Verb::remove, {}, "", 100)).error().code, Errc::no_space);
  f.memory().set_faults({});
  finish(f.next());
  f.expect_empty();
}

TEST_F(OperateTest, SaysWhichMessagesItHasChanged) {
  const auto first = f.add(to_all({"a@example.org", "b@other.test"}));
  const auto second = f.add(to_all({"c@example.org"}));
  EXPECT_EQ(run_task(f.queue->act(Verb::hold, {}, "", 100)).value().entries, (std::vector<EntryId>{first, second}));
  EXPECT_EQ(run_task(f.queue->act(Verb::release, {.id = second}, "", 100)).value().entries, std::vector<EntryId>{second});
  EXPECT_TRUE(run_task(f.queue->act(Verb::release, {.id = second}, "", 100)).value().entries.empty());
}

// In the backlog of a destination that takes nothing.
TEST_F(OperateTest, BackloggedOnesAreReached) {
  f.options.max_in_memory = 32;
  f.options.limits = [](const std::string&) { return Limits{.concurrency = 1}; };
  f.restart();
  for (int i = 0; i < 100; ++i) f.add(to_all({"u" + std::to_string(i) + "@dead.test"}));
  Work work = f.next();
  EXPECT_TRUE(f.eventually([&] { return f.rows(kBacklogRow) > 50; }));
  EXPECT_EQ(act(Verb::hold, {}, 9).changed, 100u);
  finish(std::move(work));
  EXPECT_EQ(f.expect_clean().groups, 99u);
  EXPECT_EQ(f.rows(kHeldRow), 99u);
  EXPECT_EQ(act(Verb::release).changed, 99u);
  EXPECT_EQ(act(Verb::remove, {}, 10).changed, 99u);
  EXPECT_TRUE(f.eventually([&] { return f.rows(kDueRow) == 0; }));  // the mark, too
  f.expect_empty();
}

}  // namespace
}  // namespace posthorn::queue
