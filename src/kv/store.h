// The ordered transactional key-value interface that all storage stands on.
//
// A key is (space, partition, key bytes); keys of one space and partition are ordered bytewise.  The partition is an
// account id or a shard number, so that a sharded engine can distribute by it.  Backends: memory/, rocksdb/; the contract
// suite contract_test.cc runs against every one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/mutex.h"
#include "async/task.h"
#include "base/result.h"
#include "kv/space.h"

namespace posthorn::kv {

struct Row {
  std::string key;  // without space and partition
  std::string value;
};

// What is written together.  Later operations win over earlier ones on the same key.
class Batch {
 public:
  enum class Kind : std::uint8_t { put, erase, erase_range };
  struct Op {
    Kind kind;
    Space space;
    std::uint64_t partition;
    std::string key;
    std::string value;  // put: the value; erase_range: the end of the range (exclusive)
  };
  void put(Space, std::uint64_t partition, std::string key, std::string value);
  void erase(Space, std::uint64_t partition, std::string key);
  // Erases [from, to); an empty `to` means the end of the partition.
  void erase_range(Space, std::uint64_t partition, std::string from, std::string to);
  void append(Batch&& other);
  // Nobody waits for this to be written: it may be some milliseconds later, with what others write.
  void can_wait() { waits_ = true; }
  bool waits() const { return waits_; }
  const std::vector<Op>& ops() const { return ops_; }
  std::size_t bytes() const { return bytes_; }
  bool empty() const { return ops_.empty(); }

 private:
  std::vector<Op> ops_;
  std::size_t bytes_ = 0;
  bool waits_ = false;
};

// A consistent state of the whole store; holds resources while it lives.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

enum class Direction { forward, backward };
struct Range {
  Space space;
  std::uint64_t partition;
  std::string from;              // inclusive
  std::string to;                // exclusive; empty: the end of the partition
  std::size_t limit = 1000;      // rows, at least 1
  Direction direction = Direction::forward;
};
struct Rows {
  std::vector<Row> rows;  // in the direction asked for
  bool more = false;      // the limit (of rows, or 4 MiB of bytes) cut it short: go on behind the last key
};

struct Place {
  std::uint64_t partition;
  std::string key;
};
// The value of the index-th place, valid during the call; nullopt: there is none.
using Visitor = std::function<void(std::size_t index, std::optional<std::string_view> value)>;

// A row, valid during the call.  An error ends the visit.
using RowVisitor = std::function<Result<void>(std::string_view key, std::string_view value)>;

struct Stats {
  std::uint64_t commits = 0;         // batches that asked to be durable
  std::uint64_t syncs = 0;           // synced writes that carried them
  std::uint64_t bytes_written = 0;   // of keys and values
  std::uint64_t cache_bytes = 0;
};

// Threads: any; coroutines resume on their own reactor.  No wait of a reactor for the disk.
class Store {
 public:
  virtual ~Store() = default;

  virtual SnapshotPtr snapshot() = 0;
  // Without a snapshot: the newest committed state.
  virtual Task<Result<std::optional<std::string>>> get(Space, std::uint64_t partition, std::string key, SnapshotPtr = {}) = 0;
  // Answers in the order of the keys.
  virtual Task<Result<std::vector<std::optional<std::string>>>> multi_get(Space, std::uint64_t partition,
                                                                          std::vector<std::string> keys, SnapshotPtr = {}) = 0;
  // Many values, cheaper than one by one, in any order.  The visitor may run on another thread (which waits for it, so it may decode), never
  // on two at once.  After an error some places were not visited.  Values of Space::blob come unverified: they have checksums of
  // their own.
  virtual Task<Result<void>> visit(Space, std::vector<Place>, Visitor, SnapshotPtr = {}) = 0;
  virtual Task<Result<Rows>> scan(Range, SnapshotPtr = {}) = 0;
  // Every row with `from` <= key < `to` (empty: the end of the partition), ascending; cheaper than scan().  The visitor as above.
  virtual Task<Result<void>> visit_range(Space, std::uint64_t partition, std::string from, std::string to, RowVisitor,
                                         SnapshotPtr = {}) = 0;

  // Atomic, and durable when it returns.  Batches of several callers share one sync; they take effect in the order of the calls.
  // Errors: no_space (nothing was written; later calls succeed when there is room), io (whether it was written is
  // unknown: re-read before going on).
  virtual Task<Result<void>> commit(Batch) = 0;
  // Atomic and ordered before every later commit, which makes it durable too; not durable by itself.
  virtual Task<Result<void>> write_ahead(Batch) = 0;
  // The same, and nobody waits for it: for what is not missed much if it fails, which is logged.
  virtual void write_behind(Batch) = 0;

  // The right to be the only writer of a partition; several partitions are taken in ascending order.
  virtual Task<Result<AsyncMutex::Guard>> lock_partition(std::uint64_t partition) = 0;

  virtual Stats stats() const = 0;
  // So many bytes of values in Space::blob were erased: the backend may give the room back when enough has gathered.
  virtual void note_garbage(std::uint64_t /*bytes*/) {}
};

}  // namespace posthorn::kv
