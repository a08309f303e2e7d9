#include "message/header_lines.h"

#include <algorithm>

#include "text/ascii.h"

namespace posthorn::message {

void HeaderLines::feed(std::string_view block_bytes, std::string& out) {
  for (const char c : block_bytes) {
    if (state_ == State::done) return;
    const bool cr = after_cr_;
    after_cr_ = c == '\r';
    if (cr && c != '\n') take('\r', out);
    if (c != '\r') take(c, out);
  }
}

void HeaderLines::finish(std::string& out) {
  if (state_ == State::blank || state_ == State::value || state_ == State::line_end) {
    if (state_ == State::value && folding_ == Folding::kept) out += held_;
    out += '\n';
  }
  held_.clear();
  state_ = State::done;
}

void HeaderLines::take(char c, std::string& out) {
  switch (state_) {
    case State::line_start:
    case State::line_end:
    case State::skipped_line_end: begin_line(c, out); break;
    case State::name:
      if (c == ':') end_name(out);
      else if (c == '\n') state_ = State::skipped_line_end;
      else if (held_.size() < kLongestName) held_ += c;
      else state_ = State::skip;
      break;
    case State::skip:
      if (c == '\n') state_ = State::skipped_line_end;
      break;
    case State::blank:
      if (text::is_wsp(c)) break;
      if (c != '\n' && has_value_) out += ' ';
      [[fallthrough]];
    case State::value: take_value(c, out); break;
    case State::done: break;
  }
}

// The field's name is over: whether it comes out is decided here.
void HeaderLines::end_name(std::string& out) {
  while (!held_.empty() && text::is_wsp(held_.back())) held_.pop_back();  // [RFC5322 4.5]
  const bool is_field = !held_.empty() && std::ranges::all_of(held_, [](unsigned char c) { return c > 32 && c != 127; });
  state_ = is_field && wants_(held_) ? State::blank : State::skip;
  if (state_ == State::blank) out.append(held_).append(": ");
  has_value_ = false;
  held_.clear();
}

void HeaderLines::take_value(char c, std::string& out) {
  if (c == '\n') {
    if (folding_ == Folding::kept) out += held_;
    held_.clear();
    state_ = State::line_end;
    return;
  }
  if (text::is_wsp(c) && held_.size() < kLongestBlank) {
    held_ += c;
  } else {
    out += held_;
    held_.clear();
    out += c;
  }
  has_value_ = true;
  state_ = State::value;
}

// Behind a line end: does the field before go on?
void HeaderLines::begin_line(char c, std::string& out) {
  if (text::is_wsp(c) && state_ != State::line_start) {
    if (state_ == State::skipped_line_end) {
      state_ = State::skip;
    } else if (folding_ == Folding::kept) {
      out += '\n';
      out += c;
      state_ = State::value;
    } else {
      state_ = State::blank;  // one space, when something comes behind it
    }
    return;
  }
  if (state_ == State::line_end) out += '\n';
  held_.clear();
  if (c == '\n') {
    state_ = State::done;
  } else if (text::is_wsp(c) || c == ':') {
    state_ = State::skip;
  } else {
    held_ = c;
    state_ = State::name;
  }
}

}  // namespace posthorn::message
