// Cuts what a server says into responses. [RFC3501 4.3, 7]
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "proto/imap/response.h"

namespace posthorn::imap {

struct ResponseEvent {
  enum class Kind : std::uint8_t {
    response,       // a whole one, for parse_response(): literals stand in it as they came, streamed ones as "{0}"
    message_begin,  // a literal of a FETCH that holds (a part of) a message: the text before it, for parse_fetch_front(), and its size
    message,        // octets of it
    message_end,    // the response goes on
  } kind = Kind::response;
  std::string_view text;   // valid until the next call, and while the input lives
  std::uint64_t size = 0;  // message_begin
};

// Incremental: any chunking gives the same events, but for where a message is cut.
// 1. No message is held: of a literal behind BODY[...] (but not BODY[HEADER.FIELDS ...]), BINARY[...] or RFC822 only what one call was given is passed on.
// 2. Memory is bounded by ResponseLimits::line.
// A bare LF ends a line as CRLF does: it hides nothing from a client.
// After an error it is of no use any more.  Errors: syntax; too_large: beyond a limit.
class ResponseReader {
 public:
  explicit ResponseReader(ResponseLimits limits = {}) : limits_(limits) {}
  // The next event; takes what it used from the front of `in`.  nullopt: all of it was taken, more is needed.
  Result<std::optional<ResponseEvent>> next(std::string_view& in);
  // In the middle of a response.
  bool in_response() const { return state_ != State::line || !held_.empty(); }
  const ResponseLimits& limits() const { return limits_; }
  void set_utf8() { limits_.utf8 = true; }
  // Forgets what has come.
  void reset();

 private:
  enum class State : std::uint8_t { line, literal, message, message_end };
  Result<std::optional<ResponseEvent>> next_line(std::string_view& in);
  Result<std::optional<ResponseEvent>> next_message(std::string_view& in);
  Result<std::optional<ResponseEvent>> begin_literal(std::string_view text);

  ResponseLimits limits_;
  State state_ = State::line;
  std::string held_;         // of the response so far; with done_: the one that was given last
  std::size_t scanned_ = 0;  // of held_: where its last line begins
  bool done_ = false;
  std::uint64_t left_ = 0;   // of the literal
};

}  // namespace posthorn::imap
