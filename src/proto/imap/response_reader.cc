#include "proto/imap/response_reader.h"

#include <algorithm>

#include "text/ascii.h"

namespace posthorn::imap {
namespace {

using Kind = ResponseEvent::Kind;

struct Mark {
  std::uint64_t size = 0;
  std::size_t begin = 0;  // of "{" or "~{"
};

// "{3}", "{3+}" or "~{3}" at the end of the line.
std::optional<Mark> find_mark(std::string_view line) {
  if (!line.ends_with('}')) return std::nullopt;
  std::size_t end = line.size() - 1;
  if (end > 0 && line[end - 1] == '+') --end;
  std::size_t begin = end;
  while (begin > 0 && text::is_digit(line[begin - 1])) --begin;
  if (begin == end || begin == 0 || line[begin - 1] != '{') return std::nullopt;
  constexpr std::uint64_t kMost = ~std::uint64_t{0} >> 1;
  Mark out;
  for (const char c : line.substr(begin, end - begin)) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    out.size = out.size > (kMost - digit) / 10 ? kMost : out.size * 10 + digit;
  }
  out.begin = begin - 1;
  if (out.begin > 0 && line[out.begin - 1] == '~') --out.begin;
  return out;
}

// The human words at the end of a status response may look like anything. [RFC3501 9] resp-text
bool has_literals(std::string_view response) {
  if (!response.starts_with("* ")) return false;
  const auto word = response.substr(2, response.find(' ', 2) - 2);
  for (const std::string_view status : {"OK", "NO", "BAD", "BYE", "PREAUTH"})
    if (text::iequals(word, status)) return false;
  return true;
}

// "* 5 FETCH (... BODY[1.2]<0> ": what comes is (a part of) a message.
bool is_before_message(std::string_view text) {
  std::size_t at = 2;
  while (at < text.size() && text::is_digit(text[at])) ++at;
  if (at == 2 || !text::istarts_with(text.substr(at), " FETCH (") || !text.ends_with(' ')) return false;
  text.remove_suffix(1);
  // A few fields of a header are for who asked for them, and not for where messages go.
  const auto bracket = text.rfind('[');
  if (bracket != text.npos && text::istarts_with(text.substr(bracket + 1), "HEADER.FIELDS")) return false;
  if (text.ends_with(']') || text.ends_with('>')) return true;
  const auto word = text.substr(text.find_last_of(" (") + 1);
  return text::iequals(word, "RFC822") || text::iequals(word, "RFC822.TEXT") || text::iequals(word, "RFC822.HEADER");
}

std::string_view without_end(std::string_view line) {
  line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

void ResponseReader::reset() {
  state_ = State::line;
  held_ = std::string();
  scanned_ = 0;
  done_ = false;
  left_ = 0;
}

Result<std::optional<ResponseEvent>> ResponseReader::next(std::string_view& in) {
  if (done_) {
    done_ = false;
    scanned_ = 0;
    if (held_.capacity() > 64 * 1024) held_ = std::string();
    held_.clear();
  }
  for (;;) {
    if (state_ == State::message || state_ == State::message_end) return next_message(in);
    if (state_ == State::literal) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size()));
      held_ += in.substr(0, n);
      in.remove_prefix(n);
      left_ -= n;
      if (left_ > 0) return std::nullopt;
      scanned_ = held_.size();
      state_ = State::line;
    }
    TRY(auto event, next_line(in));
    if (event || in.empty()) return event;
  }
}

Result<std::optional<ResponseEvent>> ResponseReader::next_line(std::string_view& in) {
  const auto newline = in.find('\n');
  const auto piece = in.substr(0, newline == in.npos ? in.size() : newline + 1);
  if (piece.size() > limits_.line - std::min(limits_.line, held_.size())) return fail(Errc::too_large, "a response of the server is too long");
  in.remove_prefix(piece.size());
  if (newline == in.npos || held_.empty()) {
    // Most responses are whole in the input, and are not copied.
    if (newline != in.npos) {
      const auto text = without_end(piece);
      if (!find_mark(text) || !has_literals(text)) return ResponseEvent{.text = text};
    }
    held_ += piece;
    if (newline == in.npos) return std::nullopt;
  } else {
    held_ += piece;
  }
  // `in` has moved on: from here on only held_ counts.
  auto line_end = held_.size() - 1;
  if (line_end > scanned_ && held_[line_end - 1] == '\r') --line_end;
  const std::string_view line = std::string_view(held_).substr(scanned_, line_end - scanned_);
  if (find_mark(line) && has_literals(held_)) return begin_literal(std::string_view(held_).substr(0, line_end));
  done_ = true;
  return ResponseEvent{.text = std::string_view(held_).substr(0, line_end)};
}

Result<std::optional<ResponseEvent>> ResponseReader::begin_literal(std::string_view text) {
  const auto mark = *find_mark(text);
  left_ = mark.size;
  const auto front = text.substr(0, mark.begin);
  if (is_before_message(front)) {
    if (left_ > limits_.message) return fail(Errc::too_large, "the server announces a message of " + std::to_string(left_) + " octets");
    held_.resize(mark.begin);
    const std::size_t length = held_.size();
    held_ += "{0}\r\n";
    scanned_ = held_.size();
    state_ = left_ > 0 ? State::message : State::message_end;
    return ResponseEvent{.kind = Kind::message_begin, .text = std::string_view(held_).substr(0, length), .size = left_};
  }
  if (left_ > limits_.line - std::min(limits_.line, held_.size())) return fail(Errc::too_large, "the server announces a string that is too long");
  // One form of marks for the parser: "{n}" CRLF.
  held_.resize(mark.begin);
  held_ += "{" + std::to_string(left_) + "}\r\n";
  scanned_ = held_.size();
  state_ = left_ > 0 ? State::literal : State::line;
  return std::optional<ResponseEvent>();
}

Result<std::optional<ResponseEvent>> ResponseReader::next_message(std::string_view& in) {
  if (state_ == State::message_end) {
    state_ = State::line;
    return ResponseEvent{.kind = Kind::message_end};
  }
  if (in.empty()) return std::nullopt;
  const auto octets = in.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size())));
  in.remove_prefix(octets.size());
  left_ -= octets.size();
  if (left_ == 0) state_ = State::message_end;
  return ResponseEvent{.kind = Kind::message, .text = octets};
}

}  // namespace posthorn::imap
