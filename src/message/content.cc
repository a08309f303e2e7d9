#include "message/content.h"

#include <algorithm>
#include <cstring>

namespace posthorn::message {
namespace {

constexpr std::size_t kBlock = 128;  // counts of a block fit a byte, which compilers turn into vector code

// Bytes that quoted-printable cannot show as they are; line ends are counted apart. [RFC2045 6.7]
constexpr bool is_escaped(unsigned char c) {
  return c > '~' || c == '=' || (c < ' ' && c != '\t' && c != '\r' && c != '\n');
}

struct Counts {
  unsigned bits = 0;  // of all bytes together
  std::uint64_t escaped = 0, returns = 0, nuls = 0;
};

Counts count(std::string_view s) {
  Counts all;
  while (!s.empty()) {
    const std::string_view block = s.substr(0, kBlock);
    std::uint8_t bits = 0, escaped = 0, returns = 0, nuls = 0;
    for (const char c : block) {
      const auto byte = static_cast<unsigned char>(c);
      bits = static_cast<std::uint8_t>(bits | byte);
      escaped = static_cast<std::uint8_t>(escaped + is_escaped(byte));
      returns = static_cast<std::uint8_t>(returns + (byte == '\r'));
      nuls = static_cast<std::uint8_t>(nuls + (byte == 0));
    }
    all.bits |= bits;
    all.escaped += escaped;
    all.returns += returns;
    all.nuls += nuls;
    s.remove_prefix(block.size());
  }
  return all;
}

}  // namespace

void ContentOfBytes::add(const ContentOfBytes& other) {
  content = std::max(content, other.content);
  has_8bit |= other.has_8bit;
  longest_line = std::max(longest_line, other.longest_line);
  escapes += other.escapes;
}

void ContentMeter::feed(std::string_view bytes) {
  if (bytes.empty()) return;
  const Counts counts = count(bytes);
  has_8bit_ |= counts.bits > 0x7F;
  has_nul_ |= counts.nuls != 0;
  escapes_ += counts.escaped;
  returns_ += counts.returns;
  while (!bytes.empty()) {
    const void* const lf = std::memchr(bytes.data(), '\n', bytes.size());
    if (lf == nullptr) {
      line_ += bytes.size();
      ends_with_cr_ = bytes.back() == '\r';
      return;
    }
    const auto length = static_cast<std::size_t>(static_cast<const char*>(lf) - bytes.data());
    const bool pair = length > 0 ? bytes[length - 1] == '\r' : ends_with_cr_;
    longest_line_ = std::max(longest_line_, line_ + length - (pair ? 1 : 0));
    ++newlines_;
    pairs_ += pair ? 1 : 0;
    line_ = 0;
    ends_with_cr_ = false;
    bytes.remove_prefix(length + 1);
  }
}

ContentOfBytes ContentMeter::result() const {
  const bool binary = has_nul_ || returns_ != pairs_ || newlines_ != pairs_;
  return {.content = binary ? Content::binary : has_8bit_ ? Content::eight_bit : Content::seven_bit,
          .has_8bit = has_8bit_,
          .longest_line = std::max(longest_line_, line_),
          .escapes = escapes_ + (returns_ - pairs_) + (newlines_ - pairs_)};
}

}  // namespace posthorn::message
