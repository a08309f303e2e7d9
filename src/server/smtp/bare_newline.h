// Finds a CR or LF that is not part of a CRLF, in text that comes in pieces.
#pragma once

#include <cstring>
#include <string_view>

namespace posthorn::server {

class BareNewlineFinder {
 public:
  void feed(std::string_view piece) {
    if (found_ || piece.empty()) return;
    if (after_cr_ && piece.front() != '\n') found_ = true;
    const char* p = piece.data();
    const char* const end = p + piece.size();
    // The CR of the previous piece makes a first LF good.
    if (after_cr_ && *p == '\n') ++p;
    while (p < end) {
      const auto* lf = static_cast<const char*>(std::memchr(p, '\n', end - p));
      const char* const line_end = lf ? lf : end;
      const auto* cr = static_cast<const char*>(std::memchr(p, '\r', line_end - p));
      if (cr && cr + 1 != line_end) found_ = true;
      if (lf && !cr) found_ = true;
      p = lf ? lf + 1 : end;
    }
    after_cr_ = end[-1] == '\r';
  }
  // At the end of the text.
  bool found() const { return found_ || after_cr_; }

 private:
  bool found_ = false;
  bool after_cr_ = false;
};

}  // namespace posthorn::server
