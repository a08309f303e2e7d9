#include "proto/dot_stuffer.h"

#include <cstring>

namespace posthorn::proto {

// cr: the last octet sent was a CR of the text.  lf_owed: a CR was put before the bare LF that is at the
// front of `text`.
std::string_view DotStuffer::next(std::string_view& text) {
  if (text.empty()) return {};
  if (state_ == State::line_start && text.front() == '.') {
    state_ = State::text;
    return ".";
  }
  if (state_ == State::cr && text.front() != '\n' && bare_cr_ == BareCr::to_crlf) {
    state_ = State::line_start;
    return "\n";
  }
  if (state_ == State::lf_owed || (state_ == State::cr && text.front() == '\n')) {
    text.remove_prefix(1);
    state_ = State::line_start;
    return "\n";
  }
  // A run ends before what needs an insertion: a bare LF, a dot at the start of a line, or behind a bare CR.
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const char* p = begin;
  auto take = [&](const char* to, State state) {
    const std::string_view run(begin, to - begin);
    text.remove_prefix(run.size());
    state_ = state;
    return run;
  };
  while (p < end) {
    if (*p == '.' && p != begin) return take(p, State::line_start);
    const auto* lf = static_cast<const char*>(std::memchr(p, '\n', end - p));
    const char* const line_end = lf ? lf : end;
    if (bare_cr_ == BareCr::to_crlf) {
      const auto* cr = static_cast<const char*>(std::memchr(p, '\r', line_end - p));
      if (cr && (cr + 1 < line_end || !lf)) return take(cr + 1, State::cr);
    }
    const bool ends_in_cr = line_end != p && line_end[-1] == '\r';
    if (!lf) return take(end, ends_in_cr ? State::cr : State::text);
    if (!ends_in_cr) {
      if (lf != begin) return take(lf, State::text);
      state_ = State::lf_owed;
      return "\r";
    }
    p = lf + 1;
  }
  return take(end, State::line_start);
}

std::string_view DotStuffer::finish() {
  switch (state_) {
    case State::line_start:
      return ".\r\n";
    case State::cr:
      return "\n.\r\n";
    case State::text:
    case State::lf_owed:
      break;
  }
  return "\r\n.\r\n";
}

void DotStuffer::put(std::string& out, std::string_view text) {
  for (std::string_view piece; !(piece = next(text)).empty();) out += piece;
}

}  // namespace posthorn::proto
