// Where the bytes of a message come from.
#pragma once

#include <string_view>

#include "async/task.h"
#include "base/result.h"

namespace posthorn::client {

// Read once, from the beginning to the end.
class MessageSource {
 public:
  virtual ~MessageSource() = default;
  // The next piece, of any length; empty: the end.  Valid until the next call.  After an error nothing of this transaction is delivered:
  // a message is never cut short.
  virtual Task<Result<std::string_view>> next() = 0;
};

// All of it in memory, which must outlive this.
class TextSource final : public MessageSource {
 public:
  explicit TextSource(std::string_view text) : text_(text) {}
  Task<Result<std::string_view>> next() override;

 private:
  std::string_view text_;
};

}  // namespace posthorn::client
