// One step of indexing one mailbox.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "async/task.h"
#include "async/worker_pool.h"
#include "search/index_state.h"
#include "search/segment_packer.h"
#include "store/account.h"

namespace posthorn::search {

// Packs a segment, or finds that there is nothing to pack.  Coroutines run on the indexer's reactor, computing on `cpu`.
class MailboxIndexer {
 public:
  MailboxIndexer(store::AccountPtr account, MailboxId mailbox, WorkerPool& cpu, const std::atomic<bool>& stopping)
      : account_(std::move(account)), mailbox_(mailbox), cpu_(cpu), stopping_(stopping) {}

  struct Step {
    bool more = false;        // call again
    std::uint32_t packed = 0;  // messages
    Uid look_again{0};         // nothing to do before UIDNEXT is this
  };
  Task<Result<Step>> run();

 private:
  Task<Result<void>> load_state();
  void decide_rebuild(const store::MailboxState&);
  Task<Result<void>> pack_segment(const store::View&, std::uint32_t from, SegmentPacker&);
  Task<Result<void>> write_segment(const SegmentPacker&);
  Task<Result<void>> end_rebuild();
  bool is_time_to_merge() const;
  Task<Result<void>> merge_words();
  Task<Result<void>> merge_scope(kv::Batch&, Column words, Column postings);
  // Writes the batch and the state, unless the mailbox has gone or its index was dropped.
  Task<Result<void>> commit(kv::Batch);

  store::AccountPtr account_;
  const MailboxId mailbox_;
  WorkerPool& cpu_;
  const std::atomic<bool>& stopping_;
  std::optional<std::string> row_;  // of the state, as it was read
  IndexState state_;
};

}  // namespace posthorn::search
