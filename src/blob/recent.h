// The bytes of what came last, as they came: new mail is read at once, by those who send it on and those who wait for it.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/ids.h"

namespace posthorn::blob {

// A copy beside the store: nothing depends on what is in it.
// Threads: any.
// INVARIANT 1: together the bytes are within the budget; the oldest go first.
class RecentBlobs {
 public:
  using Bytes = std::shared_ptr<const std::string>;

  // In bytes; 0: nothing is kept.
  void set_budget(std::size_t);
  // A whole blob.  One that would take more than a sixteenth of the budget is not kept.
  void put(MessageId, std::string&& bytes);
  void erase(MessageId);
  // Null: not here.
  Bytes find(MessageId) const;
  std::size_t names_kept() const { return order_.size(); }  // for tests

 private:
  void trim();

  mutable std::mutex mutex_;  // guards all
  std::size_t budget_ = 0, used_ = 0;
  std::deque<MessageId> order_;  // may name what has gone
  std::unordered_map<std::uint64_t, Bytes> blobs_;
};

}  // namespace posthorn::blob
