#include "intake/send_as.h"

#include <gtest/gtest.h>

namespace posthorn::intake {
namespace {

TEST(SendAs, AllowsWhatItSays) {
  const auto rules = SendAs::parse("Ann@example.org: @lists.example.org  Boss@Example.net ; ;relay@example.org:*;ann@example.org: x@y.example");
  ASSERT_TRUE(rules);
  struct Case {
    std::string_view account, local, domain;
    bool allowed;
  };
  for (const auto& c : {Case{"ann@example.org", "any.thing", "LISTS.example.org", true}, Case{"ann@example.org", "boss", "example.net", true},
                        Case{"ann@example.org", "x", "y.example", true}, Case{"ann@example.org", "any", "example.org", false},
                        Case{"ann@example.org", "any", "sub.lists.example.org", false}, Case{"ann@example.org", "bosse", "example.net", false},
                        Case{"bob@example.org", "boss", "example.net", false}, Case{"relay@example.org", "who", "ever.example", true},
                        Case{"", "boss", "example.net", false}})
    EXPECT_EQ(rules->allows(c.account, c.local, c.domain), c.allowed) << c.account << " " << c.local << "@" << c.domain;
  EXPECT_FALSE(SendAs::parse("")->allows("ann@example.org", "ann", "example.org"));
}

TEST(SendAs, SaysWhatIsWrong) {
  for (const auto bad : {"ann", "ann@example.org", "ann@example.org:", "ann@example.org: bob", "ann@example.org: @", "ann@example.org: a@b, c@d @",
                         "ann@example.org bob@example.org: *", ": *", "@example.org: *"})
    EXPECT_EQ(SendAs::parse(bad).error().code, Errc::invalid) << bad;
}

}  // namespace
}  // namespace posthorn::intake
