#include "proto/smap/reply_reader.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "proto/smap/words.h"
#include "text/ascii.h"

namespace posthorn::smap {
namespace {

using Kind = ReplyEvent::Kind;

constexpr std::size_t kLastLine = 64;  // a line of content that is longer is not the lone dot with white space behind it

std::vector<std::string> words_of(std::string_view line) {
  Words words(line);
  std::vector<std::string> out;
  while (!words.at_end()) out.push_back(words.take());
  return out;
}

Result<std::uint64_t> parse_number(std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return fail(Errc::syntax, "no number where a size must be");
  return number;
}

std::string behind(std::string_view line, std::size_t prefix) { return std::string(text::trim(line.substr(prefix))); }

}  // namespace

void ReplyReader::reset() { *this = ReplyReader(limits_); }

Result<std::optional<ReplyEvent>> ReplyReader::next(std::string_view& in) {
  switch (state_) {
    case State::line: break;
    case State::line_start: return next_line_start(in);
    case State::in_line: return next_in_line(in);
    case State::chunk: return next_chunk(in);
    case State::chunk_line: return next_chunk_line(in);
  }
  TRY(const bool complete, take_line(in));
  if (!complete) return std::nullopt;
  TRY(auto event, take_reply());
  return event;
}

Result<bool> ReplyReader::take_line(std::string_view& in) {
  if (std::exchange(line_complete_, false)) line_.clear();
  const auto newline = in.find('\n');
  const bool complete = newline != in.npos;
  const auto piece = in.substr(0, newline);
  if (line_.size() + piece.size() > limits_.line) return fail(Errc::too_large, "a line of the server is too long");
  line_ += piece;
  in.remove_prefix(complete ? newline + 1 : in.size());
  if (!complete) return false;
  if (line_.ends_with('\r')) line_.pop_back();
  line_complete_ = true;
  return true;
}

Result<ReplyEvent> ReplyReader::take_reply() {
  const std::string_view line = line_;
  const auto word = line.substr(0, line.find(' '));
  if (word == "+OK" || word == "-ERR") return ReplyEvent{.kind = Kind::status, .ok = word == "+OK", .text = behind(line, word.size())};
  if (word == "*") return ReplyEvent{.kind = Kind::data, .words = words_of(line.substr(1))};
  if (word == ">") return ReplyEvent{.kind = Kind::go_ahead, .text = behind(line, 1)};
  if (line.starts_with('{')) return begin_content();
  return fail(Errc::syntax, "that is no reply");
}

// "{.n} words" or "{chunk/total} words"
Result<ReplyEvent> ReplyReader::begin_content() {
  const std::string_view line = line_;
  const auto end = line.find('}');
  if (end == line.npos) return fail(Errc::syntax, "a size without its end");
  const auto size = line.substr(1, end - 1);
  content_ = 0;
  if (size.starts_with('.')) {
    TRY_OK(parse_number(size.substr(1)));
    state_ = State::line_start;
  } else {
    const auto slash = size.find('/');
    if (slash == size.npos) return fail(Errc::syntax, "a size without a total");
    TRY_OK(parse_number(size.substr(slash + 1)));
    TRY_OK(begin_chunk(size.substr(0, slash)));
  }
  return ReplyEvent{.kind = Kind::content_begin, .words = words_of(line.substr(end + 1))};
}

Result<void> ReplyReader::begin_chunk(std::string_view digits) {
  TRY(left_, parse_number(digits));
  TRY_OK(count(left_));
  state_ = left_ > 0 ? State::chunk : State::chunk_line;
  return {};
}

Result<std::optional<ReplyEvent>> ReplyReader::next_chunk(std::string_view& in) {
  if (in.empty()) return std::nullopt;
  const auto bytes = in.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size())));
  in.remove_prefix(bytes.size());
  left_ -= bytes.size();
  if (left_ == 0) state_ = State::chunk_line;
  return ReplyEvent{.kind = Kind::content, .bytes = bytes};
}

// Behind a chunk: the size of the next one, or nothing, which ends the reply [SMAP1 2.4]; or what Courier says when it can read no further.
Result<std::optional<ReplyEvent>> ReplyReader::next_chunk_line(std::string_view& in) {
  TRY(const bool complete, take_line(in));
  if (!complete) return std::nullopt;
  const auto size = text::trim(line_);
  if (size.empty()) {
    state_ = State::line;
    return ReplyEvent{.kind = Kind::content_end};
  }
  if (constexpr std::string_view kError = "-ERR "; line_.starts_with(kError)) {
    state_ = State::line;
    return ReplyEvent{.kind = Kind::content_void, .text = behind(line_, kError.size())};
  }
  TRY_OK(count(line_.size() + 1));  // chunks of nothing have an end, too
  TRY_OK(begin_chunk(size));
  return left_ > 0 ? next_chunk(in) : ReplyEvent{.kind = Kind::content};
}

// As much of a line as tells whether it is the last one [SMAP1 2.3].
Result<std::optional<ReplyEvent>> ReplyReader::next_line_start(std::string_view& in) {
  if (std::exchange(line_complete_, false)) line_.clear();
  const auto newline = in.find('\n');
  const auto piece = in.substr(0, std::min(newline, kLastLine + 1 - line_.size()));
  const bool complete = piece.size() == newline;
  line_ += piece;
  in.remove_prefix(piece.size() + (complete ? 1 : 0));
  if (!complete && line_.size() <= kLastLine) return std::nullopt;
  line_complete_ = true;
  if (complete && line_.size() <= kLastLine && line_.starts_with('.') && text::trim(line_) == ".") {
    state_ = State::line;
    return ReplyEvent{.kind = Kind::content_end};
  }
  if (line_.starts_with('.')) line_.erase(0, 1);
  return give_line(complete);
}

Result<std::optional<ReplyEvent>> ReplyReader::next_in_line(std::string_view& in) {
  if (in.empty()) return std::nullopt;
  line_.assign(std::exchange(after_cr_, false) ? "\r" : "");
  const auto newline = in.find('\n');
  line_ += in.substr(0, newline);
  const bool complete = newline != in.npos;
  in.remove_prefix(complete ? newline + 1 : in.size());
  return give_line(complete);
}

// What line_ has of a line; a CR at its end belongs to the end of the line.
Result<std::optional<ReplyEvent>> ReplyReader::give_line(bool complete) {
  after_cr_ = line_.ends_with('\r');
  if (after_cr_) line_.pop_back();
  if (complete) line_ += '\n', after_cr_ = false;
  state_ = complete ? State::line_start : State::in_line;
  TRY_OK(count(line_.size()));
  return ReplyEvent{.kind = Kind::content, .bytes = line_};
}

Result<void> ReplyReader::count(std::uint64_t bytes) {
  if (bytes > limits_.content - content_) return fail(Errc::too_large, "a reply of the server is too long");
  content_ += bytes;
  return {};
}

}  // namespace posthorn::smap
