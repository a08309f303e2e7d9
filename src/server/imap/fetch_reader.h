// What the messages of one FETCH are answered from, read in batches of bounded size.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/event.h"
#include "async/task.h"
#include "async/task_group.h"
#include "base/result.h"
#include "proto/imap/fetch.h"
#include "search/column_reader.h"
#include "server/imap/message_set.h"
#include "store/account.h"
#include "store/object_id.h"

namespace posthorn::imap {

struct FetchNeeds {
  bool summaries = false;
  bool fields = false;  // rows of search::Column::fields; for messages without one: summary and bytes
  bool bytes = false;
  bool threads = false;
};
bool needs_bytes(const FetchAttribute&);
FetchNeeds needs_of(const std::vector<FetchAttribute>&);

// Views point into what the batch owns.
struct FetchRow {
  std::uint32_t index = 0;  // in the view
  std::string_view summary;                // encoded; empty: not needed, or the message has gone
  std::optional<std::string_view> fields;
  std::optional<std::string_view> bytes;   // the whole message, unless it is long
  store::ThreadId thread{0};
};
// A part of what imap.fetch_memory counts.
class HeldBytes {
 public:
  HeldBytes() = default;
  explicit HeldBytes(std::uint64_t bytes);
  HeldBytes(HeldBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, 0)) {}
  HeldBytes& operator=(HeldBytes&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~HeldBytes();

 private:
  std::uint64_t bytes_ = 0;
};

struct FetchBatch {
  std::vector<FetchRow> rows;  // none: at the end
  HeldBytes held;
  std::vector<std::shared_ptr<const search::ColumnRows>> columns;
  std::vector<std::string> summaries;
  blob::Wholes bytes;
};

// The batches behind the one being written are read meanwhile.  Threads: one coroutine uses it; it resumes on its own reactor.
class FetchReader {
 public:
  static constexpr std::uint64_t kLongMessage = 64 << 10;  // longer ones are left to be read in pieces

  FetchReader(store::AccountPtr, MailboxId, store::ViewPtr, IndexRanges, FetchNeeds);
  ~FetchReader();
  Task<Result<FetchBatch>> next();
  // Must be awaited before the end of the reader.
  Task<> close() { return ahead_.join(); }

 private:
  class ColumnCursor;
  struct Ahead {
    Event begun, done;
    Result<FetchBatch> batch;
  };
  static Task<> run_ahead(FetchReader& self, std::shared_ptr<Ahead>);
  Task<Result<FetchBatch>> read();
  void take_indexes(FetchBatch&);
  Task<Result<void>> read_column(FetchBatch&, search::Column, std::unique_ptr<ColumnCursor>&);
  Task<Result<void>> read_summaries(FetchBatch&);
  Task<Result<void>> read_bytes(FetchBatch&);
  Task<Result<void>> read_threads(FetchBatch&);
  bool needs_message(const FetchRow& row) const { return needs_.bytes || (needs_.fields && !row.fields); }
  bool at_end() const { return range_ == ranges_.size(); }
  MessageId message(const FetchRow& row) const { return view_->at(row.index).message; }

  const store::AccountPtr account_;
  const MailboxId mailbox_;
  const store::ViewPtr view_;
  const IndexRanges ranges_;
  const FetchNeeds needs_;
  std::size_t range_ = 0;     // in ranges_
  std::uint32_t next_ = 0;    // index, in or before it
  bool in_columns_ = false;   // many neighbours: worth unpacking columns for
  std::unique_ptr<ColumnCursor> summaries_, fields_;
  std::deque<std::shared_ptr<Ahead>> pending_;
  TaskGroup ahead_;
};

}  // namespace posthorn::imap
