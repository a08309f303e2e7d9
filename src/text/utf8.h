// UTF-8 [RFC3629]: validation and repair.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace posthorn::text {

inline constexpr char32_t kReplacement = 0xFFFD;

// [RFC3629 3] No overlong forms, surrogates, or values above U+10FFFF.  NUL is valid here.
bool is_valid_utf8(std::string_view s);

// Every maximal malformed sequence becomes U+FFFD; valid input comes back unchanged.
std::string repair_utf8(std::string_view s);

// One character from the front of s.  length is the bytes it takes (1 or more for a non-empty s); a malformed
// start is {kReplacement, n, false}; incomplete is set when s ends inside a character that could still become
// valid.
struct Utf8Step {
  char32_t character = 0;
  std::size_t length = 0;
  bool valid = false;
  bool incomplete = false;
};
Utf8Step next_utf8(std::string_view s);

void append_utf8(std::string& out, char32_t character);  // REQUIRES: a Unicode scalar value

}  // namespace posthorn::text
