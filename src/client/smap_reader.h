// What an SMAP server says, piece by piece. [SMAP1 2]
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace posthorn::client {

struct SmapReaderLimits {
  std::size_t line = 64 << 10;       // bytes of one line, of dot-stuffed content too
  std::uint64_t content = 1 << 30;   // bytes of one multi-line reply
};

struct SmapEvent {
  enum class Kind : std::uint8_t {
    status,         // +OK or -ERR: the end of the reply to a command
    data,           // "* WORD ..."
    go_ahead,       // "> ..."
    content_begin,  // a multi-line reply: its words
    content,        // bytes of it
    content_end,
  };
  Kind kind = Kind::status;
  bool ok = false;                 // status
  std::string text = {};           // status, go_ahead: behind the first word
  std::vector<std::string> words = {};  // data, content_begin
  std::string_view bytes = {};     // content; valid until the next call, or the end of the input given
};

// Incremental: any chunking gives the same events, but for where content is cut.
// After an error it is of no use any more.  Errors: syntax: that is no reply; too_large: beyond a limit.
class SmapReader {
 public:
  explicit SmapReader(SmapReaderLimits limits = {}) : limits_(limits) {}
  // The next event; takes what it used from the front of `in`.  nullopt: all of it was taken, more is needed.
  Result<std::optional<SmapEvent>> next(std::string_view& in);

 private:
  enum class State : std::uint8_t { line, dotted, chunk, chunk_line };
  Result<bool> take_line(std::string_view& in);  // into line_; false: it is not complete
  Result<SmapEvent> take_reply();
  Result<SmapEvent> begin_content();
  Result<void> begin_chunk(std::string_view digits);
  Result<std::optional<SmapEvent>> next_chunk(std::string_view& in);
  Result<void> count(std::uint64_t bytes);

  SmapReaderLimits limits_;
  State state_ = State::line;
  std::string line_;            // without its end, when it is complete
  bool line_complete_ = false;  // the next one begins anew
  std::uint64_t left_ = 0;      // of the chunk
  std::uint64_t content_ = 0;   // bytes of this reply so far
};

}  // namespace posthorn::client
