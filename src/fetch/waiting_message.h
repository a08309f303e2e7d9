// A message that waits to be sent to a server.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "client/message_source.h"
#include "mailfile/file.h"

namespace posthorn::fetch {

// In a file beside the journal that has no name any more: it ends with the process, however that ends.
// Blocking.
class WaitingMessage {
 public:
  WaitingMessage() = default;  // none
  static Result<WaitingMessage> begin(const std::string& journal_path);
  Result<void> put(std::string_view bytes);
  Result<void> finish();  // behind it nothing more is put
  std::uint64_t size() const { return size_; }
  // All of it.  REQUIRES: finish(); this outlives the source.
  std::unique_ptr<client::MessageSource> open() const;

 private:
  Result<void> write();

  mailfile::File file_;
  std::string buffer_;
  std::uint64_t size_ = 0;
};

}  // namespace posthorn::fetch
