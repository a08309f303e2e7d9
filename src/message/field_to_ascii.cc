#include "message/field_to_ascii.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "message/encoded_word.h"
#include "text/ascii.h"
#include "text/utf8.h"

namespace posthorn::message {
namespace {

using text::is_ascii;
using text::is_space;

constexpr std::string_view kFold = "\r\n ";
constexpr char kHex[] = "0123456789ABCDEF";

enum class Grammar {
  unstructured,
  addresses,   // mailbox or address lists
  parameters,  // a value, then "; name=value"
  structured,  // only comments may be encoded
};

Grammar grammar_of(std::string_view name) {
  static constexpr auto kAddresses = std::to_array<std::string_view>(
      {"from", "sender", "reply-to", "to", "cc", "bcc", "resent-from", "resent-sender", "resent-reply-to", "resent-to", "resent-cc",
       "resent-bcc", "disposition-notification-to", "return-receipt-to", "errors-to", "mail-followup-to", "mail-reply-to"});
  static constexpr auto kParameters = std::to_array<std::string_view>({"content-type", "content-disposition"});
  static constexpr auto kStructured = std::to_array<std::string_view>(
      {"received", "return-path", "date", "resent-date", "message-id", "resent-message-id", "in-reply-to", "references",
       "mime-version", "content-id", "content-transfer-encoding", "content-md5", "content-language", "content-location",
       "dkim-signature", "authentication-results", "arc-seal", "arc-message-signature", "arc-authentication-results",
       "auto-submitted", "list-id", "list-help", "list-unsubscribe", "list-subscribe", "list-post", "list-owner", "list-archive"});
  const auto is_in = [&](const auto& list) { return std::ranges::any_of(list, [&](auto n) { return text::iequals(n, name); }); };
  if (is_in(kAddresses)) return Grammar::addresses;
  if (is_in(kParameters)) return Grammar::parameters;
  return is_in(kStructured) ? Grammar::structured : Grammar::unstructured;
}

bool is_encoded_word(std::string_view word) { return word.size() > 5 && word.starts_with("=?") && word.ends_with("?="); }

std::size_t space_at(std::string_view s, std::size_t at) {
  while (at < s.size() && is_space(s[at])) ++at;
  return at;
}

std::size_t word_at(std::string_view s, std::size_t at) {
  while (at < s.size() && !is_space(s[at])) ++at;
  return at;
}

void put_question_marks(std::string_view s, std::string& out) {
  for (const char c : s) out += is_ascii(c) ? c : '?';
}

// One field: the charset is of the whole value.
class Encoder {
 public:
  explicit Encoder(std::string_view value) : in_(value), is_utf8_(text::is_valid_utf8(value)) {}

  AsciiField run(Grammar grammar) {
    switch (grammar) {
      case Grammar::unstructured: put_text(in_); break;
      case Grammar::addresses: take_structured(true); break;
      case Grammar::structured: take_structured(false); break;
      case Grammar::parameters: take_parameters(); break;
    }
    return std::move(out_);
  }

 private:
  void put_words(std::string_view bytes);
  void put_text(std::string_view text);
  void take_structured(bool addresses);
  void take_comment();
  void take_quoted(bool addresses);
  void take_run(bool addresses);
  template <class Put>
  void put_phrase(const Put& put);
  void take_parameters();
  void put_parameter(std::string_view segment);
  std::string_view take_segment();
  char next_visible() const {
    const std::size_t at = space_at(in_, at_);
    return at < in_.size() ? in_[at] : '\0';
  }
  void put_unusable(std::string_view s) {
    put_question_marks(s, out_.value);
    out_.is_usable = false;
  }

  std::string_view in_;
  bool is_utf8_;
  std::size_t at_ = 0;
  AsciiField out_;
};

// Encoded words, folded between them.
void Encoder::put_words(std::string_view bytes) {
  if (is_utf8_) {
    for (const char c : encode_encoded_words(bytes)) c == ' ' ? out_.value += kFold : out_.value += c;
    return;
  }
  constexpr std::string_view kBegin = "=?unknown-8bit?q?";
  constexpr std::size_t kBytes = (75 - kBegin.size() - 2) / 3;  // [RFC2047 2]
  for (bool first = true; !bytes.empty(); first = false) {
    if (!first) out_.value += kFold;
    out_.value += kBegin;
    for (const char c : bytes.substr(0, kBytes)) {
      const auto byte = static_cast<unsigned char>(c);
      if (text::is_alpha(c) || text::is_digit(c)) {
        out_.value += c;
      } else {
        out_.value.append({'=', kHex[byte >> 4], kHex[byte & 15]});
      }
    }
    out_.value += "?=";
    bytes.remove_prefix(std::min(kBytes, bytes.size()));
  }
}

// Runs of words with 8-bit bytes are encoded, with the white space inside them: a reader drops what stands between encoded
// words [RFC2047 6.2], so that next to one that was there before has to be inside too.
void Encoder::put_text(std::string_view text) {
  bool after_encoded_word = false;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t word = space_at(text, at);
    std::size_t end = word_at(text, word);
    out_.value += text.substr(at, word - at);
    at = end;
    if (is_ascii(text.substr(word, end - word))) {
      out_.value += text.substr(word, end - word);
      if (end > word) after_encoded_word = is_encoded_word(text.substr(word, end - word));
      continue;
    }
    std::string run = after_encoded_word ? " " : "";
    run += text.substr(word, end - word);
    for (;;) {
      const std::size_t next = space_at(text, end);
      const std::size_t next_end = word_at(text, next);
      if (is_ascii(text.substr(next, next_end - next))) {
        if (is_encoded_word(text.substr(next, next_end - next))) run += ' ';
        break;
      }
      for (const char c : text.substr(end, next - end))
        if (c != '\r' && c != '\n') run += c;
      run += text.substr(next, next_end - next);
      at = end = next_end;
    }
    put_words(run);
    after_encoded_word = true;
  }
}

// [RFC2047 5] Encoded words may stand in comments and phrases, nowhere else.
void Encoder::take_structured(bool addresses) {
  while (at_ < in_.size()) {
    const char c = in_[at_];
    if (c == '(') {
      take_comment();
    } else if (c == '"') {
      take_quoted(addresses);
    } else if (c == '<' || c == '[') {
      const std::size_t end = std::min(in_.find(c == '<' ? '>' : ']', at_), in_.size() - 1) + 1;
      const auto inside = in_.substr(at_, end - at_);
      at_ = end;
      addresses && !is_ascii(inside) ? put_unusable(inside) : put_question_marks(inside, out_.value);
    } else if (std::string_view(",:;>)]").find(c) != std::string_view::npos) {
      out_.value += c;
      ++at_;
    } else {
      take_run(addresses);
    }
  }
}

void Encoder::take_comment() {
  std::size_t depth = 0;
  do {
    const char c = in_[at_];
    if (c == '(' || c == ')') {
      depth = c == '(' ? depth + 1 : depth - 1;
      out_.value += c;
      ++at_;
      continue;
    }
    std::size_t end = at_;
    while (end < in_.size() && in_[end] != '(' && in_[end] != ')') end += in_[end] == '\\' && end + 1 < in_.size() ? 2 : 1;
    put_text(in_.substr(at_, end - at_));
    at_ = end;
  } while (depth > 0 && at_ < in_.size());
}

void Encoder::take_quoted(bool addresses) {
  std::string content;
  std::size_t end = at_ + 1;
  for (; end < in_.size() && in_[end] != '"'; ++end) {
    if (in_[end] == '\\' && end + 1 < in_.size()) ++end;
    if (in_[end] != '\r' && in_[end] != '\n') content += in_[end];
  }
  const auto whole = in_.substr(at_, end + 1 - at_);
  at_ = std::min(end + 1, in_.size());
  if (is_ascii(whole) || !addresses) return put_question_marks(whole, out_.value);
  // A quoted local part; else a display name.
  const auto last = out_.value.find_last_not_of(" \t\r\n");
  const char before = last == std::string::npos ? '\0' : out_.value[last];
  if (next_visible() == '@' || next_visible() == '.' || before == '.' || before == '@') return put_unusable(whole);
  put_phrase([&] { put_words(content); });
}

// [RFC2047 5] White space around the encoded words.
template <class Put>
void Encoder::put_phrase(const Put& put) {
  if (!out_.value.empty() && !is_space(out_.value.back())) out_.value += ' ';
  put();
  if (at_ < in_.size() && !is_space(out_.value.back()) && !is_space(in_[at_])) out_.value += ' ';
}

// Up to the next special.  In an address list it is a phrase when "<" or ":" follows, or when no "@" is in it.
void Encoder::take_run(bool addresses) {
  const std::size_t end = std::min(in_.find_first_of("(\"<[,:;>)]", at_ + 1), in_.size());
  const auto run = in_.substr(at_, end - at_);
  at_ = end;
  if (is_ascii(run)) {
    out_.value += run;
  } else if (!addresses) {
    put_question_marks(run, out_.value);
  } else if (next_visible() == '<' || next_visible() == ':' || run.find('@') == run.npos) {
    put_phrase([&] { put_text(run); });
  } else {
    put_unusable(run);
  }
}

// Up to the next ";" outside quotes and comments, which it begins with but for the first.
std::string_view Encoder::take_segment() {
  const std::size_t start = at_;
  bool quoted = false;
  for (++at_; at_ < in_.size(); ++at_) {
    if (in_[at_] == '\\' && quoted && at_ + 1 < in_.size()) {
      ++at_;
    } else if (in_[at_] == '"') {
      quoted = !quoted;
    } else if (in_[at_] == ';' && !quoted) {
      break;
    }
  }
  return in_.substr(start, at_ - start);
}

void Encoder::take_parameters() {
  for (bool first = true; at_ < in_.size(); first = false) {
    const auto segment = take_segment();
    if (is_ascii(segment)) {
      out_.value += segment;
    } else {
      first ? put_unusable(segment) : put_parameter(segment);
    }
  }
}

void Encoder::put_parameter(std::string_view segment) {
  const std::size_t equals = segment.find('=');
  const auto name = equals == segment.npos ? std::string_view() : text::trim(segment.substr(1, equals - 1));
  if (text::iequals(name, "boundary") || text::istarts_with(name, "boundary*")) return put_unusable(segment);
  if (name.empty() || name.find('*') != name.npos || name.find_first_of(" \t\r\n\"()") != name.npos || !is_ascii(name))
    return put_question_marks(segment, out_.value);

  std::string value;
  const auto raw = text::trim(segment.substr(equals + 1));
  const bool quoted = raw.starts_with('"');
  for (std::size_t i = quoted ? 1 : 0; i < raw.size() && !(quoted && raw[i] == '"'); ++i) {
    if (quoted && raw[i] == '\\' && i + 1 < raw.size()) ++i;
    if (raw[i] != '\r' && raw[i] != '\n') value += raw[i];
  }
  // [RFC2231 3] [RFC2231 4] In pieces, so that lines stay short.
  constexpr std::size_t kBytes = 16;
  const bool one = value.size() <= kBytes;
  for (std::size_t i = 0, n = 0; i < value.size(); i += kBytes, ++n) {
    out_.value.append(";").append(kFold).append(name).append("*");
    if (!one) out_.value.append(std::to_string(n)).append("*");
    out_.value += n == 0 ? (is_utf8_ ? "=utf-8''" : "=unknown-8bit''") : "=";
    for (const char c : std::string_view(value).substr(i, kBytes)) {
      const auto byte = static_cast<unsigned char>(c);
      if (text::is_alpha(c) || text::is_digit(c) || c == '.' || c == '-' || c == '_') {
        out_.value += c;
      } else {
        out_.value.append({'%', kHex[byte >> 4], kHex[byte & 15]});
      }
    }
  }
}

}  // namespace

AsciiField field_to_ascii(std::string_view name, std::string_view raw_value) { return Encoder(raw_value).run(grammar_of(name)); }

}  // namespace posthorn::message
