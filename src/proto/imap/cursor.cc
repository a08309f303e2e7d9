#include "proto/imap/cursor.h"

#include <algorithm>
#include <limits>

#include "text/ascii.h"
#include "text/utf8.h"

namespace posthorn::imap {

bool Cursor::take(char c) {
  if (rest_.empty() || rest_.front() != c) return false;
  rest_.remove_prefix(1);
  return true;
}

bool Cursor::take_word(std::string_view keyword) {
  if (!text::istarts_with(rest_, keyword)) return false;
  if (rest_.size() > keyword.size() && is_char(rest_[keyword.size()], kAtomChar)) return false;
  rest_.remove_prefix(keyword.size());
  return true;
}

std::string_view Cursor::take_while(CharClass k) {
  const auto n =
      std::find_if_not(rest_.begin(), rest_.end(), [k](char c) { return is_char(c, k); }) - rest_.begin();
  const auto out = rest_.substr(0, n);
  rest_.remove_prefix(n);
  return out;
}

Result<void> Cursor::expect(char c) {
  if (!take(c)) return fail(Errc::syntax, std::string("Expected \"") + c + '"');
  return {};
}

Result<void> Cursor::take_space() {
  if (!take(' ')) return fail(Errc::syntax, at_end() ? "Argument missing" : "Expected a space");
  return {};
}

Result<void> Cursor::take_end() {
  if (!at_end()) return fail(Errc::syntax, "Unexpected text at the end of the command");
  return {};
}

Result<std::string_view> Cursor::take_atom() {
  const auto out = take_while(kAtomChar);
  if (out.empty()) return fail(Errc::syntax, "Expected an atom");
  return out;
}

Result<std::string> Cursor::take_quoted() {
  TRY_OK(expect('"'));
  std::string out;
  for (std::size_t i = 0; i < rest_.size(); ++i) {
    char c = rest_[i];
    if (c == '"') {
      rest_.remove_prefix(i + 1);
      if (utf8_ && !text::is_valid_utf8(out)) return fail(Errc::syntax, "Quoted string is not valid UTF-8");
      return out;
    }
    if (c == '\\') {
      c = ++i < rest_.size() ? rest_[i] : '\0';
      if (c != '"' && c != '\\') return fail(Errc::syntax, "Bad escape in quoted string");
    }
    if (c == '\0' || c == '\r' || c == '\n') return fail(Errc::syntax, "Bad character in quoted string");
    out += c;
  }
  return fail(Errc::syntax, "Quoted string without end");
}

// "{" number ["+"] "}" CRLF *CHAR8; the reader lets a bare LF stand for CRLF.
Result<std::string> Cursor::take_literal() {
  TRY_OK(expect('{'));
  TRY(const auto size, take_digits(std::numeric_limits<std::uint32_t>::max()));
  take('+');
  TRY_OK(expect('}'));
  take('\r');
  TRY_OK(expect('\n'));
  if (size > rest_.size()) return fail(Errc::syntax, "Literal cut short");
  std::string out(rest_.substr(0, size));
  rest_.remove_prefix(size);
  if (out.find('\0') != out.npos) return fail(Errc::syntax, "NUL in literal");  // [RFC3501 9] CHAR8
  return out;
}

Result<std::string> Cursor::take_string() {
  if (peek() == '"') return take_quoted();
  if (peek() == '{') return take_literal();
  return fail(Errc::syntax, "Expected a string");
}

Result<std::string> Cursor::take_astring() {
  if (peek() == '"' || peek() == '{') return take_string();
  const auto out = take_while(kAstringChar);
  if (out.empty()) return fail(Errc::syntax, at_end() ? "Argument missing" : "Expected an atom or a string");
  return std::string(out);
}

Result<std::optional<std::string>> Cursor::take_nstring() {
  if (take_word("NIL")) return std::nullopt;
  TRY(auto out, take_string());
  return out;
}

Result<std::uint64_t> Cursor::take_digits(std::uint64_t max) {
  if (!text::is_digit(peek())) return fail(Errc::syntax, "Expected a number");
  std::uint64_t n = 0;
  for (; text::is_digit(peek()); rest_.remove_prefix(1)) {
    const auto digit = static_cast<std::uint64_t>(peek() - '0');
    if (n > (max - digit) / 10) return fail(Errc::syntax, "Number too large");
    n = n * 10 + digit;
  }
  return n;
}

Result<std::uint32_t> Cursor::take_number() {
  TRY(const auto n, take_digits(std::numeric_limits<std::uint32_t>::max()));
  return static_cast<std::uint32_t>(n);
}

Result<std::uint32_t> Cursor::take_nz_number() {
  TRY(const auto n, take_number());
  if (n == 0) return fail(Errc::syntax, "Zero is not allowed here");
  return n;
}

Result<std::uint64_t> Cursor::take_number63() {
  return take_digits(std::numeric_limits<std::int64_t>::max());
}

}  // namespace posthorn::imap
