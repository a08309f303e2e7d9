// Messages of an mbox file, as a stream. [RFC4155]
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "mailfile/file.h"
#include "mailfile/mbox_format.h"

namespace posthorn::mailfile {

// mboxrd takes one ">" from each line of ">"s and "From "; mboxo only from ">From ".  Which of both a file is
// does not stand in it.
enum class MboxKind : std::uint8_t { mboxrd, mboxo };

struct MboxMessage {
  std::uint64_t offset = 0;  // of its "From " line
  std::string sender;
  std::optional<SysTime> when;  // of the "From " line
  std::string flags;            // letters of Maildir, from Status and X-Status
};

// A message begins with a "From " line at the beginning of the file or behind an empty line; Content-Length
// is not heeded, because it lies too often.  Lines may be of any length and hold any bytes; memory is bounded
// (64 KiB and the header, at most 256 KiB, of which Status and X-Status are left out).
//
// Push: feed() what there is, take what came; no I/O.
class MboxReader {
 public:
  explicit MboxReader(MboxKind kind = MboxKind::mboxrd) : kind_(kind) {}

  class Events {
   public:
    virtual ~Events() = default;
    virtual Result<void> begin(const MboxMessage&) = 0;
    virtual Result<void> put(std::string_view bytes) = 0;  // LF ends lines, as in the file
    virtual Result<void> end() = 0;
  };
  // syntax: the file does not begin with a "From " line.
  Result<void> feed(std::string_view bytes, Events&);
  Result<void> finish(Events&);

 private:
  Result<void> take_line(std::string_view line, Events&);
  Result<void> begin_message(const MboxFromLine&, Events&);
  Result<void> end_header(Events&);
  Result<void> emit(std::string_view bytes, Events&);

  MboxKind kind_;
  std::string line_;           // not whole yet
  bool rest_of_line_ = false;  // the beginning of this line was taken already
  std::uint64_t offset_ = 0;   // of what comes next
  bool any_ = false;           // a message has begun
  bool in_header_ = false;
  std::string header_;
  std::string status_, x_status_;
  bool in_status_ = false;   // continuation lines go with it
  bool empty_line_ = false;  // held back: it may be the one before a "From " line
  std::string empty_end_;
  MboxMessage message_;
};

// Reads a whole file.  Blocking.
Result<void> read_mbox(const std::string& path, MboxKind, MboxReader::Events&);

}  // namespace posthorn::mailfile
