// Takes the dots out of what follows DATA and finds its end. [RFC5321 4.5.2]
#pragma once

#include <cstdint>
#include <string_view>

namespace posthorn::smtp {

// 1. Only <CRLF>.<CRLF> (or .<CRLF> at the very start) ends the message. [RFC5321 4.1.1.4] A bare CR or LF
// never ends a
//    line, so "\n.\n", "\n.\r\n" and "\r.\r" are content; bare_newline() reports it and the server refuses
//    the message at its end.
// 2. The pieces returned, put together, are the message, with the CRLF before the final dot.
// 3. Nothing behind the end is consumed.
// 4. Pieces are views into the input or static storage; nothing is copied or allocated.
class DataDecoder {
 public:
  // Returns the next piece of content and advances `input` past what was used. An empty piece means that
  // either the end was reached (done()) or `input` is used up.
  //   while (!(piece = decoder.next(input)).empty()) write(piece);
  std::string_view next(std::string_view& input);

  bool done() const { return state_ == State::done; }
  bool bare_newline() const { return bare_newline_; }
  std::uint64_t size() const { return size_; }  // octets of content so far

 private:
  // line_start -'.'-> dot -CR-> dot_cr -LF-> done; text -CR-> cr -LF-> line_start
  enum class State : std::uint8_t { line_start, text, cr, dot, dot_cr, done };
  std::size_t scan_text(std::string_view in);

  State state_ = State::line_start;
  bool bare_newline_ = false;
  std::uint64_t size_ = 0;
};

}  // namespace posthorn::smtp
