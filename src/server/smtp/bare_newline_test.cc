#include "server/smtp/bare_newline.h"

#include <gtest/gtest.h>

namespace posthorn::server {
namespace {

TEST(BareNewline, IsFoundAtEverySplit) {
  struct Case {
    std::string_view text;
    bool found;
  };
  for (const auto& c : {Case{"", false}, Case{"abc", false}, Case{"\r\n", false}, Case{"a\r\nb\r\n\r\n", false},
                        Case{"\n", true}, Case{"\r", true}, Case{"a\nb", true}, Case{"a\rb", true}, Case{"a\r\r\n", true},
                        Case{"a\r\n\nb", true}, Case{"a\r\n\rb", true}, Case{"a\r\nb\r", true}})
    for (std::size_t split = 0; split <= c.text.size(); ++split) {
      BareNewlineFinder finder;
      finder.feed(c.text.substr(0, split));
      finder.feed(c.text.substr(split));
      EXPECT_EQ(finder.found(), c.found) << c.text << split;
    }
}

}  // namespace
}  // namespace posthorn::server
