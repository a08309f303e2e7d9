// The life of entries, on every backend.
#include "queue/queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>

#include "async/task_group.h"
#include "queue/queue_testing.h"

namespace posthorn::queue {
namespace {

using namespace std::chrono_literals;

class QueueTest : public ::testing::TestWithParam<Backend> {
 protected:
  QueueFixture f{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Backends, QueueTest, ::testing::Values(Backend::memory, Backend::rocksdb),
                         [](const auto& info) { return info.param == Backend::memory ? "memory" : "rocksdb"; });

TEST_P(QueueTest, AMessageComesGoesAndLeavesNothing) {
  f.queue->start();
  Entry entry;
  entry.options.ret = smtp::Return::headers;
  entry.options.envelope_id = "id 1";
  entry.received = 2;
  const EntryId id = f.add(to_all({"bob@Example.org", "carol@example.org"}), entry);
  EXPECT_EQ(f.queue->stats().entries, 1u);
  EXPECT_EQ(f.queue->stats().bytes, kMessage.size());
  f.expect_clean();
  Work work = f.next();
  EXPECT_EQ(work.blob(), id);
  EXPECT_EQ(work.destination(), "example.org");
  EXPECT_EQ(work.entry().reverse_path, "ann@example.test");
  EXPECT_EQ(work.entry().options.envelope_id, "id 1");
  EXPECT_EQ(work.entry().size, kMessage.size());
  ASSERT_EQ(work.recipients().size(), 2u);
  EXPECT_EQ(work.recipients()[0].forward_path, "bob@Example.org");
  EXPECT_EQ(work.attempts(), 0u);
  EXPECT_FALSE(work.only_reports());
  EXPECT_EQ(run_task(f.blobs->read(id, 0, 1000)).value(), kMessage);
  Settlement done = all(work, State::delivered);
  EXPECT_TRUE(f.settle(std::move(work), std::move(done)));
  f.expect_empty();
  EXPECT_EQ(f.queue->stats().entries, 0u);
  EXPECT_EQ(f.queue->stats().groups, 0u);
}

// What a relayed message costs.
TEST_P(QueueTest, OneSyncedCommitToTakeItAndOneToLetItGo) {
  f.queue->start();
  f.add(to_all({"bob@example.org"}));
  run_task(f.queue->settle(f.next(), {.outcomes = {{.recipient = 0, .state = State::delivered}}}));
  const auto before = f.kv->stats().commits;
  f.add(to_all({"bob@example.org", "carol@example.org"}));
  EXPECT_EQ(f.kv->stats().commits, before + 1);
  Work work = f.next();
  Settlement done = all(work, State::delivered);
  EXPECT_TRUE(f.settle(std::move(work), std::move(done)));
  EXPECT_EQ(f.kv->stats().commits, before + 2);
}

TEST_P(QueueTest, WhatIsPutOffComesWhenItIsDue) {
  f.queue->start();
  f.add(to_all({"bob@example.org", "carol@example.org"}));
  {
    Work work = f.next();
    Settlement s = later(work, 300ms);
    s.outcomes[0].state = State::delivered;
    s.outcomes[1].warned = true;
    EXPECT_TRUE(f.settle(std::move(work), std::move(s)));
  }
  EXPECT_FALSE(f.next_of("example.org"));
  f.expect_clean();
  Work work = f.next();
  EXPECT_EQ(work.attempts(), 1u);
  ASSERT_EQ(work.recipients().size(), 2u);
  EXPECT_EQ(work.recipients()[0].state, State::delivered);
  EXPECT_EQ(work.recipients()[1].state, State::waiting);
  EXPECT_TRUE(work.recipients()[1].warned);
  EXPECT_EQ(work.recipients()[1].last.text, "later");
  EXPECT_EQ(work.recipients()[1].last.server, "mx.test");
  Settlement done = all(work, State::delivered);
  EXPECT_TRUE(f.settle(std::move(work), std::move(done)));
  f.expect_empty();
}

TEST_P(QueueTest, ARestartKeepsEverything) {
  f.queue->start();
  f.add(to_all({"bob@example.org"}));
  f.add(to_all({"carol@example.net"}));
  f.add(to_all({"dave@example.com"}));
  for (int i = 0; i < 2; ++i) {
    Work work = f.next();
    Settlement s = later(work, 1h);
    if (work.destination() == "example.net") s = all(work, State::delivered);
    EXPECT_TRUE(f.settle(std::move(work), std::move(s)));
  }
  f.restart();
  EXPECT_EQ(f.queue->stats().entries, 2u);
  EXPECT_TRUE(f.queue->stats().exact);
  EXPECT_EQ(f.expect_clean().entries, 2u);
  Work work = f.next();
  EXPECT_EQ(work.destination(), "example.com");
  EXPECT_FALSE(f.next_of("example.org"));
}

TEST_P(QueueTest, RecipientsAreGroupedByDestinationAndInHundreds) {
  f.queue->start();
  std::vector<std::string> paths;
  for (int i = 0; i < 250; ++i) {
    paths.push_back("u" + std::to_string(i) + "@a.test");
    if (i % 100 == 0) paths.push_back("u" + std::to_string(i) + "@B.test");
  }
  const EntryId id = f.add(to_all(paths));
  EXPECT_EQ(f.expect_clean().groups, 4u);
  std::map<std::string, std::vector<std::size_t>> sizes;
  std::set<std::string> seen;
  std::vector<Work> works;
  for (int i = 0; i < 4; ++i) {
    works.push_back(f.next());
    EXPECT_EQ(works.back().blob(), id);
    EXPECT_EQ(works.back().entry().recipients, 253u);
    sizes[works.back().destination()].push_back(works.back().recipients().size());
    for (const auto& r : works.back().recipients()) EXPECT_TRUE(seen.insert(r.forward_path).second);
  }
  for (auto& [key, list] : sizes) std::ranges::sort(list);
  EXPECT_EQ(sizes, (std::map<std::string, std::vector<std::size_t>>{{"a.test", {50, 100, 100}}, {"b.test", {3}}}));
  EXPECT_EQ(seen.size(), 253u);
  // The entry goes with the last of them, whichever it is.
  for (std::size_t i : {2u, 0u, 3u, 1u}) {
    EXPECT_EQ(f.rows(kEntryRow) > 0, true);
    Settlement done = all(works[i], State::delivered);
    EXPECT_TRUE(f.settle(std::move(works[i]), std::move(done)));
    f.expect_clean();
  }
  f.expect_empty();
}

Task<> settle_one(Queue& queue, Work work) {
  Settlement done = all(work, State::delivered);
  auto settled = co_await queue.settle(std::move(work), std::move(done));
  EXPECT_TRUE(settled);
}

TEST_P(QueueTest, GroupsThatEndAtOnceLeaveNothing) {
  f.queue->start();
  for (int round = 0; round < 10; ++round) {
    std::vector<std::string> paths;
    for (int i = 0; i < 20; ++i) paths.push_back("u@d" + std::to_string(i) + ".test");
    f.add(to_all(paths));
    ReactorPool reactors(2);
    reactors.start();
    TaskGroup group;
    for (std::size_t i = 0; i < 20; ++i) group.spawn(reactors.at(i % 2), settle_one(*f.queue, f.next()));
    run_task(group.join());
    reactors.stop();
    f.expect_empty();
  }
}

TEST_P(QueueTest, AReportAndWhatItReportsAreOneCommit) {
  f.queue->start();
  f.add(to_all({"bob@example.org"}));
  Work work = f.next();
  Settlement s = all(work, State::failed);
  s.messages.push_back(f.message(to_all({"ann@example.test"})));
  const EntryId report = s.messages[0].bytes.id;
  const auto before = f.kv->stats().commits;
  EXPECT_TRUE(f.settle(std::move(work), std::move(s)));
  EXPECT_EQ(f.kv->stats().commits, before + 1);
  EXPECT_EQ(f.expect_clean().entries, 1u);
  Work bounce = f.next();
  EXPECT_EQ(bounce.blob(), report);
  EXPECT_EQ(bounce.entry().reverse_path, "");
  EXPECT_EQ(bounce.entry().size, kMessage.size());
}

// A report that could not be made yet.
TEST_P(QueueTest, AnOwedReportIsWorkOfItsOwn) {
  f.queue->start();
  f.add(to_all({"bob@example.org", "carol@example.org"}));
  Work work = f.next();
  Settlement s = all(work, State::failed);
  s.outcomes[0].owed = true;
  s.outcomes[1].state = State::delivered;
  EXPECT_TRUE(f.settle(std::move(work), std::move(s)));
  f.expect_clean();
  Work reports = f.next();
  EXPECT_TRUE(reports.only_reports());
  EXPECT_EQ(reports.destination(), "");
  EXPECT_EQ(reports.recipients()[0].state, State::failed);
  EXPECT_TRUE(reports.recipients()[0].owed);
  EXPECT_FALSE(reports.recipients()[1].owed);
  // Not yet again, after a while.
  EXPECT_TRUE(f.settle(std::move(reports), {.next = now() + 100ms, .attempted = false}));
  Work again = f.next();
  EXPECT_TRUE(again.only_reports());
  Settlement told{.outcomes = {{.recipient = 0, .state = State::failed, .owed = false}}};
  told.messages.push_back(f.message(to_all({"ann@example.test"})));
  EXPECT_TRUE(f.settle(std::move(again), std::move(told)));
  EXPECT_EQ(f.expect_clean().entries, 1u);
}

// [RFC3461 5.2.7.3] Of a message that is stored here already.
TEST_P(QueueTest, ReportsOfRecipientsWhoAreHere) {
  f.queue->start();
  Recipient here = to("bob@example.test");
  here.state = State::delivered;
  here.owed = true;
  Recipient quiet = here;
  quiet.owed = false;
  f.add({here, quiet, to("carol@example.org")});
  std::map<std::string, std::size_t> got;
  for (int i = 0; i < 2; ++i) {
    Work work = f.next();
    got[work.destination()] = work.recipients().size();
    EXPECT_EQ(work.only_reports(), work.destination().empty());
    Settlement s = all(work, State::delivered);
    if (work.only_reports()) s.outcomes = {{.recipient = 0, .state = State::delivered}};
    EXPECT_TRUE(f.settle(std::move(work), std::move(s)));
  }
  EXPECT_EQ(got, (std::map<std::string, std::size_t>{{"", 1}, {"example.org", 1}}));
  f.expect_empty();
}

// [RFC4865]
TEST_P(QueueTest, HeldBackUntilItsTime) {
  f.queue->start();
  Entry entry;
  entry.options.hold_until = now() + 400ms;
  f.add(to_all({"bob@example.org"}), entry);
  f.expect_clean();
  EXPECT_FALSE(f.next_of("example.org"));
  f.restart();
  Work work = f.next();
  EXPECT_GE(now(), *entry.options.hold_until);
  EXPECT_EQ(work.entry().born(), *work.entry().options.hold_until);
}

// [RFC6710]
TEST_P(QueueTest, PrioritiesComeFirstWithinADestination) {
  f.options.limits = [](const std::string&) { return Limits{.concurrency = 1}; };
  f.queue.reset();
  f.open();
  f.queue->start();
  f.add(to_all({"first@example.org"}));
  Work first = f.next();  // the others wait for it
  for (int priority : {-5, 0, 5, 9, 0}) {
    Entry entry;
    entry.options.priority = priority;
    f.add(to_all({"u" + std::to_string(priority) + "@example.org"}), entry);
  }
  EXPECT_FALSE(f.next_of("example.org"));
  std::string order;
  Settlement done = all(first, State::delivered);
  EXPECT_TRUE(f.settle(std::move(first), std::move(done)));
  for (int i = 0; i < 5; ++i) {
    Work work = f.next();
    order += std::to_string(work.entry().priority()) + " ";
    Settlement s = all(work, State::delivered);
    EXPECT_TRUE(f.settle(std::move(work), std::move(s)));
  }
  EXPECT_EQ(order, "9 5 0 0 -5 ");
}

TEST_P(QueueTest, DestinationsTakeTurns) {
  f.queue->start();
  for (int i = 0; i < 10; ++i) f.add(to_all({"u" + std::to_string(i) + "@many.test"}));
  f.add(to_all({"u@few.test"}));
  std::vector<Work> works;
  for (int i = 0; i < 2; ++i) works.push_back(f.next());
  EXPECT_NE(works[0].destination(), works[1].destination());
}

TEST_P(QueueTest, DroppedWorkIsGivenOutAgain) {
  f.queue->start();
  f.add(to_all({"bob@example.org"}));
  { Work dropped = f.next(); }
  Work again = f.next();
  EXPECT_EQ(again.attempts(), 0u);
  Settlement done = all(again, State::delivered);
  EXPECT_TRUE(f.settle(std::move(again), std::move(done)));
  f.expect_empty();
}

// A delivery into a mailbox here: its rows and the settlement are one commit of somebody else's.
TEST_P(QueueTest, ASettlementInTheCommitOfAnother) {
  f.queue->start();
  f.add(to_all({"bob@example.org"}));
  for (bool committed : {false, true}) {
    Work work = f.next();
    Settlement done = all(work, State::delivered);
    auto settling = run_task(f.queue->begin_settle(std::move(work), std::move(done)));
    ASSERT_TRUE(settling);
    kv::Batch batch = settling->take_rows();
    if (!committed) continue;
    batch.put(kv::Space::meta, 0, "with", "it");
    EXPECT_TRUE(run_task(f.kv->commit(std::move(batch))));
    run_task(settling->committed());
  }
  f.expect_empty();
}

// The commit of the other has failed, or seems to: its work is settled otherwise, or it has happened.
TEST_P(QueueTest, ASettlementIsTakenBack) {
  f.queue->start();
  f.queue->set_limits("example.org", {.concurrency = 1});
  f.add(to_all({"bob@example.org"}));
  for (const bool committed : {false, true}) {
    Work work = f.next();
    Settlement done = all(work, State::delivered);
    done.frees = !committed;
    auto settling = run_task(f.queue->begin_settle(std::move(work), std::move(done)));
    ASSERT_TRUE(settling);
    kv::Batch batch = settling->take_rows();
    if (committed) EXPECT_TRUE(run_task(f.kv->commit(std::move(batch))));
    auto back = run_task(f.queue->take_back(*std::move(settling)));
    ASSERT_TRUE(back);
    ASSERT_EQ(back->has_value(), !committed);
    if (committed) continue;
    EXPECT_EQ((*back)->attempts(), 0u);
    Settlement again = later(**back, 0ms);
    EXPECT_TRUE(f.settle(*std::exchange(*back, std::nullopt), std::move(again)));
  }
  EXPECT_EQ(f.queue->stats().entries, 0u);
  f.expect_empty();
}

// While an outcome is being committed its destination may have another work, if the settlement says so; and is counted once, whatever happens.
TEST_P(QueueTest, ADestinationIsFreeBeforeTheCommit) {
  f.queue->start();
  for (int i = 0; i < 3; ++i) f.add(to_all({"bob@example.org"}));
  for (const bool frees : {false, true}) {
    f.queue->set_limits("example.org", {.concurrency = 1});
    Work first = f.next();
    Settlement done = all(first, State::delivered);
    done.frees = frees;
    auto settling = run_task(f.queue->begin_settle(std::move(first), std::move(done)));
    ASSERT_TRUE(settling);
    EXPECT_EQ(f.next_of("example.org").has_value(), frees);  // and dropped: it comes again a second later
    EXPECT_TRUE(run_task(f.queue->finish_settle(*std::move(settling))));
  }
  f.queue->set_limits("example.org", {.concurrency = 1});
  Work last = f.next();
  EXPECT_FALSE(f.next_of("example.org"));
  Settlement done = all(last, State::delivered);
  EXPECT_TRUE(f.settle(std::move(last), std::move(done)));
  f.expect_empty();
}

// The bytes are an account's, too.
TEST_P(QueueTest, SharedBytesStay) {
  f.queue->start();
  auto draft = f.blobs->begin();
  ASSERT_TRUE(run_task(draft.write(kMessage)));
  const EntryId id = draft.id();
  auto sealed = std::move(draft).seal();
  Entry entry;
  entry.size = sealed.size;
  entry.shared = true;
  auto staged = f.queue->stage(id, entry, to_all({"bob@example.org"}));
  ASSERT_TRUE(staged);
  kv::Batch batch = std::move(sealed.batch);
  batch.append(staged->take_rows());
  blob::Blobs::put_link(batch, id, AccountId(5));
  EXPECT_TRUE(run_task(f.kv->commit(std::move(batch))));
  staged->committed();
  run_task(settle_one(*f.queue, f.next()));
  EXPECT_EQ(f.rows(kEntryRow), 0u);
  EXPECT_EQ(run_task(f.blobs->read(id, 0, 1000)).value(), kMessage);
  EXPECT_EQ(run_task(f.blobs->check({})).value().links.size(), 1u);
}

TEST_P(QueueTest, WhatCannotBeQueuedIsRefused) {
  f.queue->start();
  Entry entry;
  EXPECT_EQ(f.queue->stage(EntryId(1), entry, {}).error().code, Errc::invalid);
  Recipient done = to("bob@example.org");
  done.state = State::delivered;
  EXPECT_EQ(f.queue->stage(EntryId(1), entry, {done}).error().code, Errc::invalid);
  EXPECT_EQ(f.queue->stage(EntryId(1), entry, to_all({std::string(2000, 'x')})).error().code, Errc::limit);
  entry.reverse_path = std::string(2000, 'x');
  EXPECT_EQ(f.queue->stage(EntryId(1), entry, to_all({"bob@example.org"})).error().code, Errc::limit);
  f.expect_empty();
}

// A smart host for everything, and then not any more.
TEST_P(QueueTest, RoutesMayChange) {
  f.options.destination = [](const Entry&, const Recipient&) { return std::string("smart"); };
  f.queue.reset();
  f.open();
  f.queue->start();
  f.add(to_all({"a@one.test", "b@two.test", "c@one.test"}));
  f.add(to_all({"d@one.test"}));
  {
    Work work = f.next();
    EXPECT_EQ(work.destination(), "smart");
    Settlement s = later(work, 0ms);
    EXPECT_TRUE(f.settle(std::move(work), std::move(s)));
  }
  f.options.destination = {};
  f.restart();
  std::map<std::string, std::size_t> got;
  std::vector<Work> works;
  for (int i = 0; i < 3; ++i) {
    works.push_back(f.next());
    got[works.back().destination()] += works.back().recipients().size();
  }
  EXPECT_EQ(got, (std::map<std::string, std::size_t>{{"one.test", 3}, {"two.test", 1}}));
  EXPECT_EQ(f.expect_clean().groups, 3u);
  for (Work& work : works) run_task(settle_one(*f.queue, std::move(work)));
  EXPECT_EQ(f.queue->stats().groups, 0u);
  f.expect_empty();
}

// The configuration is read anew.
TEST_P(QueueTest, RoutesMayChangeWhileItRuns) {
  std::atomic<bool> smart = true;
  f.options.destination = [&smart](const Entry&, const Recipient& r) { return smart ? std::string("smart") : r.forward_path; };
  f.queue.reset();
  f.open();
  f.queue->start();
  f.add(to_all({"a@one.test", "b@two.test"}));
  smart = false;
  f.queue->look_again();
  std::set<std::string> got;
  for (int i = 0; i < 2; ++i) {
    Work work = f.next();
    got.insert(work.destination());
    Settlement done = all(work, State::delivered);
    EXPECT_TRUE(f.settle(std::move(work), std::move(done)));
  }
  EXPECT_EQ(got, (std::set<std::string>{"a@one.test", "b@two.test"}));
  f.expect_empty();
}

Task<> wait_for_work(Queue& queue, Errc& ended) {
  auto work = co_await queue.next();
  EXPECT_FALSE(work);
  ended = work.error().code;
}

TEST_P(QueueTest, ClosingWakesThoseWhoWait) {
  f.queue->start();
  ReactorPool reactors(1);
  reactors.start();
  TaskGroup group;
  Errc ended = Errc::io;
  group.spawn(reactors.at(0), wait_for_work(*f.queue, ended));
  std::this_thread::sleep_for(20ms);
  f.queue->close();
  run_task(group.join());
  reactors.stop();
  EXPECT_EQ(ended, Errc::cancelled);
  EXPECT_EQ(run_task(f.queue->next()).error().code, Errc::cancelled);
}

// Without start(), for commands.
TEST_P(QueueTest, ClosedQueuesCanBeLookedAt) {
  f.add(to_all({"bob@example.org"}));
  EXPECT_EQ(f.queue->stats().entries, 1u);
  EXPECT_EQ(run_task(f.queue->list({}, "", 100)).value().entries.size(), 1u);
  f.expect_clean();
}

}  // namespace
}  // namespace posthorn::queue
