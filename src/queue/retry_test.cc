#include "queue/retry.h"

#include <gtest/gtest.h>

#include "queue/settings.h"

namespace posthorn::queue {
namespace {

using namespace std::chrono_literals;

const SysTime kStart{std::chrono::milliseconds(1'800'000'000'000)};
const RetryPolicy kDefault{.first = 3min, .max = 2h, .lifetime = 120h, .delay_warning = 4h};
constexpr double kMiddle = 0.5;  // no jitter

Entry entry_of(SysTime arrival) {
  Entry e;
  e.arrival = arrival;
  return e;
}

TEST(Retry, StepsGrowAndThenStay) {
  const std::chrono::minutes wanted[] = {3min, 6min, 12min, 24min, 48min, 96min, 2h, 2h, 2h};
  std::uint32_t attempts = 0;
  for (const auto minutes : wanted) {
    const auto d = decide(kDefault, entry_of(kStart), ++attempts, kStart + 1min, kMiddle);
    EXPECT_EQ(d.what, Decision::What::retry);
    EXPECT_EQ(d.next - (kStart + 1min), minutes) << attempts;
  }
  EXPECT_EQ(step(kDefault, 4'000'000'000, kMiddle), 2h);
}

TEST(Retry, JitterSpreadsByAFifthToBothSides) {
  EXPECT_EQ(step(kDefault, 1, 0), 144s);
  EXPECT_EQ(step(kDefault, 1, 1), 216s);
  EXPECT_EQ(step({.first = 0s, .max = 0s}, 1, 0), 1s);  // never at once: a loop would eat the machine
}

// The whole life of a message that nobody takes.
struct Life {
  std::uint32_t attempts = 0;
  std::chrono::milliseconds age{};
  std::chrono::milliseconds warned_at{};
};
Life live(const RetryPolicy& policy, const Entry& entry, double random) {
  Life life;
  for (SysTime now = entry.arrival;;) {
    ++life.attempts;
    const auto d = decide(policy, entry, life.attempts, now, random);
    life.age = now - entry.arrival;
    if (d.warn && life.warned_at == 0ms) life.warned_at = life.age;
    if (d.what == Decision::What::expire) return life;
    EXPECT_GT(d.next, now);
    now = d.next;
  }
}

TEST(Retry, ExpiresAtTheEndOfItsLife) {
  for (double random : {0.0, 0.5, 0.999}) {
    const Life life = live(kDefault, entry_of(kStart), random);
    EXPECT_EQ(life.age, 120h);  // with a last attempt just then
    EXPECT_GT(life.attempts, 50u);
    EXPECT_GE(life.warned_at, 4h);
    EXPECT_LE(life.warned_at, 7h);
  }
  RetryPolicy shortlived = kDefault;
  shortlived.lifetime = 10min;
  for (double random : {0.0, 0.5, 0.999}) EXPECT_EQ(live(shortlived, entry_of(kStart), random).age, 10min);
  shortlived.lifetime = 1s;
  EXPECT_EQ(live(shortlived, entry_of(kStart), kMiddle).attempts, 2u);
}

TEST(Retry, NoWarningWhenThereShallBeNone) {
  RetryPolicy policy = kDefault;
  policy.delay_warning = 0s;
  EXPECT_EQ(live(policy, entry_of(kStart), kMiddle).warned_at, 0ms);
}

// The clock was wrong when the message came, or the server was switched off for a week.
TEST(Retry, AJumpAheadDoesNotExpireAtOnce) {
  const SysTime later = kStart + std::chrono::years(30);
  SysTime now = later;
  std::uint32_t attempts = 1;
  while (decide(kDefault, entry_of(kStart), attempts, now, kMiddle).what == Decision::What::retry) {
    now = decide(kDefault, entry_of(kStart), attempts, now, kMiddle).next;
    ++attempts;
  }
  EXPECT_EQ(attempts, kAttemptsBeforeExpiry);
  EXPECT_EQ(now - later, 93min);
}

TEST(Retry, AnEntryOfTheFutureIsNew) {
  const auto d = decide(kDefault, entry_of(kStart + 24h), 1, kStart, kMiddle);
  EXPECT_EQ(d, (Decision{.next = kStart + 3min}));
}

TEST(Retry, HeldBackBySenderIsYoung) {
  Entry e = entry_of(kStart);
  e.options.hold_until = kStart + 240h;
  const auto d = decide(kDefault, e, 1, kStart + 240h, kMiddle);
  EXPECT_EQ(d, (Decision{.next = kStart + 240h + 3min}));
}

// [RFC2852 4.1.4]
TEST(Retry, DeliverBy) {
  Entry e = entry_of(kStart);
  e.options.deliver_by = DeliverBy{.by = kStart + 5min, .return_if_late = true};
  EXPECT_EQ(decide(kDefault, e, 2, kStart + 3min, kMiddle).next, kStart + 5min);  // not later than that
  EXPECT_EQ(decide(kDefault, e, 3, kStart + 5min, kMiddle).what, Decision::What::expire);
  e.options.deliver_by->return_if_late = false;
  EXPECT_EQ(decide(kDefault, e, 2, kStart + 3min, kMiddle), (Decision{.next = kStart + 5min}));
  EXPECT_EQ(decide(kDefault, e, 3, kStart + 5min, kMiddle), (Decision{.next = kStart + 17min, .warn = true}));
}

TEST(Retry, SettingsAndWhatIsSaidOfSomeDomains) {
  const auto policy = RetryPolicy::from_settings();
  EXPECT_EQ(policy.first, 3min);
  EXPECT_EQ(policy.lifetime, 120h);
  const auto other = RetryOverrides{.lifetime = 1h}.over(policy);
  EXPECT_EQ(other.first, policy.first);
  EXPECT_EQ(other.lifetime, 1h);
}

}  // namespace
}  // namespace posthorn::queue
