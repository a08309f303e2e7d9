#include "proto/smtp/xtext.h"

#include <algorithm>
#include <cstdio>

#include "text/ascii.h"
#include "text/utf8.h"

namespace posthorn::smtp {
namespace {

constexpr char kUpperHex[] = "0123456789ABCDEF";

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool is_graphic(char c) { return c > ' ' && c < 0x7f; }

// [RFC6533 3] HEXPOINT and the brace behind it; `in` is behind "\x{".
std::optional<char32_t> take_hexpoint(std::string_view& in) {
  const auto end = in.find('}');
  if (end == in.npos || end < 2 || end > 6) return {};
  char32_t point = 0;
  for (const char c : in.substr(0, end)) {
    const int digit = text::hex_value(c);
    if (digit < 0) return {};
    point = point * 16 + static_cast<char32_t>(digit);
  }
  if (point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return {};
  in.remove_prefix(end + 1);
  return point;
}

}  // namespace

std::optional<std::string> from_xtext(std::string_view s) {
  std::string out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (static_cast<unsigned char>(s[i]) < 33 || s[i] == '=' || s[i] == 0x7f) return {};
    if (s[i] != '+') {
      out += s[i];
      continue;
    }
    if (s.size() - i < 3) return {};
    const int high = text::hex_value(s[i + 1]), low = text::hex_value(s[i + 2]);
    if (high < 0 || low < 0) return {};
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string to_xtext(std::string_view plain) {
  std::string out;
  for (const char c : plain) {
    if (is_graphic(c) && c != '+' && c != '=') {
      out += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    out += {'+', kUpperHex[octet >> 4], kUpperHex[octet & 15]};
  }
  return out;
}

bool is_printable(std::string_view s) {
  return std::ranges::all_of(s, [](char c) { return (c >= ' ' && c < 0x7f) || c == '\t'; });
}

std::optional<std::string> from_unitext(std::string_view in) {
  std::string out;
  while (!in.empty()) {
    if (!in.starts_with('\\')) {
      out += in.front();
      in.remove_prefix(1);
      continue;
    }
    if (!in.starts_with("\\x{")) return {};
    in.remove_prefix(3);
    const auto point = take_hexpoint(in);
    if (!point) return {};
    text::append_utf8(out, *point);
  }
  if (out.empty() || !text::is_valid_utf8(out) || std::ranges::any_of(out, is_control)) return {};
  return out;
}

std::string to_unitext(std::string_view plain) {
  std::string out;
  while (!plain.empty()) {
    const auto step = text::next_utf8(plain);
    const char c = plain.front();
    if (is_graphic(c) && c != '\\' && c != '+' && c != '=') {
      out += c;
    } else {
      char buffer[16];
      std::snprintf(buffer, sizeof buffer, "\\x{%02X}", static_cast<unsigned>(step.character));
      out += buffer;
    }
    plain.remove_prefix(step.length);
  }
  return out;
}

}  // namespace posthorn::smtp
