#include "mailauth/dkim/present.h"

#include <gtest/gtest.h>

namespace posthorn::mailauth::dkim {
namespace {

TEST(DkimPresent, TagsAreFoundWhereverTheyAre) {
  const struct {
    std::string_view list, tag, value;
  } kCases[] = {{"v=1; d=example.org; s=one", "d", "example.org"}, {" d = example.org\r\n\t;s=x", "d", "example.org"},
                {"bh=ab\r\n cd==; b=x", "bh", "abcd=="},           {"v=1; d=example.org", "s", ""},
                {"dd=x; d=y", "d", "y"},                            {"d", "d", ""},
                {"", "d", ""},                                      {";;=;d=;", "d", ""}};
  for (const auto& c : kCases) EXPECT_EQ(tag_value(c.list, c.tag), c.value) << c.list;
}

TEST(DkimPresent, OfAHeader) {
  const auto found = find_signatures("Received: x\r\nDKIM-Signature: v=1; d=Example.ORG; s=A;\r\n bh=ab\r\n cd=; b=x\r\nFrom: a@example.org\r\n"
                                     "dkim-signature: v=1; d=example.org\r\n\r\nDKIM-Signature: d=body; s=x; bh=y\r\n");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0], (PresentSignature{"example.org", "a", "abcd="}));
}

TEST(DkimPresent, AHeaderFullOfThemIsNotReadToItsEnd) {
  std::string header;
  for (int i = 0; i < 1000; ++i) header += "DKIM-Signature: d=example.org; s=x; bh=y\r\n";
  EXPECT_EQ(find_signatures(header).size(), kMaxPresent);
}

}  // namespace
}  // namespace posthorn::mailauth::dkim
