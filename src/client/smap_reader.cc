#include "client/smap_reader.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "proto/smap/words.h"
#include "text/ascii.h"

namespace posthorn::client {
namespace {

using Kind = SmapEvent::Kind;

std::vector<std::string> words_of(std::string_view line) {
  smap::Words words(line);
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

Result<std::optional<SmapEvent>> SmapReader::next(std::string_view& in) {
  if (state_ == State::chunk && left_ > 0) return next_chunk(in);
  TRY(const bool complete, take_line(in));
  if (!complete) return std::nullopt;
  switch (state_) {
    case State::line: {
      TRY(auto event, take_reply());
      return event;
    }
    case State::dotted: {
      if (line_.starts_with('.') && text::trim(line_) == ".") {
        state_ = State::line;
        return SmapEvent{.kind = Kind::content_end};
      }
      line_ += '\n';
      TRY_OK(count(line_.size()));
      return SmapEvent{.kind = Kind::content, .bytes = std::string_view(line_).substr(line_.starts_with('.') ? 1 : 0)};
    }
    case State::chunk:
    case State::chunk_line: break;
  }
  // Behind a chunk: the size of the next one, or nothing, which ends the reply [SMAP1 2.4].
  const auto size = text::trim(line_);
  if (size.empty()) {
    state_ = State::line;
    return SmapEvent{.kind = Kind::content_end};
  }
  TRY_OK(begin_chunk(size));
  // A chunk of nothing is followed by another such line.
  if (left_ == 0) return SmapEvent{.kind = Kind::content};
  return next_chunk(in);
}

Result<bool> SmapReader::take_line(std::string_view& in) {
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

Result<SmapEvent> SmapReader::take_reply() {
  const std::string_view line = line_;
  const auto word = line.substr(0, line.find(' '));
  if (word == "+OK" || word == "-ERR") return SmapEvent{.kind = Kind::status, .ok = word == "+OK", .text = behind(line, word.size())};
  if (word == "*") return SmapEvent{.kind = Kind::data, .words = words_of(line.substr(1))};
  if (word == ">") return SmapEvent{.kind = Kind::go_ahead, .text = behind(line, 1)};
  if (line.starts_with('{')) return begin_content();
  return fail(Errc::syntax, "that is no reply");
}

// "{.n} words" or "{chunk/total} words"
Result<SmapEvent> SmapReader::begin_content() {
  const std::string_view line = line_;
  const auto end = line.find('}');
  if (end == line.npos) return fail(Errc::syntax, "a size without its end");
  const auto size = line.substr(1, end - 1);
  content_ = 0;
  if (size.starts_with('.')) {
    TRY_OK(parse_number(size.substr(1)));
    state_ = State::dotted;
  } else {
    const auto slash = size.find('/');
    if (slash == size.npos) return fail(Errc::syntax, "a size without a total");
    TRY_OK(parse_number(size.substr(slash + 1)));
    TRY_OK(begin_chunk(size.substr(0, slash)));
  }
  return SmapEvent{.kind = Kind::content_begin, .words = words_of(line.substr(end + 1))};
}

Result<void> SmapReader::begin_chunk(std::string_view digits) {
  TRY(left_, parse_number(digits));
  TRY_OK(count(left_));
  state_ = State::chunk;
  return {};
}

Result<std::optional<SmapEvent>> SmapReader::next_chunk(std::string_view& in) {
  if (in.empty()) return std::nullopt;
  const auto bytes = in.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size())));
  in.remove_prefix(bytes.size());
  left_ -= bytes.size();
  if (left_ == 0) state_ = State::chunk_line;
  return SmapEvent{.kind = Kind::content, .bytes = bytes};
}

Result<void> SmapReader::count(std::uint64_t bytes) {
  if (bytes > limits_.content - content_) return fail(Errc::too_large, "a reply of the server is too long");
  content_ += bytes;
  return {};
}

}  // namespace posthorn::client
