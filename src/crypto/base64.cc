#include "crypto/base64.h"

#include <cstdint>

namespace posthorn::crypto {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string encode_base64(std::string_view bytes, Padding padding) {
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) out += kAlphabet[(bits >> (count - 6)) & 63];
  }
  if (count > 0) out += kAlphabet[(bits << (6 - count)) & 63];
  while (padding == Padding::equals && out.size() % 4) out += '=';
  return out;
}

Result<std::string> decode_base64(std::string_view text, Padding padding) {
  if (padding == Padding::equals) {
    if (text.size() % 4) return fail(Errc::corrupt, "base64 without its padding");
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  }
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const auto value = kAlphabet.find(c);
    if (value == kAlphabet.npos) return fail(Errc::corrupt, "not base64");
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>((bits >> count) & 0xff);
    }
  }
  if (count >= 6 || (bits & ((1u << count) - 1)) != 0)
    return fail(Errc::corrupt, "base64 with bits left over");
  return out;
}

}  // namespace posthorn::crypto
