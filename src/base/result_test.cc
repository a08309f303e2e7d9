#include "base/result.h"

#include <gtest/gtest.h>

namespace posthorn {
namespace {

Result<int> half(int n) {
  if (n % 2) return fail(Errc::invalid, "odd");
  return n / 2;
}

Result<int> quarter(int n) {
  TRY(auto h, half(n));
  TRY(auto q, half(h));
  return q;
}

TEST(Result, TryBindsTheValueOrReturnsTheError) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().code, Errc::invalid);
}

TEST(Result, EveryCodeHasAName) {
  for (int i = 0; i <= static_cast<int>(Errc::unsupported); ++i)
    EXPECT_NE(to_string(static_cast<Errc>(i)), "unknown") << i;
}

}  // namespace
}  // namespace posthorn
