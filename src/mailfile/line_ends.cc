#include "mailfile/line_ends.h"

#include <algorithm>

namespace posthorn::mailfile {

void ToLf::put(std::string& out, std::string_view text) {
  if (text.empty()) return;
  const auto before = out.size();
  if (after_cr_ && text.front() != '\n') out += '\r';
  after_cr_ = false;
  while (!text.empty()) {
    const auto cr = std::min(text.find('\r'), text.size());
    out.append(text, 0, cr);
    text.remove_prefix(cr);
    if (text.empty()) break;
    if (text.size() == 1) {
      after_cr_ = true;
      break;
    }
    if (text[1] != '\n') out += '\r';
    text.remove_prefix(1);
  }
  lines_ += static_cast<std::uint64_t>(
      std::count(out.begin() + static_cast<std::ptrdiff_t>(before), out.end(), '\n'));
}

void ToLf::finish(std::string& out) {
  if (after_cr_) out += '\r';
  after_cr_ = false;
}

}  // namespace posthorn::mailfile
