#include "text/quoted_printable.h"

#include "text/ascii.h"

namespace posthorn::text {
namespace {

// White space before a line end is dropped only up to this length: a longer run is text, so memory stays
// bounded.
constexpr std::size_t kMaxHeld = 1024;

bool is_plain(char c) { return c != '=' && !is_wsp(c); }

}  // namespace

void QuotedPrintableDecoder::feed(std::string_view in, std::string& out) {
  std::size_t i = 0;
  while (i < in.size()) {
    if (state_ == State::text) {
      std::size_t end = i;
      while (end < in.size() && is_plain(in[end])) ++end;
      out.append(in.substr(i, end - i));
      i = end;
      if (i == in.size()) return;
    }
    take(in[i++], out);
  }
}

void QuotedPrintableDecoder::take_white(char c, std::string& out) {
  if (held_.size() == kMaxHeld) {
    if (state_ == State::soft) out += '=';
    out += held_;
    held_.clear();
    state_ = State::white;
  }
  held_ += c;
}

// One byte in any state.  A byte that ends a malformed run is taken again as text.
void QuotedPrintableDecoder::take(char c, std::string& out) {
  auto give_up = [&](std::string_view before, std::string_view after) {
    out.append(before).append(held_).append(after);
    held_.clear();
    state_ = State::text;
    take(c, out);  // at most one level deep: `text` never gives up
  };
  auto line_end = [&](std::string_view text) {
    held_.clear();
    out += text;
    state_ = State::text;
  };
  switch (state_) {
    case State::text:
      if (c == '=') {
        state_ = State::equals;
      } else if (is_wsp(c)) {
        state_ = State::white;
        held_ = c;
      } else {
        out += c;
      }
      return;
    case State::white:
      if (is_wsp(c)) return take_white(c, out);
      if (c == '\r') return void(state_ = State::white_cr);
      return c == '\n' ? line_end("\n") : give_up("", "");
    case State::white_cr:
      return c == '\n' ? line_end("\r\n") : give_up("", "\r");
    case State::equals:
      if (c == '\n') return line_end("");
      if (c == '\r') return void(state_ = State::soft_cr);
      if (is_wsp(c) || hex_value(c) >= 0) {
        state_ = is_wsp(c) ? State::soft : State::hex;
        held_ = c;
        return;
      }
      return give_up("=", "");
    case State::hex:
      if (hex_value(c) < 0) return give_up("=", "");
      out += static_cast<char>(hex_value(held_[0]) * 16 + hex_value(c));
      return line_end("");
    case State::soft:
      if (is_wsp(c)) return take_white(c, out);
      if (c == '\r') return void(state_ = State::soft_cr);
      return c == '\n' ? line_end("") : give_up("=", "");
    case State::soft_cr:
      return c == '\n' ? line_end("") : give_up("=", "\r");
  }
}

void QuotedPrintableDecoder::finish(std::string& out) {
  if (state_ == State::hex) out.append("=").append(held_);
  if (state_ == State::white_cr) out += '\r';
  held_.clear();
  state_ = State::text;
}

}  // namespace posthorn::text
