#include "text/columns.h"

#include <gtest/gtest.h>

namespace posthorn::text {
namespace {

TEST(Columns, AreCountedAsTerminalsDo) {
  EXPECT_EQ(columns_of(""), 0u);
  EXPECT_EQ(columns_of("abc"), 3u);
  EXPECT_EQ(columns_of("Entw\u00fcrfe"), 8u);
  EXPECT_EQ(columns_of("u\u0308"), 1u);
  EXPECT_EQ(columns_of("\u65e5\u672c"), 4u);
  EXPECT_EQ(columns_of("\U0001F600"), 2u);
  EXPECT_EQ(columns_of("\xff"), 1u);
}

TEST(Columns, WholeCharactersAreCutOff) {
  EXPECT_EQ(first_columns("abc", 2), "ab");
  EXPECT_EQ(first_columns("abc", 9), "abc");
  EXPECT_EQ(first_columns("a\u00fcb", 2), "a\u00fc");
  EXPECT_EQ(first_columns("\u65e5\u672c", 3), "\u65e5");  // half of a character is none
  EXPECT_EQ(first_columns("u\u0308x", 1), "u\u0308");     // what combines goes with its character
  EXPECT_EQ(first_columns("abc", 0), "");
}

}  // namespace
}  // namespace posthorn::text
