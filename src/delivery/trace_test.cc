// What is kept of messages' ways is found again, by message and by address, until it is too old.
#include "delivery/trace.h"

#include <gtest/gtest.h>

#include "async/reactor.h"
#include "kv/memory/memory_store.h"

namespace posthorn::delivery {
namespace {

using std::chrono::hours;

struct TraceTest : testing::Test {
  static TraceRecord record(std::uint64_t id, std::string to, std::string text = "happened") {
    return {.message = queue::EntryId(id),
            .when = now(),
            .reverse_path = "ann@example.test",
            .recipients = {std::move(to)},
            .lines = {{now(), DialogueLine::Kind::note, std::move(text)}}};
  }
  std::vector<TraceRecord> of(std::uint64_t id) { return run_task(trace.of_message(queue::EntryId(id))).value(); }
  std::size_t found(const std::string& address) { return run_task(trace.of_address(address)).value().size(); }

  ManualClock clock{SysTime(std::chrono::days(20'000))};
  kv::MemoryStore store;
  Trace trace{store};
};

TEST_F(TraceTest, MoreThanOnePieceIsWritten) {
  const auto count = 2 * Trace::kPiece + 7;
  for (std::uint64_t i = 1; i <= count; ++i) trace.add(record(i, "user" + std::to_string(i) + "@example.test"));
  run_task(trace.flush());
  for (std::uint64_t i = 1; i <= count; ++i) ASSERT_EQ(of(i).size(), 1u) << i;
  EXPECT_EQ(found("USER3@example.test"), 1u);
  EXPECT_EQ(found("ann@example.test"), Trace::kMaxFound);
  EXPECT_EQ(found("nobody@example.test"), 0u);
}

TEST_F(TraceTest, RecordsOfOneMessageStayInOrder) {
  for (const auto* text : {"one", "two", "three"}) trace.add(record(5, "bob@example.test", text));
  run_task(trace.flush());
  clock.advance(hours(1));
  trace.add(record(5, "bob@example.test", "four"));
  run_task(trace.flush());
  std::string all;
  for (const auto& r : of(5)) all += r.lines.at(0).text + ' ';
  EXPECT_EQ(all, "one two three four ");
  EXPECT_EQ(found("bob@example.test"), 1u);
}

TEST_F(TraceTest, RecordsOfOneSecondComeBackAsTheyWere) {
  auto first = record(7, "bob@example.test"), second = record(7, "bob@example.test", "again"), third = record(7, "carol@example.test");
  second.when += std::chrono::milliseconds(40);
  third.reverse_path.clear();
  for (const auto& r : {first, record(8, "dan@example.test"), second, third}) trace.add(r);
  run_task(trace.flush());
  EXPECT_EQ(of(7), (std::vector{first, second, third}));
  EXPECT_EQ(of(8).size(), 1u);
  EXPECT_EQ(found("Carol@example.test"), 1u);
}

TEST_F(TraceTest, WhatIsTooOldIsForgotten) {
  trace.add(record(1, "old@example.test"));
  run_task(trace.flush());
  clock.advance(hours(72));
  trace.add(record(2, "new@example.test"));
  run_task(trace.flush());
  ASSERT_TRUE(run_task(trace.forget(now() - hours(24))));
  EXPECT_TRUE(of(1).empty());
  EXPECT_EQ(of(2).size(), 1u);
  EXPECT_EQ(found("old@example.test"), 0u);
  EXPECT_EQ(found("new@example.test"), 1u);
}

TEST_F(TraceTest, MemoryIsBounded) {
  for (std::uint64_t i = 0; i < 100; ++i) trace.add(record(i, "big@example.test", std::string(200'000, 'x')));
  run_task(trace.flush());
  const auto ids = run_task(trace.of_address("big@example.test")).value();
  EXPECT_GT(ids.size(), 10u);
  EXPECT_LE(ids.size() * 200'000, Trace::kMaxWaiting);
}

}  // namespace
}  // namespace posthorn::delivery
