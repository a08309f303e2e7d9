#include "text/utf7.h"

#include <array>
#include <cstdint>
#include <vector>

#include "text/utf8.h"

namespace posthorn::text {
namespace {

// [RFC3501 5.1.3] "," instead of "/", and no padding.
constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

constexpr auto kValue = [] {
  std::array<std::int8_t, 256> t{};
  t.fill(-1);
  for (int i = 0; i < 64; ++i) t[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  return t;
}();

bool is_direct(char32_t c) { return c >= 0x20 && c <= 0x7E; }

// The UTF-16 units of one shifted run, without its "&" and "-", as UTF-8.
Result<void> take_shifted(std::string_view digits, std::string& out) {
  std::uint32_t bits = 0;
  int count = 0;
  char32_t high = 0;
  for (const char d : digits) {
    const int v = kValue[static_cast<unsigned char>(d)];
    if (v < 0) return fail(Errc::syntax, "mailbox name: bad BASE64");
    bits = (bits << 6 | static_cast<std::uint32_t>(v)) & 0x3FFFFF;
    if ((count += 6) < 16) continue;
    count -= 16;
    const char32_t unit = bits >> count & 0xFFFF;
    if (unit >= 0xD800 && unit < 0xDC00 && high == 0) {
      high = unit;
    } else if (unit >= 0xDC00 && unit < 0xE000 && high != 0) {
      append_utf8(out, 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00));
      high = 0;
    } else if ((unit >= 0xD800 && unit < 0xE000) || high != 0) {
      return fail(Errc::syntax, "mailbox name: lone surrogate");
    } else {
      append_utf8(out, unit);
    }
  }
  if (high != 0) return fail(Errc::syntax, "mailbox name: lone surrogate");
  return {};
}

void put_shifted(const std::vector<char16_t>& units, std::string& out) {
  out += '&';
  std::uint32_t bits = 0;
  int count = 0;
  for (const char16_t unit : units) {
    bits = bits << 16 | unit;
    for (count += 16; count >= 6; count -= 6) out += kAlphabet[bits >> (count - 6) & 63];
    bits &= (1U << count) - 1;
  }
  if (count > 0) out += kAlphabet[bits << (6 - count) & 63];
  out += '-';
}

}  // namespace

Result<std::string> utf8_to_imap_utf7(std::string_view name) {
  std::string out;
  std::vector<char16_t> shifted;
  auto flush = [&] {
    if (!shifted.empty()) put_shifted(shifted, out);
    shifted.clear();
  };
  while (!name.empty()) {
    const Utf8Step step = next_utf8(name);
    if (!step.valid) return fail(Errc::syntax, "mailbox name: not UTF-8");
    name.remove_prefix(step.length);
    if (is_direct(step.character)) {
      flush();
      out += static_cast<char>(step.character);
      if (step.character == '&') out += '-';
    } else if (step.character < 0x10000) {
      shifted.push_back(static_cast<char16_t>(step.character));
    } else {
      const char32_t c = step.character - 0x10000;
      shifted.push_back(static_cast<char16_t>(0xD800 + (c >> 10)));
      shifted.push_back(static_cast<char16_t>(0xDC00 + (c & 0x3FF)));
    }
  }
  flush();
  return out;
}

Result<std::string> imap_utf7_to_utf8(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (!is_direct(static_cast<unsigned char>(name[i])))
      return fail(Errc::syntax, "mailbox name: not printable ASCII");
    if (name[i] != '&') {
      out += name[i];
      continue;
    }
    const std::size_t end = name.find('-', i);
    if (end == name.npos) return fail(Errc::syntax, "mailbox name: shift without end");
    if (end == i + 1) {
      out += '&';
    } else {
      TRY_OK(take_shifted(name.substr(i + 1, end - i - 1), out));
    }
    i = end;
  }
  // [RFC3501 5.1.3] One name has one form.  Writing it again finds every other one: encoded ASCII,
  // superfluous shifts, set pad bits.
  TRY(const std::string again, utf8_to_imap_utf7(out));
  if (again != name) return fail(Errc::syntax, "mailbox name: modified UTF-7 is not in its canonical form");
  return out;
}

}  // namespace posthorn::text
