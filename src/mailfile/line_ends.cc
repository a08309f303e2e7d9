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

void ToCrlf::put(std::string& out, std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto lf = text.find('\n', at);
    const auto line = text.substr(at, lf == text.npos ? lf : lf - at);
    out += line;
    if (!line.empty()) last_ = line.back();
    if (lf == text.npos) return;
    if (last_ != '\r') out += '\r';
    out += last_ = '\n';
    at = lf + 1;
  }
}

std::uint64_t ToCrlf::count(std::string_view text) {
  auto n = text.size();
  for (std::size_t at = 0; (at = text.find('\n', at)) != text.npos; ++at) n += (at > 0 ? text[at - 1] : last_) != '\r';
  if (!text.empty()) last_ = text.back();
  return n;
}

}  // namespace posthorn::mailfile
