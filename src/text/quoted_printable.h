// Quoted-printable decoding [RFC2045 6.7], lenient and incremental.
#pragma once

#include <string>
#include <string_view>

namespace posthorn::text {

// Malformed escapes come out as they are; white space before a line end is dropped [RFC2045 6.7 rule 3]; hard
// line ends keep their form (CRLF or LF).  Any chunking gives the same bytes.
class QuotedPrintableDecoder {
 public:
  void feed(std::string_view in, std::string& out);  // appends to out
  void finish(std::string& out);  // the end of the body counts as a line end; ready for reuse

 private:
  void take(char c, std::string& out);
  void take_white(char c, std::string& out);

  // text: nothing pending.  white: spaces that may precede a line end.  equals: "=".  hex: "=" and one digit.
  // soft: "=" then white space.  soft_cr: "=" then CR.  white_cr: spaces, then CR.
  enum class State { text, white, white_cr, equals, hex, soft, soft_cr };
  State state_ = State::text;
  std::string held_;  // what the state has swallowed, at most 1 KiB
};

}  // namespace posthorn::text
