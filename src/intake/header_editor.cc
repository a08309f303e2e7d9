#include "intake/header_editor.h"

#include "text/ascii.h"

namespace posthorn::intake {
namespace {

constexpr std::size_t kMaxName = 80;   // no field we look for has such a name
constexpr std::size_t kMaxHeld = 998;  // with blanks behind it

bool is_name(std::string_view s) {  // [RFC5322 2.2] 33..126 without the colon
  if (s.empty()) return false;
  for (const char c : s)
    if (c <= ' ' || c >= 0x7f) return false;
  return true;
}

bool is_mbox_line(std::string_view s) { return s.starts_with("From ") || s.starts_with(">From "); }

}  // namespace

void HeaderEditor::edit(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    switch (state_) {
      case State::body: out += bytes; return;
      case State::copy:
      case State::skip: {
        const auto lf = bytes.find('\n');
        const auto n = lf == bytes.npos ? bytes.size() : lf + 1;
        if (state_ == State::copy) out += bytes.substr(0, n);
        if (keeping_) keep(bytes.substr(0, n));
        bytes.remove_prefix(n);
        if (lf != bytes.npos) state_ = State::line_start;
        break;
      }
      case State::line_start:
        if (text::is_wsp(bytes.front()) && !(at_top_ && fate_ == State::copy)) {
          state_ = fate_;  // a continuation
          break;
        }
        state_ = State::name;
        keeping_ = false;
        held_.clear();
        name_size_ = 0;
        [[fallthrough]];
      case State::name:
        take_name_byte(bytes.front(), out);
        bytes.remove_prefix(1);
        break;
    }
  }
}

// The byte is the next of a line whose first bytes are in held_.
void HeaderEditor::take_name_byte(char c, std::string& out) {
  held_ += c;
  if (!text::is_wsp(c)) name_size_ = held_.size();
  if (held_ == "\r") return;
  if (held_ == "\r\n" || held_ == "\n") {
    end_header(out);
    return;
  }
  if (c == ':') decide_field(out);
  else if (c == '\n' || c == '\r' || name_size_ > kMaxName || held_.size() > kMaxHeld || (at_top_ && is_mbox_line(held_))) decide_no_field(out);
}

void HeaderEditor::decide_field(std::string& out) {
  std::string_view name = held_;
  name.remove_suffix(1);
  while (!name.empty() && text::is_wsp(name.back())) name.remove_suffix(1);  // [RFC5322 4.5]
  if (!is_name(name)) return decide_no_field(out);
  if (at_top_ && text::iequals(name, "Return-Path")) {
    state_ = fate_ = State::skip;
    return;
  }
  received_ += text::iequals(name, "Received");
  has_date_ |= text::iequals(name, "Date");
  has_message_id_ |= text::iequals(name, "Message-ID");
  has_from_ |= text::iequals(name, "From");
  at_top_ = false;
  if (bcc_ == Bcc::drop && (text::iequals(name, "Bcc") || text::iequals(name, "Resent-Bcc"))) {
    state_ = fate_ = State::skip;
    return;
  }
  for (const std::string_view wanted : {"from", "sender", "tls-required"})
    if (text::iequals(name, wanted)) {
      kept_bytes_ += wanted.size();
      keeping_ = kept_all();
      if (keeping_) kept_.push_back({std::string(wanted), {}});
    }
  state_ = fate_ = State::copy;
  out += held_;
}

void HeaderEditor::keep(std::string_view bytes) {
  kept_bytes_ += bytes.size();
  if (kept_all()) kept_.back().value += bytes;
  else keeping_ = false;
}

bool HeaderEditor::says_tls_is_optional() const {
  for (const auto& field : kept_)
    if (field.name == "tls-required" && text::iequals(text::trim(field.value), "No")) return true;
  return false;
}

void HeaderEditor::decide_no_field(std::string& out) {
  if (at_top_ && is_mbox_line(held_)) {
    state_ = fate_ = State::skip;
    return;
  }
  if (at_top_) {
    const auto line = std::move(held_);
    held_ = "\r\n";
    end_header(out);
    out += line;
    return;
  }
  // Others may still take it for a field: whoever asks who the authors are is told that we do not know all.
  if (held_.size() > kMaxHeld && name_size_ <= kMaxName) kept_bytes_ = kMaxKept + 1;
  // Deep in a header such a line stays what it is: the parser lives with it, and a signature may cover it.
  state_ = held_.back() == '\n' ? State::line_start : State::copy;
  fate_ = State::copy;
  out += held_;
}

// held_ is the empty line that ends the header.
void HeaderEditor::end_header(std::string& out) {
  state_ = State::body;
  if (complete_) out += complete_({.date = !has_date_, .message_id = !has_message_id_, .from = !has_from_});
  out += held_;
  held_ = {};
  complete_ = {};
}

void HeaderEditor::finish(std::string& out) {
  if (state_ == State::body) return;
  if (state_ == State::name) {
    // The message ends inside its first line, or inside a line of its header.
    if (at_top_) return decide_no_field(out);
    out += held_;
    if (complete_) out += "\r\n";
  } else if (state_ == State::copy && complete_) {
    out += "\r\n";  // the last line had no end (BDAT)
  }
  held_.clear();
  end_header(out);
}

}  // namespace posthorn::intake
