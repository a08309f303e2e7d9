#include "copy/maildir_text.h"

namespace posthorn::copy {

void MaildirText::put(std::string& out, std::string_view text) {
  if (as_ == As::it_is) {
    out += text;
    return;
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\n') {
      if (as_ == As::unknown) as_ = last_ == '\r' ? As::it_is : As::lines;
      if (as_ == As::it_is) {
        out += text.substr(at);
        return;
      }
      if (last_ != '\r') out += '\r';
    }
    out += c;
    last_ = c;
  }
}

std::string WithoutCr::take(std::string_view piece, bool last) {
  std::string out;
  out.reserve(piece.size() + 1);
  for (const char c : piece) {
    if (held_cr_ && c != '\n') out += '\r';
    held_cr_ = c == '\r';
    if (!held_cr_) out += c;
  }
  if (last && held_cr_) out += '\r';
  return out;
}

bool lies_as_it_is(Spool& octets) {
  if (octets.has_plain_lines()) return false;
  char before = 0;
  for (std::uint64_t at = 0;;) {
    const auto piece = octets.read(at);
    if (!piece || piece->empty()) return false;
    for (const char c : *piece) {
      if (c == '\n') return before == '\r';
      before = c;
    }
    at += piece->size();
  }
}

}  // namespace posthorn::copy
