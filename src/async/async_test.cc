#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "async/mutex.h"
#include "async/reactor.h"
#include "async/task_group.h"
#include "async/worker_pool.h"

namespace posthorn {
namespace {

Task<int> add_on_worker(WorkerPool& pool, int a, int b) {
  int sum = co_await pool.run([=] { return a + b; });
  co_return sum;
}

TEST(WorkerPool, GivesTheResultBackToTheCoroutine) {
  WorkerPool pool(2);
  EXPECT_EQ(run_task(add_on_worker(pool, 2, 3)), 5);
}

TEST(Reactor, HasSettledWhenWhatWasPostedHasRun) {
  ReactorPool reactors(1);
  reactors.start();
  int ran = 0;
  for (int i = 0; i < 100; ++i) reactors.at(0).post([&ran] { ++ran; });
  ASSERT_TRUE(reactors.at(0).settle(std::chrono::seconds(60)));
  EXPECT_EQ(ran, 100);
}

Task<> count_under(AsyncMutex& mutex, WorkerPool& pool, int& inside, int& total) {
  auto guard = co_await mutex.lock();
  EXPECT_EQ(inside++, 0);
  co_await pool.run([] {});  // let others try
  --inside;
  ++total;
}

Task<> run_many(TaskGroup& group, AsyncMutex& mutex, WorkerPool& pool, int& inside, int& total) {
  for (int i = 0; i < 100; ++i) group.spawn(Reactor::current(), count_under(mutex, pool, inside, total));
  co_await group.join();
}

TEST(AsyncMutex, LetsOneInAtATime) {
  WorkerPool pool(2);
  AsyncMutex mutex;
  TaskGroup group;
  int inside = 0, total = 0;
  run_task(run_many(group, mutex, pool, inside, total));
  EXPECT_EQ(total, 100);
}

Task<> lock_and_count(AsyncMutex& mutex, int& unguarded, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    auto guard = co_await mutex.lock();
    ++unguarded;
  }
}

TEST(AsyncMutex, WorksAcrossReactors) {
  ReactorPool reactors(3);
  reactors.start();
  AsyncMutex mutex;
  TaskGroup group;
  int count = 0;
  for (std::size_t i = 0; i < 3; ++i)
    for (int k = 0; k < 4; ++k) group.spawn(reactors.at(i), lock_and_count(mutex, count, 500));
  run_task(group.join());
  EXPECT_EQ(count, 6000);
}

TEST(TimerWheel, FiresNoEarlierThanTheDeadline) {
  TimerWheel wheel;
  auto now = std::chrono::steady_clock::now();
  struct Shot {
    Alarm alarm;
    int fired = 0;
  };
  std::vector<Shot> shots(3);
  auto fire = [](void* s) { ++static_cast<Shot*>(s)->fired; };
  wheel.arm(shots[0].alarm, now + std::chrono::milliseconds(250), fire, &shots[0]);
  wheel.arm(shots[1].alarm, now + std::chrono::hours(2), fire, &shots[1]);  // many turns of the wheel away
  wheel.arm(shots[2].alarm, now + std::chrono::milliseconds(250), fire, &shots[2]);
  shots[2].alarm.disarm();
  wheel.advance(now + std::chrono::milliseconds(200));
  EXPECT_EQ(shots[0].fired, 0);
  wheel.advance(now + std::chrono::milliseconds(500));
  EXPECT_EQ(shots[0].fired, 1);
  wheel.advance(now + std::chrono::hours(1));
  EXPECT_EQ(shots[1].fired, 0);
  wheel.advance(now + std::chrono::hours(2) + std::chrono::seconds(1));
  EXPECT_EQ(shots[1].fired, 1);
  EXPECT_EQ(shots[2].fired, 0);
}

}  // namespace
}  // namespace posthorn
