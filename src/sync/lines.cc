#include "sync/lines.h"

#include <charconv>
#include <cstdint>
#include <cstdio>

#include "crypto/digest.h"
#include "text/ascii.h"

namespace posthorn::sync {
namespace {

constexpr std::size_t kChecksum = 8;

std::string checksum(std::string_view text) {
  char out[kChecksum + 1];
  std::snprintf(out, sizeof out, "%08x", static_cast<unsigned>(crypto::crc32c(text)));
  return out;
}

}  // namespace

void put_line(std::string& out, const std::vector<std::string>& fields) {
  const auto begin = out.size();
  for (const auto& field : fields) (out += field) += ' ';
  out += checksum(std::string_view(out).substr(begin));
  out += '\n';
}

std::optional<Fields> take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  if (end == rest.npos || end <= kChecksum) return std::nullopt;
  auto line = rest.substr(0, end);
  const auto sum = line.substr(end - kChecksum);
  line.remove_suffix(kChecksum);
  std::uint32_t value = 0;
  const auto [stop, error] = std::from_chars(sum.data(), sum.data() + sum.size(), value, 16);
  if (error != std::errc() || stop != sum.data() + sum.size() || value != crypto::crc32c(line)) return std::nullopt;
  Fields out;
  while (!line.empty()) {
    const auto space = line.find(' ');
    if (!out.add(line.substr(0, space))) return std::nullopt;
    line.remove_prefix(space == line.npos ? line.size() : space + 1);
  }
  if (out.size() == 0) return std::nullopt;
  rest.remove_prefix(end + 1);
  return out;
}

std::string escaped(std::string_view name) {
  if (name.empty()) return "%";
  std::string out;
  for (const char c : name) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet > 0x20 && octet != 0x7f && c != '%') {
      out += c;
      continue;
    }
    char code[4];
    std::snprintf(code, sizeof code, "%%%02X", octet);
    out += code;
  }
  return out;
}

std::string unescaped(std::string_view field) {
  if (field.find('%') == field.npos) return std::string(field);
  std::string out;
  for (std::size_t i = 0; i < field.size(); ++i) {
    const bool code = field[i] == '%' && i + 2 < field.size() && text::hex_value(field[i + 1]) >= 0 && text::hex_value(field[i + 2]) >= 0;
    if (code) {
      out += static_cast<char>(text::hex_value(field[i + 1]) * 16 + text::hex_value(field[i + 2]));
      i += 2;
    } else if (field[i] != '%') {
      out += field[i];
    }
  }
  return out;
}

template <class T>
std::optional<T> number(std::string_view digits) {
  T out{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return out;
}
template std::optional<std::uint32_t> number(std::string_view);
template std::optional<std::uint64_t> number(std::string_view);
template std::optional<std::int64_t> number(std::string_view);

}  // namespace posthorn::sync
