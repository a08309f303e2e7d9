#include "proto/smtp/data_decoder.h"

#include <cstring>

namespace posthorn::smtp {

// How much of `in` is content, up to a dot that begins a line or to the end; leaves state_ behind it.
// REQUIRES: state_ is text, cr, or line_start with something other than a dot ahead; `in` is not empty.
std::size_t DataDecoder::scan_text(std::string_view in) {
  const char* const begin = in.data();
  const char* const end = begin + in.size();
  const char* p = begin;
  while (p < end) {
    if (state_ == State::line_start && *p == '.') return p - begin;
    // One line: what stands before its LF may hold no CR but the last octet.
    const auto* lf = static_cast<const char*>(std::memchr(p, '\n', end - p));
    const char* const line_end = lf ? lf : end;
    if (state_ == State::cr && line_end != p) bare_newline_ = true;
    const bool ends_in_cr = line_end != p ? line_end[-1] == '\r' : state_ == State::cr;
    const char* const inner_end = line_end != p && ends_in_cr ? line_end - 1 : line_end;
    if (std::memchr(p, '\r', inner_end - p)) bare_newline_ = true;
    if (!lf) {
      state_ = ends_in_cr ? State::cr : State::text;
      return in.size();
    }
    if (!ends_in_cr) bare_newline_ = true;
    state_ = ends_in_cr ? State::line_start : State::text;
    p = lf + 1;
  }
  return in.size();
}

std::string_view DataDecoder::next(std::string_view& input) {
  while (!input.empty() && state_ != State::done) {
    switch (state_) {
      case State::line_start:
        if (input.front() == '.') {
          input.remove_prefix(1);
          state_ = State::dot;
          continue;
        }
        break;
      case State::dot:  // [RFC5321 4.5.2] The dot goes, whatever follows it; alone on its line it is the end.
        if (input.front() == '\r') {
          input.remove_prefix(1);
          state_ = State::dot_cr;
          continue;
        }
        state_ = State::text;
        break;
      case State::dot_cr:
        if (input.front() == '\n') {
          input.remove_prefix(1);
          state_ = State::done;
          return {};
        }
        state_ = State::cr;  // ".<CR>x": the CR was content and bare
        ++size_;
        return "\r";
      case State::text:
      case State::cr:
      case State::done:
        break;
    }
    const auto n = scan_text(input);
    const auto piece = input.substr(0, n);
    input.remove_prefix(n);
    size_ += n;
    if (!piece.empty()) return piece;
  }
  return {};
}

}  // namespace posthorn::smtp
