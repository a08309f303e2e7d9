// What an SMAP server says, piece by piece, as its client reads it. [SMAP1 2]
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace posthorn::smap {

struct ReplyLimits {
  std::size_t line = 64 << 10;         // bytes of a line that is no content
  std::uint64_t content = 4ull << 30;  // bytes of one multi-line reply, with what frames its chunks
};

struct ReplyEvent {
  enum class Kind : std::uint8_t {
    status,         // +OK or -ERR: the end of the reply to a command
    data,           // "* WORD ..."
    go_ahead,       // "> ..."
    content_begin,  // a multi-line reply: its words
    content,        // bytes of it
    content_end,
    content_void,   // -ERR where the size of a chunk must be: what came of the content is none, and that was the status
  };
  Kind kind = Kind::status;
  bool ok = false;                      // status
  std::string text = {};                // status, go_ahead, content_void: behind the first word
  std::vector<std::string> words = {};  // data, content_begin
  std::string_view bytes = {};          // content; valid until the next call, or the end of the input given
};

// Incremental: any chunking gives the same events, but for where content is cut.
// 1. Of content only what one call was given is held, however long its lines are; its size is what comes, not what was announced as a total.
// 2. Memory is bounded by ReplyLimits::line and the input of one call.
// 3. Dot-stuffed content comes with LF at the end of each line; a chunk as it is.
// After an error it is of no use any more.  Errors: syntax: that is no reply; too_large: beyond a limit.
class ReplyReader {
 public:
  explicit ReplyReader(ReplyLimits limits = {}) : limits_(limits) {}
  // The next event; takes what it used from the front of `in`.  nullopt: all of it was taken, more is needed.
  Result<std::optional<ReplyEvent>> next(std::string_view& in);
  // Forgets what has come.
  void reset();

 private:
  enum class State : std::uint8_t { line, line_start, in_line, chunk, chunk_line };
  Result<bool> take_line(std::string_view& in);  // into line_; false: it is not complete
  Result<ReplyEvent> take_reply();
  Result<ReplyEvent> begin_content();
  Result<void> begin_chunk(std::string_view digits);
  Result<std::optional<ReplyEvent>> next_chunk(std::string_view& in);
  Result<std::optional<ReplyEvent>> next_chunk_line(std::string_view& in);
  Result<std::optional<ReplyEvent>> next_line_start(std::string_view& in);
  Result<std::optional<ReplyEvent>> next_in_line(std::string_view& in);
  Result<std::optional<ReplyEvent>> give_line(bool complete);
  Result<void> count(std::uint64_t bytes);

  ReplyLimits limits_;
  State state_ = State::line;
  std::string line_;            // without its end, when it is complete; or what is given of content
  bool line_complete_ = false;  // the next one begins anew
  bool after_cr_ = false;       // in_line: a CR is held back that may belong to the line's end
  std::uint64_t left_ = 0;      // of the chunk
  std::uint64_t content_ = 0;   // bytes of this reply so far
};

}  // namespace posthorn::smap
