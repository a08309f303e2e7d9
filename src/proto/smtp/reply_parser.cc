#include "proto/smtp/reply_parser.h"

#include <algorithm>

#include "text/ascii.h"

namespace posthorn::smtp {
namespace {

using text::is_digit;

constexpr std::size_t kCode = 3;
constexpr std::size_t kKeepCapacity = 1024;

// [RFC2034 4] status-code: class "." subject "." detail, of at most three digits each, and a space or the end behind it.
std::optional<EnhancedCode> take_enhanced_code(std::string_view& text, char klass) {
  std::string_view in = text;
  auto take_number = [&in]() -> std::optional<std::uint16_t> {
    const auto n = static_cast<std::size_t>(std::find_if_not(in.begin(), in.end(), is_digit) - in.begin());
    if (n == 0 || n > 3) return {};
    std::uint16_t value = 0;
    for (const char c : in.substr(0, n)) value = static_cast<std::uint16_t>(value * 10 + (c - '0'));
    in.remove_prefix(n);
    return value;
  };
  auto take_dot = [&in] {
    const bool is_dot = in.starts_with('.');
    if (is_dot) in.remove_prefix(1);
    return is_dot;
  };
  // A class that contradicts the code is no help: it stays in the text.
  if (!in.starts_with(klass) || (klass != '2' && klass != '4' && klass != '5')) return {};
  const auto first = take_number();
  if (!first || *first > 9 || !take_dot()) return {};
  const auto subject = take_number();
  if (!subject || !take_dot()) return {};
  const auto detail = take_number();
  if (!detail || !(in.empty() || in.front() == ' ' || in.front() == '\t')) return {};
  if (!in.empty()) in.remove_prefix(1);
  text = in;
  return EnhancedCode{*first, *subject, *detail};
}

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c == '\t') c = ' ';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

// As far as the line has come.
Result<void> ReplyParser::check_line_start() const {
  const auto line = without_line_end(std::string_view(raw_).substr(line_start_));
  for (std::size_t i = 0; i < std::min(line.size(), kCode); ++i)
    if (!is_digit(line[i]) || (i == 0 && (line[i] < '2' || line[i] > '5')))
      return fail(Errc::syntax, "a reply that does not begin with a code");
  if (line.size() > kCode && line[kCode] != ' ' && line[kCode] != '-')
    return fail(Errc::syntax, "a reply with neither space nor hyphen behind its code");
  return {};
}

Result<bool> ReplyParser::take_line(std::string_view line) {
  if (line.size() < kCode) return fail(Errc::syntax, "a reply that does not begin with a code");
  const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  if (!reply_.lines.empty() && reply_.code != code) return fail(Errc::syntax, "a reply that changes its code from line to line");
  reply_.code = code;
  const bool last = line.size() == kCode || line[kCode] == ' ';
  std::string_view text = line.substr(std::min(line.size(), kCode + 1));
  // [RFC2034 4] Each line has it; not all servers know that.
  if (const auto enhanced = take_enhanced_code(text, line[0]); enhanced && reply_.enhanced.klass == 0) reply_.enhanced = *enhanced;
  reply_.lines.push_back(printable(text));
  return last;
}

Result<std::optional<Reply>> ReplyParser::next(std::string_view& in) {
  if (complete_) {
    raw_.clear();
    if (raw_.capacity() > kKeepCapacity) std::string().swap(raw_);
    line_start_ = 0;
    complete_ = false;
    reply_ = Reply();
  }
  while (!in.empty()) {
    const auto lf = in.find('\n');
    const std::size_t room = limits_.line + 2 - std::min(raw_.size() - line_start_, limits_.line + 2);
    const auto piece = in.substr(0, std::min(lf == in.npos ? in.size() : lf + 1, room + 1));
    in.remove_prefix(piece.size());
    raw_ += piece;
    TRY_OK(check_line_start());
    const auto line = without_line_end(std::string_view(raw_).substr(line_start_));
    if (line.size() > limits_.line) return fail(Errc::limit, "a reply with a line of more than " + std::to_string(limits_.line) + " bytes");
    if (!piece.ends_with('\n')) continue;
    if (raw_.size() > limits_.bytes) return fail(Errc::limit, "a reply of more than " + std::to_string(limits_.bytes) + " bytes");
    TRY(const bool last, take_line(line));
    if (last) {
      complete_ = true;
      return std::optional(std::move(reply_));
    }
    if (reply_.lines.size() >= limits_.lines) return fail(Errc::limit, "a reply of more than " + std::to_string(limits_.lines) + " lines");
    line_start_ = raw_.size();
  }
  return std::optional<Reply>();
}

}  // namespace posthorn::smtp
