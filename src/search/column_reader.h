// Reading a column along a view: from the segments, and from the messages themselves where there is none yet.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "search/column.h"
#include "search/segment_scan.h"
#include "store/account.h"

namespace posthorn::search {

// Rows of consecutive indexes of a view.  Owns its bytes.
class ColumnRows {
 public:
  std::uint32_t from() const { return from_; }  // indexes [from, to)
  std::uint32_t to() const { return from_ + static_cast<std::uint32_t>(rows_.size()); }
  // nullopt: too long to be held, or the message has gone: look at the message.
  // REQUIRES: from() <= index < to().
  std::optional<std::string_view> at(std::uint32_t index) const {
    const std::uint32_t row = rows_[index - from_];
    if (row == kNone || !block_.holds(row)) return std::nullopt;
    return block_.at(row);
  }
  // Calls hit(index) for every row that contains the needle, ascending, and open(index) for every row that is not held.
  // An empty needle is in every row that is not empty (a text column: the message has such a field).
  template <class Hit, class Open>
  void find(std::string_view needle, Hit hit, Open open) const;

 private:
  friend class ColumnReader;
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  std::vector<std::uint32_t> matching_rows(std::string_view needle) const;

  std::uint32_t from_ = 0;
  std::vector<std::uint32_t> rows_;  // of block_, ascending, by index - from_
  Block block_;
};

// Threads: one coroutine uses it; it resumes on its own reactor.  Reads, decompresses and packs on the worker pool, a few
// segments ahead, so that memory is bounded.  The answer is always complete and exact: what has no (sound) segment is read from
// the messages.
class ColumnReader {
 public:
  // Of the entries [from, to) of the view.
  ColumnReader(store::AccountPtr, MailboxId, store::ViewPtr, Column, std::uint32_t from, std::uint32_t to);
  ColumnReader(store::AccountPtr, MailboxId, store::ViewPtr, Column);  // of all

  // The rows behind those given before: ascending, without a gap, at most a segment at a time; nullopt: at the end.
  Task<Result<std::optional<ColumnRows>>> next();

 private:
  Task<Result<void>> read_segments();
  Task<Result<ColumnRows>> read_messages(std::uint32_t to);

  store::AccountPtr account_;
  MailboxId mailbox_;
  store::ViewPtr view_;
  Column column_;
  std::uint32_t at_, end_;            // indexes still to be given
  std::optional<SegmentScan> scan_;
  std::deque<ColumnRows> ready_;      // of segments; with gaps between them
};

template <class Hit, class Open>
void ColumnRows::find(std::string_view needle, Hit hit, Open open) const {
  const auto matching = matching_rows(needle);  // of the block, ascending
  auto match = matching.begin();
  for (std::uint32_t i = 0; i < rows_.size(); ++i) {
    const std::uint32_t row = rows_[i];
    if (row == kNone || !block_.holds(row)) {
      open(from_ + i);
      continue;
    }
    while (match != matching.end() && *match < row) ++match;
    if (match != matching.end() && *match == row) hit(from_ + i);
  }
}

}  // namespace posthorn::search
