#include "text/find.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "text/ascii.h"

namespace posthorn::text {
namespace {

// Few letters, so that nearly everything nearly matches.
std::string random_bytes(std::mt19937& random, std::size_t size, std::string_view letters) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out += letters[random() % letters.size()];
  return out;
}

TEST(Find, AgreesWithTheLibrary) {
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const auto haystack = random_bytes(random, random() % 100, "abAB@`[{\xC3\xA9");
    const auto needle = random_bytes(random, random() % 6, "AB@[\xC3\xA9");
    const auto from = random() % (haystack.size() + 2);
    EXPECT_EQ(find_bytes(haystack, needle, from), haystack.find(needle, from)) << haystack << " / " << needle;
    EXPECT_EQ(find_upper(haystack, needle, from), to_upper(haystack).find(needle, from)) << haystack << " / " << needle;
  }
}

TEST(Find, AtEveryPlace) {
  for (std::size_t size = 1; size < 80; ++size)
    for (std::size_t at = 0; at + 3 <= size; ++at) {
      std::string haystack(size, '.');
      haystack.replace(at, 3, "xYz");
      EXPECT_EQ(find_bytes(haystack, "xYz"), at);
      EXPECT_EQ(find_upper(haystack, "XYZ"), at);
      EXPECT_EQ(find_upper(haystack, "XYZ", at + 1), std::string::npos);
    }
}

}  // namespace
}  // namespace posthorn::text
