// CRLF for everything that ends a line.
#pragma once

#include <string>
#include <string_view>

namespace posthorn::client {

// A bare LF and a bare CR become CRLF, as DATA must have it [RFC5321 2.3.8]; so does a last line without an end.  The result does not
// depend on how the text is cut.
class LineEnds {
 public:
  void put(std::string& out, std::string_view text);
  void finish(std::string& out);

 private:
  bool after_cr_ = false;      // the last byte was a CR, and is not written yet
  bool at_line_start_ = true;
};

}  // namespace posthorn::client
