// The clock is set, while the queue runs and while it does not.
#include <gtest/gtest.h>

#include "queue/queue_testing.h"

namespace posthorn::queue {
namespace {

using namespace std::chrono_literals;

const SysTime kStart{std::chrono::milliseconds(1'800'000'000'000)};

class ClockTest : public ::testing::Test {
 protected:
  ClockTest() {
    f.queue.reset();
    f.open();
    f.queue->start();
  }
  void put_off(std::chrono::milliseconds wait) {
    Work work = f.next();
    Settlement s = later(work, wait);
    EXPECT_TRUE(f.settle(std::move(work), std::move(s)));
  }
  void deliver() {
    Work work = f.next();
    Settlement s = all(work, State::delivered);
    EXPECT_TRUE(f.settle(std::move(work), std::move(s)));
  }
  // Nothing comes, as far as can be seen.
  void expect_nothing(const std::string& destination = "example.org") {
    f.queue->look_again();
    std::this_thread::sleep_for(30ms);
    EXPECT_FALSE(f.next_of(destination));
  }
  ManualClock clock{kStart};
  QueueFixture f;
};

TEST_F(ClockTest, DueTimesAreKept) {
  f.add(to_all({"bob@example.org"}));
  put_off(1h);
  clock.advance(59min);
  expect_nothing();
  clock.advance(1min);
  f.queue->look_again();
  deliver();
  f.expect_empty();
}

// It would wait for a year and an hour.
TEST_F(ClockTest, SetBackWhileItRuns) {
  f.add(to_all({"bob@example.org"}));
  put_off(1h);
  f.add(to_all({"carol@example.net"}));
  Entry held;
  held.options.hold_until = now() + 2h;
  f.add(to_all({"dave@example.com"}), held);
  clock.set_wall(kStart - std::chrono::years(1));
  f.queue->look_again();
  deliver();  // carol's, which is in memory
  EXPECT_TRUE(f.eventually([&] {
    const auto page = run_task(f.queue->list({.recipient_domain = "example.org"}, "", 100)).value();
    return page.entries.at(0).next < now() + 10min;
  }));
  f.expect_clean();
  clock.advance(10min);
  f.queue->look_again();
  deliver();
  // What its sender wants to be late stays so.
  expect_nothing("example.com");
  EXPECT_EQ(run_task(f.queue->list({}, "", 100)).value().entries.at(0).next, *held.options.hold_until);
}

TEST_F(ClockTest, SetBackWhileItDoesNot) {
  f.add(to_all({"bob@example.org"}));
  put_off(1h);
  f.add(to_all({"carol@example.net"}));
  f.queue->close();
  clock.set_wall(kStart - std::chrono::years(1));
  f.restart();
  EXPECT_TRUE(f.eventually([&] {
    const auto page = run_task(f.queue->list({}, "", 100)).value();
    return page.entries.size() == 2 && page.entries[0].next < now() + 10min && page.entries[1].next < now() + 10min;
  }));
  clock.advance(10min);
  f.queue->look_again();
  deliver();
  deliver();
  f.expect_empty();
}

// Everything is due at once: it comes, and that is all.
TEST_F(ClockTest, SetAhead) {
  for (int i = 0; i < 20; ++i) {
    f.add(to_all({"u" + std::to_string(i) + "@example.org"}));
    put_off(1h);
  }
  clock.set_wall(kStart + std::chrono::years(30));
  f.queue->look_again();
  for (int i = 0; i < 20; ++i) deliver();
  f.expect_empty();
}

// A backlog whose mark lies in the future now.
TEST_F(ClockTest, SetBackWithABacklog) {
  f.options.max_in_memory = 32;
  f.options.limits = [](const std::string&) { return Limits{.concurrency = 1}; };
  f.restart();
  for (int i = 0; i < 60; ++i) f.add(to_all({"u" + std::to_string(i) + "@example.org"}));
  EXPECT_TRUE(f.eventually([&] { return f.rows(kBacklogRow) > 20; }));
  f.queue->close();
  clock.set_wall(kStart - std::chrono::years(1));
  f.restart();
  f.expect_clean();
  for (int i = 0; i < 60; ++i) {
    clock.advance(1min);
    f.queue->look_again();
    deliver();
  }
  EXPECT_TRUE(f.eventually([&] { return f.rows(kDueRow) == 0; }));
  f.expect_empty();
}

}  // namespace
}  // namespace posthorn::queue
