#include "text/utf8.h"

#include <algorithm>

#include "text/ascii.h"

namespace posthorn::text {

Utf8Step next_utf8(std::string_view s) {
  if (s.empty()) return {0, 0, false, true};
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1, true, false};
  // [RFC3629 4] The second byte's range excludes overlong forms, surrogates and values above U+10FFFF.
  std::size_t length = 0;
  unsigned low = 0x80, high = 0xBF;
  char32_t value = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2, value = lead & 0x1F;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3, value = lead & 0x0F;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4, value = lead & 0x07;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {kReplacement, 1, false, false};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (i == s.size()) return {kReplacement, i, false, true};
    if (byte(i) < low || byte(i) > high) return {kReplacement, i, false, false};
    value = value << 6 | (byte(i) & 0x3FU);
    low = 0x80, high = 0xBF;
  }
  return {value, length, true, false};
}

bool is_valid_utf8(std::string_view s) {
  while (!s.empty()) {
    if (s.size() >= 8 && is_ascii(s.substr(0, 8))) {
      s.remove_prefix(8);
      continue;
    }
    const Utf8Step step = next_utf8(s);
    if (!step.valid) return false;
    s.remove_prefix(step.length);
  }
  return true;
}

std::string repair_utf8(std::string_view s) {
  if (is_valid_utf8(s)) return std::string(s);
  std::string out;
  out.reserve(s.size());
  while (!s.empty()) {
    const Utf8Step step = next_utf8(s);
    if (step.valid) {
      out.append(s.substr(0, step.length));
    } else {
      append_utf8(out, kReplacement);
    }
    s.remove_prefix(step.length);
  }
  return out;
}

void append_utf8(std::string& out, char32_t c) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (c >> shift & 0x3F)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    tail(6), tail(0);
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    tail(12), tail(6), tail(0);
  }
}

}  // namespace posthorn::text
