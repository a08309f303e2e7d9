#include "message/foreign_text.h"

#include <cstdio>

#include "text/ascii.h"
#include "text/utf8.h"

namespace posthorn::message {
namespace {

constexpr std::string_view kCut = "...";

bool is_harmless(char32_t c) {
  if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return false;
  if (c == 0x2028 || c == 0x2029) return false;                                            // line, paragraph separator
  return !(c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069));  // directions
}

}  // namespace

std::string clean_text(std::string_view s, std::size_t max_bytes) {
  std::string out;
  std::size_t room_for_cut = 0;  // how long `out` was when "..." still fitted
  while (!s.empty()) {
    const auto step = text::next_utf8(s);
    std::string character;
    if (is_harmless(step.character)) {
      text::append_utf8(character, step.character);
    } else {
      character = ' ';
    }
    if (out.size() + character.size() > max_bytes) {
      out.resize(room_for_cut);
      return out += kCut;
    }
    out += character;
    if (out.size() + kCut.size() <= max_bytes) room_for_cut = out.size();
    s.remove_prefix(step.length);
  }
  return out;
}

std::string escape_non_ascii(std::string_view utf8, Escape what) {
  const std::string_view special = what == Escape::address ? " \\+=" : "";
  std::string out;
  while (!utf8.empty()) {
    const auto step = text::next_utf8(utf8);
    if (step.character < 0x80 && special.find(static_cast<char>(step.character)) == special.npos) {
      out += static_cast<char>(step.character);
    } else {
      char hex[16];
      std::snprintf(hex, sizeof hex, "\\x{%02X}", static_cast<unsigned>(step.character));
      out += hex;
    }
    utf8.remove_prefix(step.length);
  }
  return out;
}

}  // namespace posthorn::message
