// A queue over a backend, for tests; everything is checked at the end of each.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "async/reactor.h"
#include "kv/memory/memory_store.h"
#include "kv/rocksdb/rocksdb_store.h"
#include "queue/check.h"
#include "queue/queue.h"
#include "queue/rows.h"

namespace posthorn::queue {

inline const std::string kMessage = "From: a@example.test\r\nSubject: hello\r\n\r\nbody\r\n";

inline Recipient to(std::string path) { return {.forward_path = std::move(path)}; }
inline std::vector<Recipient> to_all(const std::vector<std::string>& paths) {
  std::vector<Recipient> out;
  for (const auto& p : paths) out.push_back(to(p));
  return out;
}
inline Answer said(int code, std::string text) {
  return {.code = code, .enhanced = {static_cast<std::uint16_t>(code / 100), 0, 0}, .text = std::move(text), .server = "mx.test", .at = now()};
}

// Every recipient of the work who waits, in one state.
inline Settlement all(const Work& work, State state, std::optional<SysTime> next = {}) {
  Settlement s;
  for (std::size_t i = 0; i < work.recipients().size(); ++i)
    if (work.recipients()[i].state == State::waiting) s.outcomes.push_back({.recipient = i, .state = state, .answer = said(250, "ok")});
  s.next = next;
  return s;
}
inline Settlement later(const Work& work, std::chrono::milliseconds wait) {
  Settlement s = all(work, State::waiting, now() + wait);
  for (auto& o : s.outcomes) o.answer = said(450, "later");
  return s;
}

enum class Backend { memory, rocksdb };

class QueueFixture {
 public:
  explicit QueueFixture(Backend backend = Backend::memory) : backend_(backend) {
    if (backend_ == Backend::rocksdb) {
      char name[] = "/tmp/posthorn-queue-XXXXXX";
      directory_ = ::mkdtemp(name);
    }
    open_kv();
    open();
  }
  ~QueueFixture() {
    queue.reset();
    if (!directory_.empty()) {
      blobs.reset();
      kv.reset();
      std::filesystem::remove_all(directory_);
    }
  }

  void open() {
    blobs = std::make_unique<blob::Blobs>(*kv);
    EXPECT_TRUE(run_task(blobs->open()));
    queue = std::make_unique<Queue>(*kv, *blobs, options);
    EXPECT_TRUE(run_task(queue->open()));
  }
  // The process ends in order and begins anew.
  void restart() {
    queue.reset();
    blobs.reset();
    if (backend_ == Backend::rocksdb) {
      kv.reset();
      open_kv();
    }
    open();
    queue->start();
  }
  // As after kill -9.  REQUIRES: the memory store.
  void crash() {
    auto left = memory().after_crash();
    queue.reset();  // what it writes now is of no consequence
    blobs.reset();
    kv = std::move(left);
    open();
    queue->start();
  }
  kv::MemoryStore& memory() { return dynamic_cast<kv::MemoryStore&>(*kv); }

  Task<Result<EntryId>> add_task(std::vector<Recipient> recipients, Entry entry, std::string text) {
    auto draft = blobs->begin();
    CO_TRY_OK(co_await draft.write(text));
    NewEntry message{std::move(draft).seal(), std::move(entry), std::move(recipients)};
    co_return co_await queue->add(std::move(message));
  }
  EntryId add(std::vector<Recipient> recipients, Entry entry = {}) {
    if (entry.reverse_path.empty()) entry.reverse_path = "ann@example.test";
    auto id = run_task(add_task(std::move(recipients), std::move(entry), kMessage));
    EXPECT_TRUE(id) << (id ? "" : id.error().text);
    return id.value_or(EntryId());
  }
  NewEntry message(std::vector<Recipient> recipients, std::string reverse_path = "") {
    auto draft = blobs->begin();
    EXPECT_TRUE(run_task(draft.write(kMessage)));
    Entry entry;
    entry.reverse_path = std::move(reverse_path);
    return {std::move(draft).seal(), std::move(entry), std::move(recipients)};
  }
  // REQUIRES: there is some, or will be soon.
  Work next() { return run_task(queue->next()).value(); }
  Result<void> settle(Work work, Settlement s) { return run_task(queue->settle(std::move(work), std::move(s))); }
  // Whether there is nothing to do now.
  std::optional<Work> next_of(const std::string& destination) { return run_task(queue->next_of(destination)).value(); }

  CheckReport check() {
    auto at = kv->snapshot();
    auto found = run_task(blobs->check(at)).value();
    std::vector<EntryId> linked;
    for (const auto& [id, owner] : found.links)
      if (owner == blob::kQueueOwner) linked.push_back(id);
    std::ranges::sort(linked);
    auto report = run_task(check_queue(*kv, *blobs, at, linked)).value();
    for (const auto& p : found.problems) report.problems.push_back("blob " + std::to_string(p.id.value()) + ": " + p.text);
    return report;
  }
  CheckReport expect_clean() {
    auto report = check();
    for (const auto& p : report.problems) ADD_FAILURE() << p;
    return report;
  }
  // Rows of the queue that begin so.
  std::size_t rows(char first) {
    return run_task(kv->scan({kv::Space::queue, kPartition, std::string(1, first), std::string(1, static_cast<char>(first + 1)), 1'000'000}, {}))
        .value()
        .rows.size();
  }
  void expect_empty() {
    for (char c : {kEntryRow, kDueRow, kBacklogRow, kHeldRow}) EXPECT_EQ(rows(c), 0u) << c;
    EXPECT_EQ(run_task(blobs->check({})).value().blobs, 0u);
    EXPECT_TRUE(run_task(blobs->check({})).value().links.empty());
  }
  // Waits for what the background is about to do.  Not for what must never happen.
  template <class F>
  ::testing::AssertionResult eventually(F holds) {
    for (int i = 0; i < 20'000; ++i) {
      if (holds()) return ::testing::AssertionSuccess();
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return ::testing::AssertionFailure() << "it did not come to that";
  }

  Queue::Options options;
  WorkerPool workers{2};
  std::unique_ptr<kv::Store> kv;
  std::unique_ptr<blob::Blobs> blobs;
  std::unique_ptr<Queue> queue;

 private:
  void open_kv() {
    if (backend_ == Backend::memory) kv = std::make_unique<kv::MemoryStore>();
    else kv = kv::RocksDbStore::open(directory_ + "/store", workers).value();
  }
  Backend backend_;
  std::string directory_;
};

}  // namespace posthorn::queue
