#include "client/line_ends.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace posthorn::client {

void LineEnds::put(std::string& out, std::string_view text) {
  if (text.empty()) return;
  if (std::exchange(after_cr_, false)) {
    out += "\r\n";
    if (text.front() == '\n') text.remove_prefix(1);
    at_line_start_ = true;
  }
  while (!text.empty()) {
    const auto line_end = text.find('\n');
    const auto line = text.substr(0, line_end);
    const auto cr = line.find('\r');
    if (cr == line.npos) {
      out += line;
      at_line_start_ = line_end != text.npos;
      if (at_line_start_) out += "\r\n";
      text.remove_prefix(at_line_start_ ? line.size() + 1 : line.size());
      continue;
    }
    out += line.substr(0, cr);
    text.remove_prefix(cr + 1);
    at_line_start_ = false;
    if (text.empty()) {
      after_cr_ = true;
      return;
    }
    if (text.front() == '\n') text.remove_prefix(1);
    out += "\r\n";
    at_line_start_ = true;
  }
}

void LineEnds::finish(std::string& out) {
  if (after_cr_ || !at_line_start_) out += "\r\n";
  after_cr_ = false;
  at_line_start_ = true;
}

}  // namespace posthorn::client
