#include "delivery/local.h"

#include <gtest/gtest.h>

#include "async/reactor.h"
#include "async/task_group.h"
#include "kv/memory/memory_store.h"

namespace posthorn::delivery {
namespace {

struct Fixture {
  kv::MemoryStore kv;
  WorkerPool workers{1};
  blob::Blobs blobs{kv};
  store::MailStore store{kv, blobs, workers};

  Task<bool> open(std::uint64_t accounts) {
    auto a = co_await blobs.open();
    auto b = co_await store.open();
    bool good = a.has_value() && b.has_value();
    for (std::uint64_t i = 1; i <= accounts; ++i) {
      auto made = co_await store.create_account(AccountId(i));
      good = good && made.has_value();
    }
    co_return good;
  }

  Task<> set_quota(std::uint64_t id, std::uint64_t bytes) {
    auto account = co_await store.account(AccountId(id));
    auto done = co_await (*account)->set_quota({.bytes = bytes});
    EXPECT_TRUE(done.has_value());
  }

  Task<Result<std::vector<Result<void>>>> deliver(std::vector<std::vector<std::uint64_t>> groups, std::string text) {
    std::vector<Group> as_ids;
    for (const auto& group : groups) {
      as_ids.emplace_back();
      for (const auto id : group) as_ids.back().accounts.emplace_back(id);
    }
    auto incoming = store.begin_incoming();
    auto written = co_await incoming.write(text);
    EXPECT_TRUE(written.has_value());
    co_return co_await deliver_local(store, std::move(incoming), std::move(as_ids), {});
  }

  Task<std::uint32_t> count(std::uint64_t id) {
    auto account = co_await store.account(AccountId(id));
    co_return (*account)->find_mailbox("INBOX")->messages;
  }

  Task<> finish() {
    auto report = co_await store::check_store(kv, blobs);
    EXPECT_TRUE(report && report->problems.empty());
    store.close();
  }
};

Errc code(const Result<std::vector<Result<void>>>& result, std::size_t group) {
  return result->at(group) ? Errc{} : result->at(group).error().code;
}

const std::string kText = "Subject: x\r\n\r\n" + std::string(1000, 'y') + "\r\n";

Task<> one_copy_each(Fixture& f) {
  EXPECT_TRUE(co_await f.open(3));
  auto result = co_await f.deliver({{1, 2}, {2, 1}, {3}}, kText);
  EXPECT_TRUE(result && (*result)[0] && (*result)[1] && (*result)[2]);
  for (std::uint64_t id : {1, 2, 3}) EXPECT_EQ(co_await f.count(id), 1u);
  co_await f.finish();
}
TEST(DeliverLocal, OneCopyForEachAccount) {
  Fixture f;
  run_task(one_copy_each(f));
}

Task<> all_or_none(Fixture& f) {
  EXPECT_TRUE(co_await f.open(4));
  co_await f.set_quota(2, 100);
  // Account 1 is in a group that fails and in one that does not.
  auto result = co_await f.deliver({{1, 2, 3}, {1, 4}, {99}}, kText);
  EXPECT_EQ(code(result, 0), Errc::over_quota);
  EXPECT_TRUE((*result)[1].has_value());
  EXPECT_EQ(code(result, 2), Errc::not_found);
  EXPECT_EQ(co_await f.count(1), 1u);
  EXPECT_EQ(co_await f.count(2), 0u);
  EXPECT_EQ(co_await f.count(3), 0u);
  EXPECT_EQ(co_await f.count(4), 1u);
  auto none = co_await f.deliver({{2}}, kText);
  EXPECT_EQ(code(none, 0), Errc::over_quota);
  co_await f.finish();
}
TEST(DeliverLocal, AGroupGetsItWhollyOrNotAtAll) {
  Fixture f;
  run_task(all_or_none(f));
}

// Two deliveries that both fit when they look, but not together.
Task<> deliver_and_note(Fixture& f, std::vector<std::vector<std::uint64_t>> groups, int& stored) {
  auto result = co_await f.deliver(std::move(groups), kText);
  EXPECT_TRUE(result.has_value());
  for (const auto& r : *result) stored += r.has_value();
}
Task<> race(Fixture& f) {
  EXPECT_TRUE(co_await f.open(2));
  co_await f.set_quota(2, kText.size() + 10);
  int stored = 0;
  TaskGroup both;
  for (int i = 0; i < 2; ++i) both.spawn(Reactor::current(), deliver_and_note(f, {{1, 2}}, stored));
  co_await both.join();
  EXPECT_EQ(stored, 1);
  EXPECT_EQ(co_await f.count(1), 1u);  // what was stored for the one that failed was taken back
  EXPECT_EQ(co_await f.count(2), 1u);
  co_await f.finish();
}
TEST(DeliverLocal, StoresNothingThatCannotBeWhole) {
  Fixture f;
  run_task(race(f));
}

// The same, with a group that goes through: what is with it has been stored when the other is found to be half.
Task<> deliver_two_groups(Fixture& f, int& stored, int& good) {
  auto result = co_await f.deliver({{1, 2}, {3}}, kText);
  EXPECT_TRUE(result && (*result)[1]);
  stored += (*result)[0].has_value();
  good += (*result)[1].has_value();
}
Task<> race_of_groups(Fixture& f) {
  EXPECT_TRUE(co_await f.open(3));
  co_await f.set_quota(2, kText.size() + 10);
  int stored = 0, good = 0;
  TaskGroup both;
  for (int i = 0; i < 2; ++i) both.spawn(Reactor::current(), deliver_two_groups(f, stored, good));
  co_await both.join();
  EXPECT_EQ(stored, 1);
  EXPECT_EQ(good, 2);
  EXPECT_EQ(co_await f.count(1), 1u);  // taken back
  EXPECT_EQ(co_await f.count(2), 1u);
  EXPECT_EQ(co_await f.count(3), 2u);
  co_await f.finish();
}
TEST(DeliverLocal, TakesBackWhatCannotBeWhole) {
  Fixture f;
  run_task(race_of_groups(f));
}

// Rows of others come into the same commit, for the groups that have no trouble.
Task<> with_others(Fixture& f) {
  EXPECT_TRUE(co_await f.open(2));
  co_await f.set_quota(2, 100);
  std::vector<std::vector<bool>> asked;
  const Also also = [&asked](const std::vector<Result<void>>& groups) -> Result<kv::Batch> {
    auto& now = asked.emplace_back();
    for (const auto& g : groups) now.push_back(g.has_value());
    kv::Batch rows;
    rows.put(kv::Space::queue, 0, "x", "y");
    return rows;
  };
  const auto commits = f.kv.stats().commits;
  for (const std::vector<Group>& groups : {std::vector<Group>{{{AccountId(1)}}, {{AccountId(2)}}, {}}, std::vector<Group>{{{AccountId(2)}}}}) {
    auto incoming = f.store.begin_incoming();
    auto written = co_await incoming.write(kText);
    EXPECT_TRUE(written.has_value());
    auto result = co_await deliver_local(f.store, std::move(incoming), groups, {}, also);
    EXPECT_TRUE(result.has_value());
  }
  const std::vector<std::vector<bool>> wanted{{true, false, true}};  // not for a message that nobody gets
  EXPECT_EQ(asked, wanted);
  EXPECT_EQ(f.kv.stats().commits, commits + 1);
  EXPECT_EQ(co_await f.count(1), 1u);
  const auto row = co_await f.kv.get(kv::Space::queue, 0, "x", {});
  EXPECT_TRUE(row && *row);
  co_await f.finish();
}
TEST(DeliverLocal, CarriesWhatIsForOthers) {
  Fixture f;
  run_task(with_others(f));
}

Task<> disk_full(Fixture& f) {
  EXPECT_TRUE(co_await f.open(1));
  f.kv.set_faults({.before_commit = [](const kv::Batch&) { return Result<void>(fail(Errc::no_space, "full")); }});
  auto result = co_await f.deliver({{1}}, kText);
  EXPECT_TRUE(!result && result.error().code == Errc::no_space);
  f.kv.set_faults({});
  auto again = co_await f.deliver({{1}}, kText);
  EXPECT_TRUE(again && (*again)[0]);
  EXPECT_EQ(co_await f.count(1), 1u);
  co_await f.finish();
}
TEST(DeliverLocal, RecoversFromAFullDisk) {
  Fixture f;
  run_task(disk_full(f));
}

}  // namespace
}  // namespace posthorn::delivery
