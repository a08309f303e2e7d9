// The contract of kv::Store, run against every backend.
#include <gtest/gtest.h>

#include <filesystem>

#include "async/reactor.h"
#include "async/task_group.h"
#include "kv/memory/memory_store.h"
#include "kv/rocksdb/rocksdb_store.h"

namespace posthorn::kv {
namespace {

struct Backend {
  virtual ~Backend() = default;
  virtual Store& store() = 0;
  virtual void reopen() = 0;  // as after the end of the process
};

struct MemoryBackend : Backend {
  std::unique_ptr<MemoryStore> s = std::make_unique<MemoryStore>();
  Store& store() override { return *s; }
  void reopen() override { s = s->after_crash(); }
};

struct RocksBackend : Backend {
  std::string directory;
  WorkerPool workers{2};
  std::unique_ptr<RocksDbStore> s;
  RocksBackend() {
    char name[] = "/tmp/posthorn-kv-XXXXXX";
    directory = ::mkdtemp(name);
    reopen();
  }
  ~RocksBackend() override {
    s.reset();
    std::filesystem::remove_all(directory);
  }
  Store& store() override { return *s; }
  void reopen() override {
    s.reset();
    auto opened = RocksDbStore::open(directory, workers);
    CHECK(opened);
    s = *std::move(opened);
  }
};

class Contract : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "memory") backend = std::make_unique<MemoryBackend>();
    else backend = std::make_unique<RocksBackend>();
  }
  Store& store() { return backend->store(); }
  void put(std::string key, std::string value, std::uint64_t partition = 1, Space space = Space::entry) {
    Batch b;
    b.put(space, partition, std::move(key), std::move(value));
    ASSERT_TRUE(run_task(store().commit(std::move(b))));
  }
  std::optional<std::string> get(std::string key, SnapshotPtr at = {}, std::uint64_t partition = 1,
                                 Space space = Space::entry) {
    return run_task(store().get(space, partition, std::move(key), std::move(at))).value();
  }
  std::string scan(Range range, SnapshotPtr at = {}) {
    auto rows = run_task(store().scan(std::move(range), std::move(at))).value();
    std::string out;
    for (const auto& r : rows.rows) out += r.key + "=" + r.value + " ";
    return out + (rows.more ? "..." : ".");
  }
  std::unique_ptr<Backend> backend;
};

TEST_P(Contract, WhatIsCommittedIsReadAndOutlivesTheProcess) {
  put("a", "1");
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(get("b"), std::nullopt);
  EXPECT_EQ(get("a", {}, 2), std::nullopt);
  backend->reopen();
  EXPECT_EQ(get("a"), "1");
}

TEST_P(Contract, BigValuesOfTheBlobSpaceToo) {
  const std::string big(300'000, 'x');
  put("k", big, 3, Space::blob);
  EXPECT_EQ(get("k", {}, 3, Space::blob), big);
  backend->reopen();
  EXPECT_EQ(get("k", {}, 3, Space::blob), big);
}

TEST_P(Contract, ScansARangeInBothDirections) {
  for (auto k : {"a", "b", "c", "d"}) put(k, "v");
  put("z", "other", 2);
  EXPECT_EQ(scan({Space::entry, 1, "", ""}), "a=v b=v c=v d=v .");
  EXPECT_EQ(scan({Space::entry, 1, "b", "d"}), "b=v c=v .");
  EXPECT_EQ(scan({Space::entry, 1, "", "", 2}), "a=v b=v ...");
  EXPECT_EQ(scan({Space::entry, 1, "", "", 3, Direction::backward}), "d=v c=v b=v ...");
  EXPECT_EQ(scan({Space::entry, 1, "c", "b"}), ".");
  EXPECT_EQ(scan({Space::entry, ~std::uint64_t{0}, "", ""}), ".");
}

TEST_P(Contract, ASnapshotDoesNotMove) {
  put("a", "1");
  auto before = store().snapshot();
  put("a", "2");
  put("b", "1");
  EXPECT_EQ(get("a", before), "1");
  EXPECT_EQ(get("b", before), std::nullopt);
  EXPECT_EQ(scan({Space::entry, 1, "", ""}, before), "a=1 .");
  EXPECT_EQ(scan({Space::entry, 1, "", ""}), "a=2 b=1 .");
}

// It is written although nobody else writes, and in its order.
TEST_P(Contract, WhatCanWaitIsWrittenToo) {
  Batch b;
  b.put(Space::entry, 1, "a", "1");
  b.can_wait();
  Batch both;
  both.put(Space::entry, 1, "b", "1");
  both.append(std::move(b));
  EXPECT_FALSE(both.waits());
  both.can_wait();
  ASSERT_TRUE(run_task(store().commit(std::move(both))));
  EXPECT_EQ(scan({Space::entry, 1, "", ""}), "a=1 b=1 .");
  backend->reopen();
  EXPECT_EQ(scan({Space::entry, 1, "", ""}), "a=1 b=1 .");
}

TEST_P(Contract, LaterOperationsOfABatchWin) {
  put("a", "1");
  put("b", "1");
  put("c", "1");
  Batch b;
  b.erase_range(Space::entry, 1, "a", "c");
  b.put(Space::entry, 1, "b", "2");
  b.erase(Space::entry, 1, "c");
  ASSERT_TRUE(run_task(store().commit(std::move(b))));
  EXPECT_EQ(scan({Space::entry, 1, "", ""}), "b=2 .");
  Batch all;
  all.erase_range(Space::entry, 1, "", "");
  ASSERT_TRUE(run_task(store().commit(std::move(all))));
  EXPECT_EQ(scan({Space::entry, 1, "", ""}), ".");
}

TEST_P(Contract, WhatIsWrittenAheadIsThereAfterTheNextCommit) {
  Batch ahead;
  ahead.put(Space::entry, 1, "ahead", "1");
  ASSERT_TRUE(run_task(store().write_ahead(std::move(ahead))));
  EXPECT_EQ(get("ahead"), "1");
  put("after", "1");
  backend->reopen();
  EXPECT_EQ(get("ahead"), "1");
}

TEST_P(Contract, WhatIsWrittenBehindIsBeforeTheNextCommit) {
  Batch behind;
  behind.put(Space::entry, 1, "a", "1");
  behind.put(Space::entry, 1, "b", "1");
  store().write_behind(std::move(behind));
  put("b", "2");
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(get("b"), "2");
  backend->reopen();
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(get("b"), "2");
}

// Each of many table files may be unopened: nothing may be taken for an empty value.
TEST_P(Contract, WhatIsInManyFilesIsRead) {
  for (int i = 0; i < 40; ++i) {
    put("k" + std::to_string(i), std::string(200 << 10, static_cast<char>(0x41 + i % 26)));
    backend->reopen();
  }
  for (int i = 0; i < 40; ++i) EXPECT_EQ(get("k" + std::to_string(i))->size(), std::size_t{200 << 10}) << i;
}

TEST_P(Contract, MultiGetAnswersInOrder) {
  for (int i = 0; i < 40; ++i) put("k" + std::to_string(i), std::to_string(i));
  std::vector<std::string> keys{"k7", "none", "k3"};
  auto some = run_task(store().multi_get(Space::entry, 1, keys)).value();
  EXPECT_EQ(some, (std::vector<std::optional<std::string>>{"7", std::nullopt, "3"}));
  keys.clear();
  for (int i = 39; i >= 0; --i) keys.push_back("k" + std::to_string(i));
  auto all = run_task(store().multi_get(Space::entry, 1, keys)).value();
  ASSERT_EQ(all.size(), 40u);
  EXPECT_EQ(all[0], "39");
}

Task<> add_one(Store& store, int times) {
  for (int i = 0; i < times; ++i) {
    auto lock = (co_await store.lock_partition(1)).value();
    auto old = (co_await store.get(Space::entry, 1, "n", {})).value();
    Batch b;
    b.put(Space::entry, 1, "n", std::to_string(std::stoi(old.value_or("0")) + 1));
    auto done = co_await store.commit(std::move(b));
    EXPECT_TRUE(done);
  }
}

TEST_P(Contract, VisitsValuesOfSeveralPartitions) {
  const std::string big(3000, 'x');
  for (std::uint64_t partition : {1, 2})
    for (auto k : {"a", "b", "c", "d"}) put(k, std::to_string(partition) + k + big, partition, Space::blob);
  backend->reopen();
  auto before = store().snapshot();
  put("a", "new", 2, Space::blob);
  std::vector<Place> places{{2, "a"}, {1, "d"}, {1, "bb"}, {1, "a"}, {3, "a"}, {2, "a"}, {1, "b"}};
  auto visit = [&](SnapshotPtr at) {
    std::vector<std::string> got(places.size());
    auto note = [&got](std::size_t i, std::optional<std::string_view> v) { got[i] = v ? v->substr(0, v->find('x')) : "none"; };
    EXPECT_TRUE(run_task(store().visit(Space::blob, places, note, std::move(at))));
    return got;
  };
  EXPECT_EQ(visit(before), (std::vector<std::string>{"2a", "1d", "none", "1a", "none", "2a", "1b"}));
  EXPECT_EQ(visit({}), (std::vector<std::string>{"new", "1d", "none", "1a", "none", "new", "1b"}));
}

TEST_P(Contract, ARangeIsVisitedInOrder) {
  for (int i = 0; i < 2500; ++i) put("k" + std::to_string(10'000 + i), std::to_string(i), 1, Space::entry_page);
  put("k", "other", 2, Space::entry_page);
  auto before = store().snapshot();
  put("k10001", "new", 1, Space::entry_page);
  auto visit = [&](std::string from, std::string to, SnapshotPtr at, std::size_t most = 10'000) {
    std::vector<std::string> got;
    auto note = [&](std::string_view key, std::string_view value) -> Result<void> {
      if (got.size() == most) return fail(Errc::limit);
      got.push_back(std::string(key) + "=" + std::string(value));
      return {};
    };
    const auto done = run_task(store().visit_range(Space::entry_page, 1, from, to, note, std::move(at)));
    EXPECT_EQ(done.has_value(), got.size() < most);
    return got;
  };
  EXPECT_EQ(visit("k10001", "k10003", before), (std::vector<std::string>{"k10001=1", "k10002=2"}));
  EXPECT_EQ(visit("", "k10002", {}), (std::vector<std::string>{"k10000=0", "k10001=new"}));
  EXPECT_EQ(visit("", "", {}).size(), 2500u);
  EXPECT_EQ(visit("", "", {}, 3).size(), 3u);
  EXPECT_TRUE(visit("k2", "k1", {}).empty());
  EXPECT_TRUE(visit("x", "", {}).empty());
}

TEST_P(Contract, TheLockMakesReadModifyWriteSafeAcrossReactors) {
  ReactorPool reactors(2);
  reactors.start();
  TaskGroup group;
  for (std::size_t i = 0; i < 8; ++i) group.spawn(reactors.at(i % 2), add_one(store(), 25));
  run_task(group.join());
  EXPECT_EQ(get("n"), "200");
  EXPECT_GE(store().stats().commits, 200u);
}

INSTANTIATE_TEST_SUITE_P(Backends, Contract, ::testing::Values("memory", "rocksdb"),
                         [](const auto& i) { return i.param; });

TEST(MemoryStore, ACrashDropsWhatNoCommitFollowed) {
  MemoryStore store;
  Batch kept, ahead;
  kept.put(Space::entry, 1, "kept", "1");
  ASSERT_TRUE(run_task(store.commit(std::move(kept))));
  ahead.put(Space::entry, 1, "lost", "1");
  ASSERT_TRUE(run_task(store.write_ahead(std::move(ahead))));
  auto after = store.after_crash();
  EXPECT_TRUE(run_task(after->get(Space::entry, 1, "kept", {})).value());
  EXPECT_FALSE(run_task(after->get(Space::entry, 1, "lost", {})).value());
}

TEST(RocksDbStore, ANearlyFullDiskRefusesNewMailAndRecovers) {
  RocksBackend backend;
  ASSERT_TRUE(kMinFreeSpace.set(SettingValue(std::string("1 TiB"))));
  Batch mail;
  mail.put(Space::blob, 1, "k", "bytes");
  EXPECT_EQ(run_task(backend.store().commit(std::move(mail))).error().code, Errc::no_space);
  kMinFreeSpace.reset();
  ::usleep(60'000);
  Batch again;
  again.put(Space::blob, 1, "k", "bytes");
  auto done = run_task(backend.store().commit(std::move(again)));
  EXPECT_TRUE(done.has_value() || done.error().code == Errc::no_space);  // the machine's disk may really be full
}

}  // namespace
}  // namespace posthorn::kv
