#include "message/lf_lines.h"

#include <utility>

namespace posthorn::message {

void LfLines::feed(std::string_view in, std::string& out) {
  if (in.empty()) return;
  if (std::exchange(after_cr_, false) && in.front() != '\n') out += '\r';
  for (;;) {
    const auto cr = in.find('\r');
    out += in.substr(0, cr);
    if (cr == in.npos) return;
    in.remove_prefix(cr + 1);
    if (in.empty()) {
      after_cr_ = true;
      return;
    }
    if (in.front() != '\n') out += '\r';
  }
}

void LfLines::finish(std::string& out) {
  if (std::exchange(after_cr_, false)) out += '\r';
}

void put_crlf_lines(std::string& out, std::string_view lf_lines) {
  for (;;) {
    const auto lf = lf_lines.find('\n');
    out += lf_lines.substr(0, lf);
    if (lf == lf_lines.npos) return;
    out += "\r\n";
    lf_lines.remove_prefix(lf + 1);
  }
}

}  // namespace posthorn::message
