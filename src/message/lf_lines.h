// The line ends of a stored message for protocols that end lines with LF.
#pragma once

#include <string>
#include <string_view>

namespace posthorn::message {

// CRLF becomes LF; a CR alone is content and stays.  Streaming; any chunking gives the same bytes.
class LfLines {
 public:
  void feed(std::string_view in, std::string& out);  // appends to out
  void finish(std::string& out);                     // ready for reuse

 private:
  bool after_cr_ = false;  // the last byte was a CR, and is not written yet
};

// The other way, of text in which no CR stands before LF: every LF becomes CRLF.
void put_crlf_lines(std::string& out, std::string_view lf_lines);

}  // namespace posthorn::message
