// The octets of one message on its way: in memory when it is small, else in a file that has no name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "client/message_source.h"
#include "crypto/digest.h"
#include "mailfile/file.h"

namespace posthorn::copy {

// Lines end with CRLF as far as the message has lines: what a place keeps otherwise is its own business.
// Blocking for a large message only: its file is in TMPDIR, and never waited for to be on the disk.
class Spool {
 public:
  static constexpr std::size_t kInMemory = 256 << 10;

  // no_space, io: of the temporary file.
  Result<void> write(std::string_view octets);
  std::uint64_t size() const { return size_; }
  crypto::Sha256Digest digest();  // of everything; once, at the end
  // Each line ends with CRLF, and with no CR before that: LF alone tells as much.
  bool has_plain_lines() const { return plain_; }

  // At most 64 KiB from `offset` on; empty: the end.  Valid until the next call.
  Result<std::string_view> read(std::uint64_t offset);

 private:
  std::string memory_;
  std::unique_ptr<char[]> piece_;
  mailfile::File file_;
  std::uint64_t size_ = 0;
  crypto::Sha256 sha_;
  char last_ = 0, one_before_ = 0;
  bool plain_ = true;
};

// Of its lines, whatever ends them: without any CR, and with LF behind the last one.  Reads all of it.
Result<crypto::Sha256Digest> text_digest(Spool&);

// All of it, which must outlive this.
class SpoolSource final : public client::MessageSource {
 public:
  explicit SpoolSource(Spool& spool) : spool_(spool) {}
  Task<Result<std::string_view>> next() override;

 private:
  Spool& spool_;
  std::uint64_t at_ = 0;
};

}  // namespace posthorn::copy
