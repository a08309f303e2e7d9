// The stored segments of one column, in order, a few at a time.
#pragma once

#include <string>

#include "async/task.h"
#include "base/result.h"
#include "kv/store.h"
#include "search/column.h"
#include "store/account.h"

namespace posthorn::search {

// One coroutine uses it.
class SegmentScan {
 public:
  // Those that may have rows of the UIDs [first, last]: the first one may end before them.
  SegmentScan(store::AccountPtr account, MailboxId mailbox, Column column, Uid first, Uid last, std::size_t ahead, kv::SnapshotPtr at = {})
      : account_(std::move(account)), at_(std::move(at)), mailbox_(mailbox), column_(column), first_(first), last_(last), ahead_(ahead) {}

  bool more() const { return more_; }
  // At most `ahead` rows, or 4 MiB; may be none.  When they cannot be read for damage the index is dropped, and there are no more.
  // REQUIRES: more().
  Task<Result<std::vector<kv::Row>>> next();

 private:
  Task<Result<std::vector<kv::Row>>> read();

  store::AccountPtr account_;
  kv::SnapshotPtr at_;
  MailboxId mailbox_;
  Column column_;
  Uid first_, last_;
  std::size_t ahead_;
  std::string next_key_;
  bool more_ = true;
};

}  // namespace posthorn::search
