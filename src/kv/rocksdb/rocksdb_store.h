// The embedded backend: RocksDB, with message bytes in blob files and all commits grouped by one committer thread.
#pragma once

#include <memory>
#include <string>

#include "async/worker_pool.h"
#include "base/settings.h"
#include "kv/store.h"

namespace posthorn::kv {

inline const Setting<Bytes> kCacheSize{"storage.cache_size", Bytes{128 << 20}, Bytes{8 << 20}, Bytes{1LL << 40},
                                       "Memory for cached blocks of the index (RocksDB block cache)."};
inline const Setting<Bytes> kWriteBuffer{"storage.write_buffer", Bytes{64 << 20}, Bytes{4 << 20}, Bytes{1LL << 32},
                                         "Memory that collects new mail before it is written to its final file."};
inline const Setting<Bytes> kMinFreeSpace{
    "storage.min_free_space", Bytes{256 << 20}, Bytes{0}, Bytes{1LL << 40},
    "New mail is refused (452 or NO) while the disk has less free space than this; deleting goes on working."};

// INVARIANT 1: no session does a synced write of its own: batches of all callers wait in one queue, and the committer thread writes
//              all that wait with one synced write.
// INVARIANT 2: batches take effect in the order in which commit(), write_ahead() and write_behind() were called.
// The process must not fork while it is open.
class RocksDbStore final : public Store {
 public:
  // Opens or creates.  Blocking.  Reads that miss the cache run on `workers`, which must outlive the store.
  static Result<std::unique_ptr<RocksDbStore>> open(const std::string& directory, WorkerPool& workers);
  ~RocksDbStore() override;

  SnapshotPtr snapshot() override;
  Task<Result<std::optional<std::string>>> get(Space, std::uint64_t, std::string, SnapshotPtr) override;
  Task<Result<std::vector<std::optional<std::string>>>> multi_get(Space, std::uint64_t, std::vector<std::string>,
                                                                  SnapshotPtr) override;
  Task<Result<void>> visit(Space, std::vector<Place>, Visitor, SnapshotPtr) override;
  Task<Result<Rows>> scan(Range, SnapshotPtr) override;
  Task<Result<void>> visit_range(Space, std::uint64_t, std::string, std::string, RowVisitor, SnapshotPtr) override;
  Task<Result<void>> commit(Batch) override;
  Task<Result<void>> write_ahead(Batch) override;
  void write_behind(Batch) override;
  Task<Result<AsyncMutex::Guard>> lock_partition(std::uint64_t) override;
  Stats stats() const override;
  void note_garbage(std::uint64_t bytes) override;

 private:
  struct Impl;
  explicit RocksDbStore(std::unique_ptr<Impl>);
  std::unique_ptr<Impl> impl_;
};

}  // namespace posthorn::kv
