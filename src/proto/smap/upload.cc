#include "proto/smap/upload.h"

#include <algorithm>

#include "text/ascii.h"

namespace posthorn::smap {
namespace {

constexpr std::size_t kMaxHeld = 100;
constexpr std::size_t kMaxDigits = 18;

constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::optional<std::uint64_t> parse_number(std::string_view digits) {
  if (digits.empty() || digits.size() > kMaxDigits || !std::ranges::all_of(digits, text::is_digit)) return {};
  std::uint64_t number = 0;
  for (const char c : digits) number = number * 10 + static_cast<std::uint64_t>(c - '0');
  return number;
}

}  // namespace

std::optional<UploadForm> parse_upload_form(std::string_view word) {
  if (word.size() < 3 || word.front() != '{' || word.back() != '}') return {};
  word = word.substr(1, word.size() - 2);
  if (word.front() == '.') {
    const auto size = parse_number(word.substr(1));
    if (!size) return {};
    return UploadForm{.size = *size};
  }
  const auto slash = std::min(word.find('/'), word.size());
  const auto chunk = parse_number(word.substr(0, slash));
  const auto size = slash < word.size() ? parse_number(word.substr(slash + 1)) : std::nullopt;
  if (!chunk || !size) return {};
  return UploadForm{.binary = true, .chunk = *chunk, .size = *size};
}

UploadDecoder::UploadDecoder(const UploadForm& form, Limits limits) : limits_(limits), state_(State::line_start) {
  if (form.binary) begin_chunk(form.chunk);
}

UploadDecoder::Event UploadDecoder::feed(std::string_view& in, std::string& out) {
  while (!in.empty() && state_ != State::done && state_ != State::lost) {
    switch (state_) {
      case State::line_start:
      case State::dot:
      case State::text: feed_dotted(in, out); break;
      case State::chunk: feed_chunk(in, out); break;
      case State::chunk_line: feed_chunk_line(in); break;
      case State::done:
      case State::lost: break;
    }
    if (state_ == State::done) finish(out);
    if (state_ != State::done && size_ + overhead_ > limits_.size + limits_.skip) state_ = State::lost;
  }
  if (state_ == State::done) return Event::done;
  return state_ == State::lost ? Event::lost : Event::need_more;
}

// One step: a dot with what follows it, or text up to and with the end of its line.
void UploadDecoder::feed_dotted(std::string_view& in, std::string& out) {
  if (state_ == State::line_start && in.front() == '.') {
    in.remove_prefix(1);
    ++overhead_;
    held_.clear();
    state_ = State::dot;
    return;
  }
  if (state_ == State::dot) {
    if (in.front() == '\n') {
      in.remove_prefix(1);
      state_ = State::done;
      return;
    }
    if (is_space(in.front()) && held_.size() < kMaxHeld) {
      held_ += in.front();
      in.remove_prefix(1);
      return;
    }
    put(out, held_);
    state_ = State::text;
    return;
  }
  const auto newline = in.find('\n');
  const auto end = newline == in.npos ? in.size() : newline + 1;
  put(out, in.substr(0, end));
  in.remove_prefix(end);
  state_ = newline == in.npos ? State::text : State::line_start;
}

// A chunk that cannot be meant is not waited for.
void UploadDecoder::begin_chunk(std::uint64_t size) {
  left_ = size;
  held_.clear();
  state_ = size == 0 ? State::chunk_line : State::chunk;
  if (size > limits_.size + limits_.skip) state_ = State::lost;
}

void UploadDecoder::feed_chunk(std::string_view& in, std::string& out) {
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size()));
  put(out, in.substr(0, n));
  in.remove_prefix(n);
  left_ -= n;
  if (left_ > 0) return;
  held_.clear();
  state_ = State::chunk_line;
}

// The size of the next chunk, or nothing, which ends the upload.
void UploadDecoder::feed_chunk_line(std::string_view& in) {
  const char c = in.front();
  in.remove_prefix(1);
  ++overhead_;
  if (c != '\n') {
    held_ += c;
    if (held_.size() > kMaxHeld) state_ = State::lost;
    return;
  }
  const auto line = text::trim(held_);
  if (line.empty()) {
    state_ = State::done;
    return;
  }
  const auto size = parse_number(line);
  if (size) begin_chunk(*size);
  else state_ = State::lost;
}

void UploadDecoder::put(std::string& out, std::string_view raw) {
  while (!raw.empty()) {
    const auto run = std::min(raw.find_first_of("\r\n"), raw.size());
    if (run > 0) {
      out += raw.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(run, limits_.size - std::min(size_, limits_.size))));
      size_ += run;
      in_line_ = true;
    }
    if (run == raw.size()) return;
    if (raw[run] == '\n') put_line_end(out);
    else ++overhead_;
    raw.remove_prefix(run + 1);
  }
}

void UploadDecoder::put_line_end(std::string& out) {
  size_ += 2;
  if (!too_large()) out += "\r\n";
  in_line_ = false;
}

void UploadDecoder::finish(std::string& out) {
  if (in_line_ || size_ == 0) put_line_end(out);
}

}  // namespace posthorn::smap
