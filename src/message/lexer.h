// Tokens of structured header fields [RFC5322 3.2], shared by addresses and parameters.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "text/ascii.h"

namespace posthorn::message {

// Over an unfolded value that outlives it.  Nothing here fails: unterminated strings and comments end with
// the value.
class Lexer {
 public:
  explicit Lexer(std::string_view s) : rest_(s) {}

  bool at_end() const { return rest_.empty(); }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_one() {
    if (!rest_.empty()) rest_.remove_prefix(1);
  }

  // [RFC5322 3.2.2] White space and comments; true when there was any.  The text of the last comment is kept
  // in comment().
  bool skip_cfws() {
    const std::size_t before = rest_.size();
    while (!rest_.empty()) {
      if (text::is_space(rest_.front())) {
        rest_.remove_prefix(1);
      } else if (rest_.front() == '(') {
        take_comment();
      } else {
        break;
      }
    }
    return rest_.size() != before;
  }
  std::string comment() const;
  void clear_comment() { comment_ = {}; }

  // The longest prefix without white space and without any of `stops`.
  std::string_view take_until(std::string_view stops) {
    std::size_t n = 0;
    while (n < rest_.size() && !text::is_space(rest_[n]) && stops.find(rest_[n]) == stops.npos) ++n;
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }

  // [RFC2047 2] A whole encoded word at this place, or nothing.
  std::string_view take_encoded_word() {
    constexpr std::size_t kLongest = 1000;  // 75 bytes are allowed
    const std::string_view in = rest_.substr(0, kLongest);
    if (!in.starts_with("=?")) return {};
    const std::size_t charset_end = in.find('?', 2);
    if (charset_end == in.npos || charset_end + 2 >= in.size() || in[charset_end + 2] != '?') return {};
    const std::size_t end = in.find("?=", charset_end + 3);
    if (end == in.npos) return {};
    const std::string_view word = in.substr(0, end + 2);
    if (std::ranges::any_of(word, [](char c) { return text::is_space(c) || c == '"'; })) return {};
    rest_.remove_prefix(word.size());
    return word;
  }

  // REQUIRES: peek() == '"'.
  bool quote_is_closed() const {
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') return true;
      if (rest_[i] == '\\') ++i;
    }
    return false;
  }

  // [RFC5322 3.2.4] REQUIRES: peek() == '"'.  Without quotes and backslashes.
  std::string take_quoted() {
    std::string out;
    std::size_t i = 1;
    for (; i < rest_.size() && rest_[i] != '"'; ++i) {
      if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
      out += rest_[i];
    }
    rest_.remove_prefix(std::min(rest_.size(), i + 1));
    return out;
  }

 private:
  void take_comment() {
    std::size_t depth = 0, i = 0;
    for (; i < rest_.size(); ++i) {
      if (rest_[i] == '(') ++depth;
      if (rest_[i] == ')' && --depth == 0) break;
      if (rest_[i] == '\\') ++i;
    }
    i = std::min(i, rest_.size());
    comment_ = rest_.substr(1, i - 1);
    rest_.remove_prefix(std::min(rest_.size(), i + 1));
  }

  std::string_view rest_;
  std::string_view comment_;  // raw
};

inline std::string Lexer::comment() const {
  std::string out;
  for (std::size_t i = 0; i < comment_.size(); ++i) {
    if (comment_[i] == '\\' && i + 1 < comment_.size()) ++i;
    out += comment_[i];
  }
  return std::string(text::trim(out));
}

}  // namespace posthorn::message
