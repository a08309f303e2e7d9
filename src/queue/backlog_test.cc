// Many due messages, destinations that take nothing, and a bounded memory.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <set>

#include "async/task_group.h"
#include "queue/queue_testing.h"

namespace posthorn::queue {
namespace {

using namespace std::chrono_literals;

class BacklogTest : public ::testing::Test {
 protected:
  void open(std::size_t in_memory, Limits limits = {.concurrency = 3}) {
    f.options.max_in_memory = in_memory;
    f.options.limits = [limits](const std::string&) { return limits; };
    f.queue.reset();
    f.open();
  }
  void fill(const std::string& domain, int count) {
    for (int i = 0; i < count; ++i) f.add(to_all({"u" + std::to_string(i) + "@" + domain}));
  }
  // Takes work until none comes for a while; gives out is_dead's and keeps it, settles the others.
  QueueFixture f;
};

// Works on everything, except that it keeps what goes to destinations that begin with "dead".
struct Workers {
  std::atomic<int> delivered = 0;
  std::mutex mutex;
  std::vector<Work> kept;
  std::map<std::string, int> of;
  std::set<std::pair<EntryId, std::uint32_t>> seen;
  int doubled = 0;
};
Task<> work_on(Queue& queue, Workers& workers) {
  for (;;) {
    auto work = co_await queue.next();
    if (!work) co_return;
    bool keep = false;
    {
      std::lock_guard hold(workers.mutex);
      ++workers.of[work->destination()];
      workers.doubled += !workers.seen.insert({work->blob(), work->id().group}).second;
      keep = work->destination().starts_with("dead");
      if (keep) workers.kept.push_back(*std::move(work));
    }
    if (keep) continue;
    Settlement done = all(*work, State::delivered);
    auto settled = co_await queue.settle(*std::move(work), std::move(done));
    if (settled) ++workers.delivered;
  }
}

class Running {
 public:
  Running(Queue& queue, int count) : queue_(queue) {
    reactors_.start();
    for (int i = 0; i < count; ++i) group_.spawn(reactors_.at(static_cast<std::size_t>(i) % 2), work_on(queue, workers));
  }
  ~Running() {
    queue_.close();
    run_task(group_.join());
    reactors_.stop();
    workers.kept.clear();
  }
  Workers workers;

 private:
  Queue& queue_;
  ReactorPool reactors_{2};
  TaskGroup group_;
};

// The dead one has a thousand times the memory that it gets; the others come after it.
TEST_F(BacklogTest, ADeadDestinationHidesNobody) {
  open(64);
  fill("dead.test", 3000);
  for (int i = 0; i < 20; ++i) fill("d" + std::to_string(i) + ".test", 5);
  f.queue->start();
  {
    Running running(*f.queue, 8);
    EXPECT_TRUE(f.eventually([&] { return running.workers.delivered == 100; }));
    EXPECT_EQ(running.workers.of["dead.test"], 3);
    const Stats stats = f.queue->stats();
    EXPECT_LE(stats.ready + stats.taken, 64u);
    // And new ones find their way at once.
    fill("late.test", 30);
    EXPECT_TRUE(f.eventually([&] { return running.workers.delivered == 130; }));
  }
  EXPECT_GT(f.rows(kBacklogRow), 2900u);
  EXPECT_EQ(f.expect_clean().entries, 3000u);
}

// As many dead ones as memory holds groups.
TEST_F(BacklogTest, ManyDeadDestinationsHideNobody) {
  open(200, {.concurrency = 1});
  for (int i = 0; i < 50; ++i) fill("dead" + std::to_string(i) + ".test", 20);
  fill("good.test", 100);
  f.queue->start();
  {
    Running running(*f.queue, 4);
    EXPECT_TRUE(f.eventually([&] { return running.workers.delivered == 100; }));
    EXPECT_LE(f.queue->stats().ready + f.queue->stats().taken, 200u);
  }
  f.expect_clean();
}

// A slow one, that is not dead: its backlog is read piece by piece, and each is given out once.
TEST_F(BacklogTest, ABacklogIsWorkedOff) {
  open(100);
  fill("slow.test", 2000);
  fill("other.test", 10);
  f.queue->start();
  {
    Running running(*f.queue, 4);
    EXPECT_TRUE(f.eventually([&] { return running.workers.delivered >= 500; }));
    EXPECT_GT(f.rows(kBacklogRow), 0u);
    f.expect_clean();
    // While it is worked off more of it comes.
    fill("slow.test", 300);
    EXPECT_TRUE(f.eventually([&] { return running.workers.delivered == 2310; }));
    EXPECT_EQ(running.workers.doubled, 0);
    // The mark goes when the backlog is empty.
    EXPECT_TRUE(f.eventually([&] { return f.rows(kDueRow) == 0; }));
  }
  f.expect_empty();
}

TEST_F(BacklogTest, ABacklogOutlivesTheProcess) {
  open(64);
  fill("dead.test", 500);
  f.queue->start();
  EXPECT_TRUE(f.eventually([&] { return f.rows(kBacklogRow) > 400; }));
  f.crash();
  f.expect_clean();
  f.options.limits = [](const std::string&) { return Limits{.concurrency = 50}; };
  f.restart();
  {
    Running running(*f.queue, 8);
    EXPECT_TRUE(f.eventually([&] { return running.workers.of["dead.test"] == 50; }));
    f.queue->set_limits("dead.test", {.concurrency = 100});
    EXPECT_TRUE(f.eventually([&] { return running.workers.kept.size() == 64; }));  // memory is full of it: it is all there is
    EXPECT_EQ(running.workers.doubled, 0);
  }
  f.expect_clean();
}

TEST_F(BacklogTest, PrioritiesHoldInABacklog) {
  open(64, {.concurrency = 1});
  f.queue->start();
  fill("slow.test", 1);
  Work first = f.next();
  fill("slow.test", 300);
  EXPECT_TRUE(f.eventually([&] { return f.rows(kBacklogRow) > 0; }));
  Entry urgent;
  urgent.options.priority = 9;
  const EntryId id = f.add(to_all({"urgent@slow.test"}), urgent);
  // What is in memory comes before it, at most.
  int before = 0;
  for (Work work = std::move(first);; ++before) {
    const bool found = work.blob() == id;
    Settlement done = all(work, State::delivered);
    EXPECT_TRUE(f.settle(std::move(work), std::move(done)));
    if (found) break;
    ASSERT_LT(before, 100);
    work = f.next();
  }
}

TEST_F(BacklogTest, ALongPauseIsWaitedForOnDisk) {
  open(1000);
  fill("far.test", 50);
  fill("near.test", 5);
  f.queue->start();
  std::vector<Work> works;
  for (int i = 0; i < 3; ++i) {
    auto work = f.next_of("far.test");
    if (!work) {
      std::this_thread::sleep_for(10ms);
      --i;
      continue;
    }
    works.push_back(*std::move(work));
  }
  f.queue->set_limits("far.test", {.concurrency = 3, .not_before = steady_now() + 1h});
  for (Work& work : works) {
    Settlement s = later(work, 10min);
    EXPECT_TRUE(f.settle(std::move(work), std::move(s)));
  }
  works.clear();
  EXPECT_TRUE(f.eventually([&] { return f.rows(kBacklogRow) == 47; }));
  EXPECT_TRUE(f.eventually([&] { return f.queue->stats().destinations == 1; }));  // "near.test"
  f.expect_clean();
  // Whoever forgets it tells the queue again.
  f.options.limits = [](const std::string& d) { return Limits{.not_before = d == "far.test" ? steady_now() + 2s : SteadyTime{}}; };
  f.restart();
  EXPECT_FALSE(f.next_of("far.test"));
  for (int i = 0; i < 5; ++i) run_task(f.queue->settle(f.next(), {.outcomes = {{.recipient = 0, .state = State::delivered}}}));
  f.expect_clean();
}

// The end of a pause, as the mark on disk says it.
TEST_F(BacklogTest, APauseEnds) {
  ManualClock clock(SysTime(std::chrono::milliseconds(1'800'000'000'000)));
  std::atomic<bool> paused = true;
  f.options.limits = [&paused](const std::string&) { return Limits{.not_before = paused ? steady_now() + 10min : SteadyTime{}}; };
  f.queue.reset();
  f.open();
  fill("far.test", 10);
  f.queue->start();
  EXPECT_TRUE(f.eventually([&] { return f.rows(kBacklogRow) == 10 && f.queue->stats().destinations == 0; }));
  paused = false;
  clock.advance(9min);
  f.queue->look_again();
  std::this_thread::sleep_for(50ms);
  EXPECT_FALSE(f.next_of("far.test"));
  clock.advance(2min);
  f.queue->look_again();
  for (int i = 0; i < 10; ++i) run_task(f.queue->settle(f.next(), {.outcomes = {{.recipient = 0, .state = State::delivered}}}));
  EXPECT_TRUE(f.eventually([&] { return f.rows(kDueRow) == 0; }));
  f.expect_empty();
}

// Short pauses and rates.
TEST_F(BacklogTest, AShortPauseIsWaitedFor) {
  open(1000);
  f.queue->start();
  fill("rated.test", 2);
  Work first = f.next();
  const auto until = steady_now() + 500ms;
  f.queue->set_limits("rated.test", {.concurrency = 3, .not_before = until});
  EXPECT_FALSE(f.next_of("rated.test"));
  Work second = f.next();
  EXPECT_GE(steady_now(), until);
  EXPECT_EQ(f.rows(kBacklogRow), 0u);
}

// Commits of the background fail for a while: nothing is forgotten.
TEST_F(BacklogTest, TroubleInTheBackgroundPasses) {
  open(64);
  fill("dead.test", 300);
  fill("good.test", 20);
  std::atomic<int> count = 0;
  f.memory().set_faults({.before_commit = [&count](const kv::Batch&) -> Result<void> {
    if (++count <= 3) return fail(Errc::io, "injected");
    return {};
  }});
  f.queue->start();
  {
    Running running(*f.queue, 4);
    EXPECT_TRUE(f.eventually([&] { return running.workers.delivered == 20 && running.workers.of["dead.test"] == 3; }));
    EXPECT_EQ(running.workers.doubled, 0);
  }
  f.memory().set_faults({});
  f.crash();
  EXPECT_EQ(f.expect_clean().entries, 300u);
}

}  // namespace
}  // namespace posthorn::queue
