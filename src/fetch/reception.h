// Messages as they come, stored in batches while the next are on the way.
#pragma once

#include <functional>
#include <memory>

#include "async/event.h"
#include "fetch/target.h"

namespace posthorn::fetch {

struct BatchLimits {
  std::size_t messages = 128;
  std::uint64_t bytes = 16 << 20;
};

// INVARIANT: at most one batch is being stored and one is filling: what has come and is not stored is bounded
// (but for one message). Threads: the reactor's.  REQUIRES: finish() is awaited before it goes.
class Reception {
 public:
  Reception(Target& target, Journal& journal, WorkerPool& pool, BatchLimits limits = {})
      : target_(target), journal_(journal), pool_(pool), limits_(limits) {}

  Target& target() { return target_; }
  // Target::end(), and the batch is stored when it is full.
  Task<Result<void>> end(std::string key, Facts facts = {});
  // Everything that came whole is stored, durably.  Also after an error: the first one is given back.
  Task<Result<void>> finish();
  // Keys that are stored, in order.
  const std::vector<std::string>& stored() const { return stored_; }

 private:
  Task<Result<void>> submit();
  Task<> store(std::unique_ptr<Batch>);
  Task<Result<void>> wait();

  Target& target_;
  Journal& journal_;
  WorkerPool& pool_;
  BatchLimits limits_;
  std::unique_ptr<Event> storing_;  // null: nothing is being stored
  Result<void> result_;
  bool used_ = false;  // something was stored
  std::vector<std::string> stored_;
};

}  // namespace posthorn::fetch
