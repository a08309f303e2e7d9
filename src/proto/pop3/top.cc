#include "proto/pop3/top.h"

#include <cstring>

namespace posthorn::pop3 {

std::string_view TopFilter::take(std::string_view piece) {
  const char* const end = piece.data() + piece.size();
  const char* p = piece.data();
  while (p < end && !done()) {
    const auto* lf = static_cast<const char*>(std::memchr(p, '\n', end - p));
    const char* const line_end = lf ? lf : end;
    for (const char* c = p; line_is_empty_ && c < line_end; ++c) line_is_empty_ = *c == '\r';
    p = lf ? lf + 1 : end;
    if (!lf) break;
    if (in_body_)
      --lines_;
    else
      in_body_ = line_is_empty_;
    line_is_empty_ = true;
  }
  return piece.substr(0, p - piece.data());
}

}  // namespace posthorn::pop3
