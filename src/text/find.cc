// Two bytes of the needle, its first and its last, are compared at 16 places at once; where both agree the rest is compared.
#include "text/find.h"

#include <bit>
#include <cstdint>
#include <cstring>

#include "text/ascii.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace posthorn::text {
namespace {

struct Exact {
  static bool equal(const char* a, std::string_view b) { return std::memcmp(a, b.data(), b.size()) == 0; }
  static unsigned char fold(char) { return 0; }
};

struct Upper {
  // What is set in a byte before it is compared: the bit of lower case, for letters.
  static unsigned char fold(char c) { return is_alpha(c) ? 0x20 : 0; }
  static bool equal(const char* a, std::string_view b) {
    for (std::size_t i = 0; i < b.size(); ++i)
      if (to_upper(a[i]) != b[i]) return false;
    return true;
  }
};

#if defined(__SSE2__) || defined(__aarch64__)
constexpr std::size_t kStep = 16;

// Bit i * kBits of the answer: are data[i] and data[i + distance] the two bytes?
#if defined(__SSE2__)
constexpr int kBits = 1;
using Mask = std::uint32_t;
struct Pair {
  __m128i first, last, fold_first, fold_last;
  Pair(char f, char l, unsigned char ff, unsigned char fl)
      : first(_mm_set1_epi8(static_cast<char>(f | ff))), last(_mm_set1_epi8(static_cast<char>(l | fl))),
        fold_first(_mm_set1_epi8(static_cast<char>(ff))), fold_last(_mm_set1_epi8(static_cast<char>(fl))) {}
  Mask at(const char* data, std::size_t distance) const {
    const auto a = _mm_or_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(data)), fold_first);
    const auto b = _mm_or_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(data + distance)), fold_last);
    return static_cast<Mask>(_mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, last))));
  }
};
#else
constexpr int kBits = 4;
using Mask = std::uint64_t;
struct Pair {
  uint8x16_t first, last, fold_first, fold_last;
  Pair(char f, char l, unsigned char ff, unsigned char fl)
      : first(vdupq_n_u8(static_cast<unsigned char>(f) | ff)), last(vdupq_n_u8(static_cast<unsigned char>(l) | fl)),
        fold_first(vdupq_n_u8(ff)), fold_last(vdupq_n_u8(fl)) {}
  Mask at(const char* data, std::size_t distance) const {
    const auto a = vorrq_u8(vld1q_u8(reinterpret_cast<const unsigned char*>(data)), fold_first);
    const auto b = vorrq_u8(vld1q_u8(reinterpret_cast<const unsigned char*>(data + distance)), fold_last);
    const auto both = vandq_u8(vceqq_u8(a, first), vceqq_u8(b, last));
    const auto narrow = vshrn_n_u16(vreinterpretq_u16_u8(both), 4);
    return vget_lane_u64(vreinterpret_u64_u8(narrow), 0) & 0x1111111111111111U;
  }
};
#endif
#endif

template <class Compare>
std::size_t find(std::string_view haystack, std::string_view needle, std::size_t from) {
  if (from > haystack.size() || needle.size() > haystack.size() - from) return haystack.npos;
  if (needle.empty()) return from;
  const std::size_t end = haystack.size() - needle.size() + 1;  // of the places where it may begin
  const std::size_t distance = needle.size() - 1;
  std::size_t i = from;
#if defined(__SSE2__) || defined(__aarch64__)
  const Pair pair(needle.front(), needle.back(), Compare::fold(needle.front()), Compare::fold(needle.back()));
  for (; i + kStep <= end; i += kStep) {
    for (Mask places = pair.at(haystack.data() + i, distance); places != 0; places &= places - 1) {
      const auto at = i + static_cast<std::size_t>(std::countr_zero(places) / kBits);
      if (Compare::equal(haystack.data() + at, needle)) return at;
    }
  }
#endif
  for (; i < end; ++i)
    if (Compare::equal(haystack.data() + i, needle)) return i;
  return haystack.npos;
}

}  // namespace

std::size_t find_bytes(std::string_view haystack, std::string_view needle, std::size_t from) {
  return find<Exact>(haystack, needle, from);
}

std::size_t find_upper(std::string_view haystack, std::string_view needle, std::size_t from) {
  return find<Upper>(haystack, needle, from);
}

}  // namespace posthorn::text
