// The bytes of one message, read in pieces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "async/task.h"
#include "base/ids.h"
#include "base/result.h"
#include "message/summary.h"
#include "store/account.h"

namespace posthorn::smap {

// Holds one piece of at most blob::kChunkSize bytes.  The account outlives it.
class ContentReader {
 public:
  ContentReader(store::Account& account, MessageId message, std::uint64_t size) : account_(account), message_(message), size_(size) {}

  // The next bytes of the range, at least one; takes them from its front.  Valid until the next call.
  // not_found: the message has gone.  corrupt: it is shorter than it should be.  REQUIRES: the range is not empty, and in the message.
  Task<Result<std::string_view>> take(message::Range& range);

 private:
  store::Account& account_;
  const MessageId message_;
  const std::uint64_t size_;
  std::string window_;  // the bytes from window_offset_ on
  std::uint64_t window_offset_ = 0;
};

}  // namespace posthorn::smap
