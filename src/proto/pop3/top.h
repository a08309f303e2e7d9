// How much of a message TOP sends. [RFC1939 7]
#pragma once

#include <cstdint>
#include <string_view>

namespace posthorn::pop3 {

// Lets pass the header, the empty line and `lines` lines of the body. Lines end with LF, with or without CR
// before it.
class TopFilter {
 public:
  explicit TopFilter(std::uint32_t lines) : lines_(lines) {}

  // The part of this piece that is to be sent (a view into it). Once done() the rest of the message need not
  // be read.
  std::string_view take(std::string_view piece);
  bool done() const { return in_body_ && lines_ == 0; }

 private:
  std::uint32_t lines_;
  bool in_body_ = false;
  bool line_is_empty_ = true;  // nothing but a CR since the last LF
};

}  // namespace posthorn::pop3
