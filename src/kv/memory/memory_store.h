// A key-value store in memory: for tests, and for trying things without a disk.
#pragma once

#include <functional>
#include <memory>

#include "kv/store.h"

namespace posthorn::kv {

// Fault injection for tests.  Any thread may set it; called before each batch takes effect, and after it has: an error of the
// latter is what the caller gets, although the batch was written.
struct MemoryFaults {
  std::function<Result<void>(const Batch&)> before_commit = {};
  std::function<Result<void>(const Batch&)> after_commit = {};
  std::function<Result<void>(const Range&)> before_scan = {};
};

class MemoryStore final : public Store {
 public:
  MemoryStore();
  ~MemoryStore() override;

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

  void set_faults(MemoryFaults);
  // What a crash leaves: everything that was committed, and what was written ahead of it; nothing after the last commit.
  std::unique_ptr<MemoryStore> after_crash() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace posthorn::kv
