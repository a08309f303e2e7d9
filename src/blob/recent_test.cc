#include "blob/recent.h"

#include <gtest/gtest.h>

namespace posthorn::blob {
namespace {

TEST(RecentBlobs, KeepNothingWithoutABudget) {
  RecentBlobs recent;
  recent.put(MessageId(1), "bytes");
  EXPECT_EQ(recent.find(MessageId(1)), nullptr);
}

TEST(RecentBlobs, TheOldestGoFirst) {
  RecentBlobs recent;
  recent.set_budget(64 << 10);
  for (std::uint64_t i = 1; i <= 100; ++i) recent.put(MessageId(i), std::string(3000, 'x'));
  EXPECT_EQ(recent.find(MessageId(1)), nullptr);
  EXPECT_EQ(recent.find(MessageId(80)), nullptr);  // 20 of 3,128 bytes are in 64 KiB
  for (std::uint64_t i = 81; i <= 100; ++i) ASSERT_NE(recent.find(MessageId(i)), nullptr) << i;
  EXPECT_EQ(recent.find(MessageId(100))->size(), 3000u);
}

TEST(RecentBlobs, ALongOneIsNotKept) {
  RecentBlobs recent;
  recent.set_budget(64 << 10);
  recent.put(MessageId(1), std::string(5000, 'x'));
  EXPECT_EQ(recent.find(MessageId(1)), nullptr);
}

TEST(RecentBlobs, WhatIsErasedMakesRoom) {
  RecentBlobs recent;
  recent.set_budget(64 << 10);
  for (std::uint64_t i = 1; i <= 20; ++i) recent.put(MessageId(i), std::string(3000, 'x'));
  for (std::uint64_t i = 1; i <= 20; i += 2) recent.erase(MessageId(i));
  for (std::uint64_t i = 21; i <= 30; ++i) recent.put(MessageId(i), std::string(3000, 'x'));
  for (std::uint64_t i = 1; i <= 30; ++i) EXPECT_EQ(recent.find(MessageId(i)) != nullptr, i > 20 || i % 2 == 0) << i;
}

TEST(RecentBlobs, AnOldOneThatStaysDoesNotMakeTheListOfTheOthersGrow) {
  RecentBlobs recent;
  recent.set_budget(64 << 10);
  recent.put(MessageId(1), "stays");
  for (std::uint64_t i = 2; i < 10'000; ++i) {
    recent.put(MessageId(i), "goes");
    recent.erase(MessageId(i));
    ASSERT_LE(recent.names_kept(), 1100u);
  }
  EXPECT_NE(recent.find(MessageId(1)), nullptr);
}

TEST(RecentBlobs, WhatIsBeingReadOutlivesItsPlace) {
  RecentBlobs recent;
  recent.set_budget(64 << 10);
  recent.put(MessageId(1), "bytes");
  const auto bytes = recent.find(MessageId(1));
  recent.erase(MessageId(1));
  EXPECT_EQ(*bytes, "bytes");
}

}  // namespace
}  // namespace posthorn::blob
