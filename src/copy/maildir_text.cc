#include "copy/maildir_text.h"

#include "mailfile/line_ends.h"

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

Result<void> give_as_file(Spool& octets, const std::function<Result<void>(std::string_view)>& put) {
  const bool as_it_is = lies_as_it_is(octets);
  mailfile::ToLf lines;
  std::string text;
  for (std::uint64_t at = 0;;) {
    TRY(const auto piece, octets.read(at));
    text.clear();
    if (piece.empty()) {
      lines.finish(text);
      return text.empty() ? Result<void>{} : put(text);
    }
    at += piece.size();
    if (!as_it_is) lines.put(text, piece);
    TRY_OK(put(as_it_is ? piece : std::string_view(text)));
  }
}

}  // namespace posthorn::copy
