#include "delivery/pace.h"

#include <gtest/gtest.h>

namespace posthorn::delivery {
namespace {

using namespace std::chrono_literals;

// Times of the tests, from an hour on.
SteadyTime at(std::chrono::milliseconds t) { return SteadyTime(3600s + t); }

TEST(Pace, GrowsWithSuccessUpToTheMost) {
  Pace pace({});
  EXPECT_EQ(pace.limits().concurrency, 5u);
  for (int i = 0; i < 6; ++i) pace.succeeded(at(1s));
  EXPECT_EQ(pace.limits().concurrency, 6u);
  for (int i = 0; i < 1000; ++i) pace.succeeded(at(2s));
  EXPECT_EQ(pace.limits().concurrency, 20u);
  EXPECT_TRUE(pace.is_fresh(at(2s)));
}

TEST(Pace, SlowsDownOnceForAttemptsOfTheSameTime) {
  Pace pace({});
  for (int i = 0; i < 1000; ++i) pace.succeeded(at(0s));
  pace.slowed(at(0s), at(10s));
  EXPECT_EQ(pace.limits().concurrency, 10u);
  EXPECT_EQ(pace.limits().not_before, at(15s));
  pace.slowed(at(9s), at(11s));  // began before the first answer came
  EXPECT_EQ(pace.limits().concurrency, 10u);
  pace.slowed(at(16s), at(17s));
  EXPECT_EQ(pace.limits().concurrency, 5u);
  EXPECT_EQ(pace.limits().not_before, at(27s));  // twice as long
}

TEST(Pace, RecoversSlowly) {
  Pace pace({});
  pace.slowed(at(0s), at(1s));
  EXPECT_EQ(pace.limits().concurrency, 2u);
  for (int i = 0; i < 1000; ++i) pace.succeeded(at(20s));
  EXPECT_EQ(pace.limits().concurrency, 2u) << "not before it has been calm for a while";
  for (int i = 0; i < 1000; ++i) pace.succeeded(at(40s));
  EXPECT_EQ(pace.limits().concurrency, 20u);
}

TEST(Pace, GivesADeadDestinationOneAttemptAtATime) {
  Pace pace({});
  pace.unreachable(at(0s), at(30s), 180s);
  EXPECT_TRUE(pace.is_dead());
  EXPECT_EQ(pace.limits().concurrency, 1u);
  EXPECT_EQ(pace.limits().not_before, at(210s));
  pace.unreachable(at(1s), at(31s), 360s);  // of the same time
  EXPECT_EQ(pace.failures(), 1u);
  pace.unreachable(at(210s), at(240s), 360s);
  EXPECT_EQ(pace.failures(), 2u);
  EXPECT_EQ(pace.limits().not_before, at(600s));
  pace.succeeded(at(601s));
  EXPECT_FALSE(pace.is_dead());
  EXPECT_EQ(pace.limits().concurrency, 2u);
  EXPECT_EQ(pace.limits().not_before, SteadyTime{});
}

TEST(Pace, OneLostAttemptAmongGoodOnesIsNoDeath) {
  Pace pace({});
  pace.succeeded(at(5s));
  pace.unreachable(at(1s), at(31s), 180s);
  EXPECT_FALSE(pace.is_dead());
  EXPECT_EQ(pace.limits().concurrency, 2u);
}

TEST(Paces, KeepsDestinationsApart) {
  ManualClock clock{SysTime(1'800'000'000s)};
  Paces paces;
  const auto usual = paces.limits("good.example");
  paces.unreachable("dead.example", steady_now(), queue::RetryPolicy::from_settings(), 0.5);
  EXPECT_TRUE(paces.is_dead("dead.example"));
  EXPECT_EQ(paces.limits("dead.example").concurrency, 1u);
  EXPECT_EQ(paces.limits("good.example").concurrency, usual.concurrency);
  EXPECT_EQ(paces.limits("good.example").not_before, SteadyTime{});
}

}  // namespace
}  // namespace posthorn::delivery
