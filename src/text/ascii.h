// ASCII helpers for protocol text; the locale never matters.  All pure, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace posthorn::text {

namespace detail {
inline constexpr auto kLower = [] {
  std::array<char, 256> t{};
  for (int i = 0; i < 256; ++i) t[i] = static_cast<char>(i >= 'A' && i <= 'Z' ? i + 32 : i);
  return t;
}();
}  // namespace detail

constexpr char to_lower(char c) { return detail::kLower[static_cast<unsigned char>(c)]; }
constexpr char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return to_lower(c) >= 'a' && to_lower(c) <= 'z'; }
constexpr bool is_wsp(char c) { return c == ' ' || c == '\t'; }                  // WSP of RFC 5234
constexpr bool is_space(char c) { return is_wsp(c) || c == '\r' || c == '\n'; }  // WSP and line ends
constexpr bool is_ascii(char c) { return (static_cast<unsigned char>(c) & 0x80) == 0; }
bool is_ascii(std::string_view s);
std::size_t ascii_prefix(std::string_view s);  // how many bytes before the first that is not ASCII

// 0..15, or -1 when c is no hexadecimal digit.
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char l = to_lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

constexpr bool iequals(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  return true;
}

constexpr bool istarts_with(std::string_view s, std::string_view prefix) {
  return s.size() >= prefix.size() && iequals(s.substr(0, prefix.size()), prefix);
}

// Without leading and trailing spaces, tabs, CR and LF.
constexpr std::string_view trim(std::string_view s) {
  while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
  return s;
}

std::string to_lower(std::string_view s);
std::string to_upper(std::string_view s);

}  // namespace posthorn::text
