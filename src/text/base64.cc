#include "text/base64.h"

#include <array>

namespace posthorn::text {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// The sextet, or -1.
constexpr auto kValue = [] {
  std::array<std::int8_t, 256> t{};
  t.fill(-1);
  for (int i = 0; i < 64; ++i) t[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  return t;
}();

int value_of(char c) { return kValue[static_cast<unsigned char>(c)]; }

void put_group(std::uint32_t bits, std::string& out) {
  const char bytes[3] = {static_cast<char>(bits >> 16), static_cast<char>(bits >> 8),
                         static_cast<char>(bits)};
  out.append(bytes, 3);
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= n ? kAlphabet[bits >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

Result<std::string> base64_decode(std::string_view encoded) {
  if (encoded.size() % 4 != 0) return fail(Errc::syntax, "base64: length is no multiple of 4");
  std::size_t padding = 0;
  while (padding < 2 && padding < encoded.size() && encoded[encoded.size() - 1 - padding] == '=') ++padding;
  const std::string_view digits = encoded.substr(0, encoded.size() - padding);
  std::string out;
  out.reserve(encoded.size() / 4 * 3);
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const int v = value_of(digits[i]);
    if (v < 0) return fail(Errc::syntax, "base64: character outside the alphabet");
    bits = bits << 6 | static_cast<std::uint32_t>(v);
    if (i % 4 == 3) {
      put_group(bits, out);
      bits = 0;
    }
  }
  if (padding == 1) {
    if ((bits & 3) != 0) return fail(Errc::syntax, "base64: unused bits are set");
    out += static_cast<char>(bits >> 10);
    out += static_cast<char>(bits >> 2);
  } else if (padding == 2) {
    if ((bits & 15) != 0) return fail(Errc::syntax, "base64: unused bits are set");
    out += static_cast<char>(bits >> 4);
  }
  return out;
}

void Base64Decoder::feed(std::string_view in, std::string& out) {
  std::size_t i = 0;
  out.reserve(out.size() + in.size() / 4 * 3 + 3);
  while (i < in.size()) {
    if (count_ == 0) {  // whole groups without the state
      while (i + 4 <= in.size()) {
        const int a = value_of(in[i]), b = value_of(in[i + 1]), c = value_of(in[i + 2]),
                  d = value_of(in[i + 3]);
        if ((a | b | c | d) < 0) break;
        put_group(static_cast<std::uint32_t>(a << 18 | b << 12 | c << 6 | d), out);
        i += 4;
      }
      if (i == in.size()) return;
    }
    const char c = in[i++];
    if (c == '=') {
      finish(out);
    } else if (const int v = value_of(c); v >= 0) {
      bits_ = bits_ << 6 | static_cast<std::uint32_t>(v);
      if (++count_ == 4) {
        put_group(bits_, out);
        bits_ = count_ = 0;
      }
    }
  }
}

void Base64Decoder::finish(std::string& out) {
  if (count_ == 2) out += static_cast<char>(bits_ >> 4);
  if (count_ == 3) {
    out += static_cast<char>(bits_ >> 10);
    out += static_cast<char>(bits_ >> 2);
  }
  bits_ = count_ = 0;
}

}  // namespace posthorn::text
