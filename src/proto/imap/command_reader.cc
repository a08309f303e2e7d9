#include "proto/imap/command_reader.h"

#include <algorithm>
#include <utility>

#include "text/ascii.h"

namespace posthorn::imap {
namespace {

constexpr std::size_t kMaxDigits = 20;
constexpr std::size_t kTail = kMaxDigits + 12;  // holds every literal mark that counts, and the line end

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

// ["~"] "{" digits ["+"] "}" at the end of the line. [RFC7888 3] [RFC4466 6] More digits than any size has
// need no "{" to be refused.
std::optional<CommandReader::LiteralMark> CommandReader::find_literal_mark(std::string_view line) {
  if (!line.ends_with('}')) return {};
  std::size_t i = line.size() - 1;
  LiteralMark mark;
  if (i > 0 && line[i - 1] == '+') {
    mark.synchronising = false;
    --i;
  }
  const std::size_t digits_end = i;
  while (i > 0 && text::is_digit(line[i - 1]) && digits_end - i <= kMaxDigits) --i;
  if (digits_end - i > kMaxDigits) {
    mark.size = kHuge;
    mark.length = line.size() - i;
    return mark;
  }
  if (i == digits_end || i == 0 || line[i - 1] != '{') return {};
  for (char c : line.substr(i, digits_end - i)) {
    if (mark.size > (kHuge - 9) / 10) {
      mark.size = kHuge;
      break;
    }
    mark.size = mark.size * 10 + (c - '0');
  }
  --i;
  if (i > 0 && line[i - 1] == '~') {
    mark.kind = LiteralKind::literal8;
    --i;
  }
  mark.length = line.size() - i;
  return mark;
}

CommandReader::Event CommandReader::feed(std::string_view& input) {
  if (state_ == State::line && buffer_.empty()) release();
  auto event = Event::need_more;
  while (event == Event::need_more) {
    const auto before = state_;
    switch (state_) {
      case State::line:
      case State::append_tail:
        event = feed_line(input);
        break;
      case State::literal:
        event = feed_literal(input);
        break;
      case State::skip_literal:
        event = feed_skip_literal(input);
        break;
      case State::skip_line:
        event = feed_skip_line(input);
        break;
      case State::append_offered:
      case State::streaming:
        check_failed(__FILE__, __LINE__, "feed() while APPEND waits for the session");
      case State::dead:
        return Event::fatal;
    }
    if (input.empty() && state_ == before) break;
  }
  return event;
}

CommandReader::Event CommandReader::feed_line(std::string_view& input) {
  const auto lf = input.find('\n');
  const auto part = input.substr(0, lf == input.npos ? lf : lf + 1);
  text_octets_ += part.size();
  if (text_octets_ > limits_.line) {
    skip_long_line(part);
    return Event::need_more;
  }
  input.remove_prefix(part.size());
  const bool in_one_piece = buffer_.empty() && lf != part.npos;
  if (!in_one_piece) buffer_ += part;
  if (lf == part.npos) return Event::need_more;

  std::string_view text = in_one_piece ? part : std::string_view(buffer_);
  // Neither the mark nor the line end may reach back into a literal.
  const auto line = without_line_end(text.substr(line_begin_));
  if (state_ == State::append_tail) return end_append_tail(line);
  if (const auto mark = raw_line_ ? std::nullopt : find_literal_mark(line)) {
    if (in_one_piece) buffer_ = part;
    return begin_literal(*mark, line_begin_ + line.size() - mark->length);
  }
  const auto event = std::exchange(raw_line_, false) ? Event::line : Event::command;
  const auto size = line_begin_ + line.size();
  if (!in_one_piece) {
    held_ = std::move(buffer_);
    text = held_;
  }
  reset();
  command_ = text.substr(0, size);
  return event;
}

bool CommandReader::is_append() const {
  std::string_view text = buffer_;
  const auto tag_end = text.find(' ');
  if (tag_end == text.npos) return false;
  text.remove_prefix(tag_end + 1);
  return text::istarts_with(text, "APPEND ") || text::istarts_with(text, "REPLACE ") ||
         text::istarts_with(text, "UID REPLACE ");
}

std::string CommandReader::tag() const {
  return state_ == State::append_tail ? append_.tag : peek_tag(buffer_, limits_.parser);
}

// [RFC7888 5]
bool CommandReader::is_over_literal_minus(const LiteralMark& mark) const {
  return !mark.synchronising && limits_.literal_minus && mark.size > 4096;
}

// buffer_ ends with `mark`, which begins at `mark_begin`.
CommandReader::Event CommandReader::begin_literal(const LiteralMark& mark, std::size_t mark_begin) {
  if (std::exchange(first_literal_, false)) append_command_ = is_append();
  // [RFC7888 5] The answer to an oversized literal of APPEND carries TOOBIG; there is no harm in it
  // elsewhere.
  if (is_over_literal_minus(mark)) return refuse(mark, true, "TOOBIG", "Non-synchronizing literal too large");
  if (append_command_) {
    const auto event = begin_append(mark, std::string_view(buffer_).substr(0, mark_begin));
    if (event != Event::need_more) return event;
    if (state_ != State::line) return event;  // refused, and being skipped
  }
  if (mark.size > limits_.literals - std::min(literal_octets_, limits_.literals))
    return refuse(mark, !mark.synchronising, "TOOBIG", "Literal too large");
  literal_octets_ += mark.size;
  left_ = mark.size;
  state_ = State::literal;
  return mark.synchronising ? Event::continuation : Event::need_more;
}

// need_more with state_ unchanged: the literal is the name of the mailbox.
CommandReader::Event CommandReader::begin_append(const LiteralMark& mark, std::string_view prefix) {
  auto parsed = parse_append_prefix(prefix, mark.kind, limits_.parser);
  if (!parsed) return refuse(mark, true, {}, parsed.error().text);
  if (parsed->next == AppendPrefix::Next::mailbox_literal) return Event::need_more;
  append_ = {std::move(parsed->tag), std::move(parsed->append)};
  return offer_append(mark);
}

CommandReader::Event CommandReader::offer_append(const LiteralMark& mark) {
  if (mark.size > kHuge / 2) return refuse(mark, !mark.synchronising, "TOOBIG", "Message too large");
  append_.size = mark.size;
  append_.synchronising = mark.synchronising;
  reset();
  state_ = State::append_offered;
  return Event::append;
}

// Behind a message there is the end of the command, or one message more. [RFC3502]
CommandReader::Event CommandReader::end_append_tail(std::string_view line) {
  bool closed = true;
  if (append_.append.utf8) {  // "UTF8" SP "(" literal8 ")"
    closed = line.starts_with(')');
    if (closed) line.remove_prefix(1);
  }
  if (closed && line.empty()) {
    reset();
    return Event::append_done;
  }
  const auto mark = find_literal_mark(line);
  if (!mark) {
    rejection_ = {append_.tag, true, {}, "Unexpected text behind the message"};
    reset();
    return Event::rejected;
  }
  if (!closed) return refuse(*mark, true, {}, "Expected \")\" behind the message");
  if (append_.append.replaced) return refuse(*mark, true, {}, "REPLACE takes one message");  // [RFC8508 4.7]
  if (is_over_literal_minus(*mark))
    return refuse(*mark, true, "TOOBIG", "Non-synchronizing literal too large");
  const auto options = line.substr(0, line.size() - mark->length);
  const auto parsed = parse_append_options(options, mark->kind, append_.append, limits_.parser);
  if (!parsed) return refuse(*mark, true, {}, parsed.error().text);
  if (++append_.number >= limits_.messages)
    return refuse(*mark, false, "LIMIT", "Too many messages in one command");
  return offer_append(*mark);
}

CommandReader::Event CommandReader::feed_literal(std::string_view& input) {
  const auto n = std::min<std::uint64_t>(left_, input.size());
  buffer_ += input.substr(0, n);
  input.remove_prefix(n);
  left_ -= n;
  if (left_ == 0) {
    state_ = State::line;
    line_begin_ = buffer_.size();
  }
  return Event::need_more;
}

// The command is over, or what follows a non-synchronising literal has to be read over first.
CommandReader::Event CommandReader::refuse(const LiteralMark& mark, bool bad, std::string_view code,
                                           std::string text) {
  rejection_ = {tag(), bad, code, std::move(text)};
  reset();
  if (mark.synchronising) return Event::rejected;
  state_ = State::skip_literal;
  skip_event_ = Event::rejected;
  left_ = mark.size;
  return Event::need_more;
}

// `part` would make the line too long; it is not in buffer_ yet.
void CommandReader::skip_long_line(std::string_view part) {
  const auto head_size = std::min(limits_.line, limits_.parser.tag + 1);
  auto head = buffer_.substr(0, head_size);
  head += part.substr(0, head_size - head.size());
  const bool in_append = state_ == State::append_tail;
  rejection_ = {raw_line_   ? "*"
                : in_append ? append_.tag
                            : peek_tag(head, limits_.parser),
                true,
                {},
                "Line too long"};
  // A line that began behind a literal keeps nothing of that.
  auto tail = buffer_.substr(std::max(line_begin_, buffer_.size() - std::min(buffer_.size(), kTail)));
  reset();
  buffer_ = std::move(tail);
  state_ = State::skip_line;
  skip_event_ = Event::rejected;
}

CommandReader::Event CommandReader::feed_skip_literal(std::string_view& input) {
  if (left_ > limits_.skip - std::min(skipped_, limits_.skip)) return die();
  const auto n = std::min<std::uint64_t>(left_, input.size());
  input.remove_prefix(n);
  left_ -= n;
  skipped_ += n;
  if (left_ == 0) state_ = State::skip_line;
  return Event::need_more;
}

// buffer_ keeps the end of the line, where a literal may be announced.
CommandReader::Event CommandReader::feed_skip_line(std::string_view& input) {
  const auto lf = input.find('\n');
  const auto part = input.substr(0, lf == input.npos ? lf : lf + 1);
  input.remove_prefix(part.size());
  skipped_ += part.size();
  if (skipped_ > limits_.skip) return die();
  buffer_ += part.substr(part.size() - std::min(part.size(), kTail));
  if (lf == part.npos) {
    if (buffer_.size() > kTail) buffer_.erase(0, buffer_.size() - kTail);
    return Event::need_more;
  }
  const auto mark = raw_line_ ? std::nullopt : find_literal_mark(without_line_end(buffer_));
  if (mark && !mark->synchronising) {
    buffer_.clear();
    left_ = mark->size;
    state_ = State::skip_literal;
    return Event::need_more;
  }
  reset();
  raw_line_ = false;
  return skip_event_;
}

CommandReader::Event CommandReader::die() {
  auto tag = std::move(rejection_.tag);
  reset();
  rejection_ = {std::move(tag), true, "TOOBIG", "Command too large"};
  state_ = State::dead;
  return Event::fatal;
}

void CommandReader::reset() {
  state_ = State::line;
  first_literal_ = true;
  append_command_ = false;
  std::string().swap(buffer_);
  line_begin_ = text_octets_ = literal_octets_ = 0;
  left_ = skipped_ = 0;
}

void CommandReader::release() {
  command_ = {};
  std::string().swap(held_);
}

void CommandReader::accept_append() {
  CHECK(state_ == State::append_offered);
  state_ = State::streaming;
}

void CommandReader::append_streamed() {
  CHECK(state_ == State::streaming);
  state_ = State::append_tail;
}

void CommandReader::refuse_append() {
  CHECK(state_ == State::append_offered);
  state_ = State::line;
  if (append_.synchronising) return;
  rejection_.tag = append_.tag;
  state_ = State::skip_literal;
  skip_event_ = Event::append_refused;
  left_ = append_.size;
}

}  // namespace posthorn::imap
