#include "text/saslprep.h"

#include <gtest/gtest.h>

namespace posthorn::text {
namespace {

TEST(Saslprep, MakesOneFormOfMany) {
  struct Case {
    std::string in, out;
  };
  for (const auto& c : {Case{"", ""}, Case{"user", "user"}, Case{"USER", "USER"},
                        // [RFC4013 3]
                        Case{"I\xc2\xadX", "IX"}, Case{"\xc2\xaa", "a"}, Case{"\xe2\x85\xa8", "IX"},
                        Case{"\xc2\xad", ""},                              // nothing is left of a soft hyphen
                        Case{"a\xc2\xa0" "b", "a b"},                      // [RFC4013 2.1] spaces
                        Case{"u\xcc\x88", "\xc3\xbc"},                     // composed
                        Case{"\xef\xbc\xa1", "A"},                         // full width
                        Case{"\xf0\x9f\x90\xb4", "\xf0\x9f\x90\xb4"},      // a horse, unassigned in Unicode 3.2
                        Case{"\xd8\xa7" "1\xd8\xa8", "\xd8\xa7" "1\xd8\xa8"}}) {
    const auto r = saslprep(c.in);
    ASSERT_TRUE(r) << c.in;
    EXPECT_EQ(*r, c.out);
  }
  std::string ligatures, long_form;
  for (int i = 0; i < 1000; ++i) {
    ligatures += "\xef\xb7\xba";  // U+FDFA, eighteen characters
    long_form += "\xd8\xb5\xd9\x84\xd9\x89 \xd8\xa7\xd9\x84\xd9\x84\xd9\x87 \xd8\xb9\xd9\x84\xd9\x8a\xd9\x87 \xd9\x88\xd8\xb3\xd9\x84\xd9\x85";
  }
  EXPECT_EQ(saslprep(ligatures).value(), long_form);
}

TEST(Saslprep, Refuses) {
  for (const std::string bad : {"\x07", "a\x7f", "\xd8\xa7" "1",             // [RFC4013 3]
                                "\xff", "\xee\x80\x80", "\xe2\x80\xae", "\xef\xbf\xbd", "\xc2\x80"})
    EXPECT_EQ(saslprep(bad).error().code, Errc::invalid) << bad;
  EXPECT_FALSE(saslprep(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace posthorn::text
