// A position in the text of a command, with the small rules of [RFC3501 9] that every command uses.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "proto/imap/parser.h"

namespace posthorn::imap {

enum CharClass : std::uint8_t {
  kAtomChar = 1,     // ATOM-CHAR
  kAstringChar = 2,  // ASTRING-CHAR
  kListChar = 4,     // list-char
  kTagChar = 8,      // of tag: ASTRING-CHAR except "+"
};

inline constexpr auto kCharClass = [] {
  std::array<std::uint8_t, 256> t{};
  for (int c = 0x21; c < 0x7f; ++c) {
    const std::string_view specials = "(){%*\"\\]";
    std::uint8_t bits = 0;
    if (specials.find(static_cast<char>(c)) == specials.npos)
      bits = kAtomChar | kAstringChar | kListChar | kTagChar;
    if (c == ']') bits = kAstringChar | kListChar | kTagChar;
    if (c == '%' || c == '*') bits = kListChar;
    if (c == '+') bits &= ~kTagChar;
    t[c] = bits;
  }
  return t;
}();

constexpr bool is_char(char c, CharClass k) { return kCharClass[static_cast<unsigned char>(c)] & k; }
constexpr bool all_chars(std::string_view s, CharClass k) {
  for (char c : s)
    if (!is_char(c, k)) return false;
  return !s.empty();
}

// All take_ functions return Errc::syntax (or limit) with a text for the client, and leave the position
// anywhere then.
class Cursor {
 public:
  explicit Cursor(std::string_view text, const ParserLimits& limits = {}) : rest_(text), utf8_(limits.utf8) {}

  bool at_end() const { return rest_.empty(); }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }  // NUL is never part of a command
  std::string_view rest() const { return rest_; }

  void advance(std::size_t n) { rest_.remove_prefix(n); }  // REQUIRES: n <= rest().size()
  bool take(char c);                                       // false: something else is there
  bool take_word(std::string_view keyword);                // in any case, and not followed by an ATOM-CHAR
  std::string_view take_while(CharClass k);                // may be empty; a view
  Result<void> take_space();
  Result<void> take_end();
  Result<void> expect(char c);

  Result<std::string_view> take_atom();  // a view
  // [RFC3501 9] string. Departure: octets above 127 are accepted in quoted strings, clients send UTF-8 in
  // search terms and passwords. With ParserLimits::utf8 they must be UTF-8 [RFC6855 3].
  Result<std::string> take_string();
  Result<std::string> take_quoted();
  Result<std::string> take_astring();
  Result<std::optional<std::string>> take_nstring();
  Result<std::uint32_t> take_number();     // 0..2^32-1
  Result<std::uint32_t> take_nz_number();  // 1..2^32-1
  Result<std::uint64_t> take_number63();   // 0..2^63-1 [RFC7162 7], [RFC9051 9] number64

 private:
  Result<std::string> take_literal();
  Result<std::uint64_t> take_digits(std::uint64_t max);

  std::string_view rest_;
  bool utf8_;
};

}  // namespace posthorn::imap
