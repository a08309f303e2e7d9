// CRC-32C, reflected polynomial 0x82F63B78 [RFC3720 B.4].
#include <cstring>

#include "crypto/digest.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace posthorn::crypto {
namespace {

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables t{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) ? (c >> 1) ^ 0x82f63b78u : c >> 1;
    t[0][i] = c;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t i = 0; i < 256; ++i) t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 0xff];
  return t;
}
constexpr Tables kTables = make_tables();

// Eight bytes a step.
[[maybe_unused]] std::uint32_t by_table(std::uint32_t crc, const unsigned char* p, std::size_t n) {
  for (; n >= 8; p += 8, n -= 8) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < 4; ++i)
      next ^= kTables[7 - i][((crc >> (8 * i)) ^ p[i]) & 0xff] ^ kTables[3 - i][p[4 + i]];
    crc = next;
  }
  for (; n > 0; --n) crc = (crc >> 8) ^ kTables[0][(crc ^ *p++) & 0xff];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::uint32_t crc, const unsigned char* p,
                                                               std::size_t n) {
  std::uint64_t wide = crc;
  for (; n >= 8; p += 8, n -= 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (; n > 0; --n) crc = _mm_crc32_u8(crc, *p++);
  return crc;
}
bool have_instruction() {
  static const bool yes = __builtin_cpu_supports("sse4.2") != 0;
  return yes;
}
#elif defined(__ARM_FEATURE_CRC32)
std::uint32_t by_instruction(std::uint32_t crc, const unsigned char* p, std::size_t n) {
  for (; n >= 8; p += 8, n -= 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    crc = __crc32cd(crc, word);
  }
  for (; n > 0; --n) crc = __crc32cb(crc, *p++);
  return crc;
}
constexpr bool have_instruction() { return true; }
#else
std::uint32_t by_instruction(std::uint32_t crc, const unsigned char* p, std::size_t n) {
  return by_table(crc, p, n);
}
constexpr bool have_instruction() { return false; }
#endif

}  // namespace

namespace internal {
// For the test that compares the two ways.
std::uint32_t crc32c_by_table(std::string_view data, std::uint32_t so_far) {
  return ~by_table(~so_far, reinterpret_cast<const unsigned char*>(data.data()), data.size());
}
}  // namespace internal

std::uint32_t crc32c(std::string_view data, std::uint32_t so_far) {
  const auto* const p = reinterpret_cast<const unsigned char*>(data.data());
  if (have_instruction()) [[likely]]
    return ~by_instruction(~so_far, p, data.size());
  return ~by_table(~so_far, p, data.size());
}

}  // namespace posthorn::crypto
