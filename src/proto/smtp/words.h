// The words that command lines are made of.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "text/ascii.h"

namespace posthorn::smtp {

inline bool is_blank(char c) { return c == ' ' || c == '\t'; }

// The word at the front; blanks behind it go with it.
inline std::string_view take_word(std::string_view& in) {
  const auto n = static_cast<std::size_t>(std::find_if(in.begin(), in.end(), is_blank) - in.begin());
  const auto word = in.substr(0, n);
  in.remove_prefix(n);
  while (!in.empty() && is_blank(in.front())) in.remove_prefix(1);
  return word;
}

// Digits only.  Too large a number saturates.
inline std::optional<std::uint64_t> to_number(std::string_view s) {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  if (s.empty() || !std::all_of(s.begin(), s.end(), [](char c) { return text::is_digit(c); })) return {};
  std::uint64_t n = 0;
  for (const char c : s) {
    if (n > (kMax - 9) / 10) return kMax;
    n = n * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return n;
}

// [RFC5321 4.1.2] esmtp-keyword
inline bool is_keyword(std::string_view s) {
  return !s.empty() && s.front() != '-' &&
         std::all_of(s.begin(), s.end(), [](char c) { return text::is_alpha(c) || text::is_digit(c) || c == '-'; });
}

}  // namespace posthorn::smtp
