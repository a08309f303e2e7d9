#include "queue/window.h"

#include <gtest/gtest.h>

#include <map>

namespace posthorn::queue {
namespace {

using namespace std::chrono_literals;

const SteadyTime kNow{1'000'000ms};
SysTime at(int ms) { return SysTime(std::chrono::milliseconds(ms)); }

struct Filled {
  explicit Filled(std::size_t max = 1000, Limits limits = {.concurrency = 2}) : w(max, 100, [limits](const std::string&) { return limits; }) {}
  Item& add(const std::string& destination, int due = 0, int priority = 0) {
    Destination& d = w.destination(destination);
    Item& item = w.add({EntryId(++last), 0}, d, at(due), priority, Item::State::ready);
    w.update(d, kNow);
    return item;
  }
  std::string take(SteadyTime now = kNow) {
    Item* item = w.take(now);
    if (!item) return "-";
    taken.push_back(item);
    return item->destination->key + std::to_string(item->due.time_since_epoch().count());
  }
  void give(std::size_t i) {
    Destination& d = *taken[i]->destination;
    w.forget(*taken[i]);
    w.update(d, kNow);
  }
  Window w;
  std::uint64_t last = 0;
  std::vector<Item*> taken;
};

TEST(Window, TakesTurnsAndKeepsLimits) {
  Filled t;
  for (int i = 0; i < 5; ++i) t.add("a", i);
  for (int i = 0; i < 2; ++i) t.add("b", i);
  EXPECT_EQ(t.take() + t.take() + t.take() + t.take() + t.take(), "a0b0a1b1-");
  t.give(0);
  EXPECT_EQ(t.take() + t.take(), "a2-");
  EXPECT_EQ(t.w.taken(), 4u);
  EXPECT_EQ(t.w.ready(), 2u);
  // For somebody who wants this one only.
  t.give(2);
  EXPECT_EQ(t.w.take_of("b", kNow), nullptr);
  EXPECT_NE(t.w.take_of("a", kNow), nullptr);
  EXPECT_EQ(t.w.take_of("a", kNow), nullptr);
}

TEST(Window, PrioritiesThenAges) {
  Filled t(1000, {.concurrency = 10});
  t.add("a", 5);
  t.add("a", 3);
  t.add("a", 9, 4);
  t.add("a", 1, -4);
  EXPECT_EQ(t.take() + t.take() + t.take() + t.take(), "a9a3a5a1");
}

TEST(Window, Pauses) {
  Filled t;
  t.add("a");
  Destination& d = t.w.destination("a");
  d.limits.not_before = kNow + 5s;
  t.w.update(d, kNow);
  EXPECT_EQ(t.take(), "-");
  EXPECT_EQ(t.w.wake_paused(kNow), kNow + 5s);
  EXPECT_EQ(t.take(kNow + 5s), "a0");
  EXPECT_EQ(t.w.wake_paused(kNow + 5s), std::nullopt);
}

TEST(Window, ForgetsWhatNothingKeeps) {
  Filled t;
  t.add("a");
  EXPECT_EQ(t.w.destinations(), 1u);
  t.take();
  t.give(0);
  EXPECT_EQ(t.w.destinations(), 0u);
  EXPECT_EQ(t.w.items(), 0u);
}

// However many take nothing, and in whichever order they come, there is room for one more.
TEST(Window, ASharesShrinksWithTheRoom) {
  Filled t;
  std::map<std::string, int> got;
  for (int i = 0; i < 100; ++i)
    for (int j = 0; j < 100; ++j) {
      const std::string key = "d" + std::to_string(i);
      if (!t.w.has_room(t.w.destination(key)) || t.w.is_tight()) continue;
      t.add(key);
      ++got[key];
    }
  EXPECT_EQ(got["d0"], 100);
  EXPECT_LT(got["d5"], 100);
  EXPECT_GE(t.w.room(), 1000u / 16 - 1);
  // Those who have as much under way as they may are asked to give.
  for (int i = 0; i < 4; ++i) t.take();
  Destination* fattest = t.w.fattest_blocked();
  EXPECT_EQ(fattest, nullptr);  // turns: one each
  for (int i = 0; i < 200; ++i) t.take();
  fattest = t.w.fattest_blocked();
  ASSERT_NE(fattest, nullptr);
  EXPECT_EQ(fattest->ready.size(), 98u);
  EXPECT_GT(fattest->ready.size(), t.w.fair_share());
}

TEST(Window, ChoresOfBacklogs) {
  Filled t;
  t.add("a");
  Destination& d = t.w.destination("a");
  EXPECT_EQ(t.w.chore_of(d, kNow), Window::Chore::none);
  d.has_backlog = d.unread = true;
  t.take();
  EXPECT_EQ(t.w.chore_of(d, kNow), Window::Chore::read);
  EXPECT_EQ(t.w.take_chore(), "a");
  d.unread = false;
  EXPECT_EQ(t.w.chore_of(d, kNow), Window::Chore::unmark);
  d.backlog_items = 1;
  EXPECT_EQ(t.w.chore_of(d, kNow), Window::Chore::none);
  d.backlog_items = 0;
  d.limits.not_before = kNow + 1h;
  EXPECT_EQ(t.w.chore_of(d, kNow), Window::Chore::none);  // somebody is at work
  t.give(0);
  EXPECT_EQ(t.w.chore_of(d, kNow), Window::Chore::park);
  d.has_backlog = false;
}

TEST(Window, LeasesThatAreOver) {
  Filled t;
  Item& item = t.add("a");
  t.take();
  const auto present = std::chrono::steady_clock::now();
  EXPECT_EQ(t.w.late(present), 0u);
  item.lease = present - 1s;
  EXPECT_EQ(t.w.late(present), 1u);
}

}  // namespace
}  // namespace posthorn::queue
