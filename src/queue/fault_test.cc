// Crashes at every commit of an entry's life, and commits that fail: nothing acknowledged is lost, nobody settled is tried again, a report
// exists once if and only if what it reports does.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "async/task_group.h"
#include "queue/queue_testing.h"

namespace posthorn::queue {
namespace {

using namespace std::chrono_literals;

// What those outside of the queue know: who sent, who was answered, who got something.
struct World {
  std::mutex mutex;
  std::set<std::string> acknowledged;           // recipients of messages that add() has taken
  std::set<std::string> tried_final, final;     // a settlement that makes them final was begun; was acknowledged
  std::map<std::string, int> attempts;          // of each recipient
  std::map<std::string, std::set<EntryId>> bounces;  // about a recipient: the messages that came
};

std::string local_part(const std::string& path) { return path.substr(0, path.find('@')); }

// What becomes of each recipient says his name.  "bounce-x": a report about x, to the sender.
Settlement decide_by_name(QueueFixture& f, World& world, const Work& work) {
  Settlement s;
  bool wait = false;
  std::lock_guard hold(world.mutex);
  for (std::size_t i = 0; i < work.recipients().size(); ++i) {
    const Recipient& r = work.recipients()[i];
    const std::string who = local_part(r.forward_path);
    const auto bounce = [&] { s.messages.push_back(f.message(to_all({"bounce-" + who + "@home.test"}))); };
    if (r.state != State::waiting) {
      if (!r.owed) continue;
      s.outcomes.push_back({.recipient = i, .state = r.state});
      bounce();
      world.tried_final.insert(who);
      continue;
    }
    ++world.attempts[who];
    if (who.starts_with("bounce-")) world.bounces[who.substr(7)].insert(work.blob());
    State state = State::delivered;
    bool owed = false;
    if (who.starts_with("slow") && work.attempts() < 2) state = State::waiting;
    if (who.starts_with("fail")) state = State::failed;
    if (who.starts_with("owe")) state = State::failed, owed = true;
    if (state == State::waiting) wait = true;
    else if (!owed) world.tried_final.insert(who);
    if (state == State::failed && !owed) bounce();
    s.outcomes.push_back({.recipient = i, .state = state, .answer = said(250, who), .owed = owed});
  }
  if (wait) s.next = now();
  return s;
}

void note_settled(World& world, const std::vector<Recipient>& recipients, const Settlement& s) {
  std::lock_guard hold(world.mutex);
  for (const auto& o : s.outcomes)
    if (o.state != State::waiting && !o.owed) world.final.insert(local_part(recipients[o.recipient].forward_path));
}

// Works until the queue is closed.
Task<> work_on(QueueFixture& f, World& world) {
  for (;;) {
    auto work = co_await f.queue->next();
    if (!work && work.error().code == Errc::cancelled) co_return;
    if (!work) continue;
    Settlement s = decide_by_name(f, world, *work);
    Settlement copy{.outcomes = s.outcomes};
    const auto recipients = work->recipients();
    auto settled = co_await f.queue->settle(*std::move(work), std::move(s));
    if (settled) note_settled(world, recipients, copy);
  }
}

Task<> send(QueueFixture& f, World& world, std::vector<std::string> names) {
  std::vector<std::string> paths;
  for (const auto& name : names) paths.push_back(name + "@" + name.substr(0, 4) + ".test");
  Entry entry;
  entry.reverse_path = "ann@home.test";
  auto id = co_await f.add_task(to_all(paths), std::move(entry), kMessage);
  if (!id) co_return;
  std::lock_guard hold(world.mutex);
  world.acknowledged.insert(names.begin(), names.end());
}

const std::vector<std::vector<std::string>> kMessages = {
    {"good1", "good2", "slow1", "fail1"}, {"slow2"}, {"owe1", "owe2"}, {"fail2", "good3"}, {"slow3", "slow4", "good4", "owe3", "fail3"}};

// State by name, of everything in the queue.
std::map<std::string, std::vector<Recipient>> in_queue(QueueFixture& f) {
  std::map<std::string, std::vector<Recipient>> out;
  for (const auto& listed : run_task(f.queue->list({}, "", 1000)).value().entries)
    for (const auto& shown : run_task(f.queue->show(listed.id, "")).value().groups)
      for (const auto& r : shown.group.recipients) out[local_part(r.forward_path)].push_back(r);
  return out;
}

// What must hold of the state that a crash has left, before anything goes on.
void expect_consistent(QueueFixture& f, World& world) {
  f.expect_clean();
  const auto found = in_queue(f);
  const auto waits = [&found](const std::string& who) {
    const auto it = found.find(who);
    return it != found.end() && it->second.front().state == State::waiting;
  };
  for (const auto& [who, list] : found) EXPECT_EQ(list.size(), 1u) << who << " is there twice";
  for (const auto& who : world.acknowledged) EXPECT_TRUE(found.contains(who) || world.tried_final.contains(who)) << who << " is lost";
  for (const auto& who : world.final) EXPECT_FALSE(waits(who)) << who << " would be tried again";
  // Settled, though the crash came before those who settled it heard of that.
  for (const auto& who : world.acknowledged)
    if (!found.contains(who)) world.final.insert(who);
  for (const auto& who : world.acknowledged) {
    if (!who.starts_with("fail")) continue;
    const bool reported = found.contains("bounce-" + who) || world.bounces.contains(who);
    EXPECT_NE(reported, waits(who)) << who;  // one or the other
  }
}

// Works until nothing is left, and looks at what the world has got.
void finish(QueueFixture& f, World& world) {
  ReactorPool reactors(1);
  reactors.start();
  TaskGroup group;
  group.spawn(reactors.at(0), work_on(f, world));
  EXPECT_TRUE(f.eventually([&] { return f.queue->stats().groups == 0 && f.rows(kEntryRow) == 0; }));
  f.queue->close();
  run_task(group.join());
  reactors.stop();
  f.expect_empty();
  for (const auto& who : world.acknowledged) {
    EXPECT_TRUE(world.final.contains(who)) << who;
    EXPECT_GE(world.attempts[who], 1) << who;
    if (who.starts_with("fail") || who.starts_with("owe")) EXPECT_EQ(world.bounces[who].size(), 1u) << who;
  }
}

// Runs everything, with all writes failing from the nth on: that one before it is written, or behind.  False: there were fewer.
bool run_until_crash(unsigned nth, bool written) {
  QueueFixture f;
  World world;
  std::atomic<unsigned> count = 0;
  std::atomic<bool> crashed = false;
  const auto die = [&](const kv::Batch&) -> Result<void> {
    if (crashed) return fail(Errc::io, "crashed");
    return {};
  };
  const auto strike = [&](const kv::Batch&) -> Result<void> {
    if (++count < nth) return {};
    crashed = true;
    return fail(Errc::io, "crashed");
  };
  kv::MemoryFaults faults{.before_commit = die};
  if (written) faults.after_commit = strike;
  else faults.before_commit = [&](const kv::Batch& b) { return crashed ? die(b) : strike(b); };
  f.memory().set_faults(faults);
  f.queue->start();
  {
    ReactorPool reactors(1);
    reactors.start();
    TaskGroup group;
    group.spawn(reactors.at(0), work_on(f, world));
    for (const auto& names : kMessages)
      if (!crashed) run_task(send(f, world, names));
    EXPECT_TRUE(f.eventually([&] { return crashed || (f.queue->stats().groups == 0 && f.rows(kEntryRow) == 0); }));
    f.queue->close();
    run_task(group.join());
    reactors.stop();
  }
  f.crash();
  {
    SCOPED_TRACE("crash at " + std::to_string(nth) + (written ? " after" : " before"));
    std::lock_guard hold(world.mutex);
    expect_consistent(f, world);
  }
  finish(f, world);
  return crashed;
}

TEST(QueueFaults, ACrashAtAnyCommitLosesAndDoublesNothing) {
  for (bool written : {false, true})
    for (unsigned nth = 1; run_until_crash(nth, written) && !::testing::Test::HasFailure(); ++nth) ASSERT_LT(nth, 200u);
}

// Commits that fail now and then, and go on: those who are at work wait, and nobody is tried twice.
TEST(QueueFaults, ASettlementIsTriedUntilItSucceeds) {
  for (const auto& [each, written] : {std::pair(3u, false), std::pair(4u, true)}) {
    QueueFixture f;
    World world;
    std::atomic<unsigned> count = 0;
    const auto fault = [&count, each, written](const kv::Batch& batch) -> Result<void> {
      for (const auto& op : batch.ops())
        if (op.kind == kv::Batch::Kind::put && op.space == kv::Space::blob) return {};  // what is sent is taken at once
      if (++count % each) return {};
      return fail(written ? Errc::io : Errc::no_space, "injected");
    };
    std::atomic<unsigned> scans = 0;
    kv::MemoryFaults faults = written ? kv::MemoryFaults{.after_commit = fault} : kv::MemoryFaults{.before_commit = fault};
    // Is it the last group of its entry?
    faults.before_scan = [&scans](const kv::Range& range) -> Result<void> {
      if (range.direction == kv::Direction::forward || ++scans % 2) return {};
      return fail(Errc::io, "injected");
    };
    f.memory().set_faults(faults);
    f.queue->start();
    ReactorPool reactors(2);
    reactors.start();
    TaskGroup group;
    for (std::size_t i = 0; i < 8; ++i) group.spawn(reactors.at(i % 2), work_on(f, world));
    for (const auto& names : kMessages) run_task(send(f, world, names));
    EXPECT_TRUE(f.eventually([&] { return f.queue->stats().groups == 0 && f.rows(kEntryRow) == 0; }));
    f.queue->close();
    run_task(group.join());
    reactors.stop();
    f.memory().set_faults({});
    f.expect_empty();
    EXPECT_EQ(world.acknowledged.size(), 14u);
    for (const auto& who : world.acknowledged) EXPECT_EQ(world.attempts[who], who.starts_with("slow") ? 3 : 1) << who;
  }
}

// Whoever takes a message does not know whether it was taken: it is found, if it was.
TEST(QueueFaults, AnEntryOfUnknownFateIsFoundOrIsNot) {
  for (bool written : {false, true}) {
    QueueFixture f;
    f.queue->start();
    const auto fault = [](const kv::Batch&) -> Result<void> { return fail(Errc::io, "injected"); };
    f.memory().set_faults(written ? kv::MemoryFaults{.after_commit = fault} : kv::MemoryFaults{.before_commit = fault});
    Entry entry;
    entry.reverse_path = "ann@home.test";
    EXPECT_FALSE(run_task(f.add_task(to_all({"bob@example.org"}), entry, kMessage)));
    f.memory().set_faults({});
    f.add(to_all({"carol@example.net"}));
    std::set<std::string> got;
    for (int i = 0; i < (written ? 2 : 1); ++i) {
      Work work = f.next();
      got.insert(work.destination());
      Settlement done = all(work, State::delivered);
      EXPECT_TRUE(f.settle(std::move(work), std::move(done)));
    }
    EXPECT_EQ(got.contains("example.org"), written);
    EXPECT_TRUE(got.contains("example.net"));
    f.expect_empty();
  }
}

// The disk is full while an outcome is to be written; then there is room.
TEST(QueueFaults, AFullDiskDelaysAnOutcome) {
  QueueFixture f;
  f.queue->start();
  f.add(to_all({"bob@example.org"}));
  Work work = f.next();
  std::atomic<int> refused = 0;
  f.memory().set_faults({.before_commit = [&refused](const kv::Batch&) -> Result<void> {
    if (++refused > 3) return {};
    return fail(Errc::no_space, "full");
  }});
  Settlement done = all(work, State::delivered);
  EXPECT_TRUE(f.settle(std::move(work), std::move(done)));
  EXPECT_GT(refused, 3);
  f.memory().set_faults({});
  f.expect_empty();
}

}  // namespace
}  // namespace posthorn::queue
