#include "server/pop3/texts.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "text/ascii.h"
#include "text/utf8.h"

namespace posthorn::pop3 {
namespace {

int places(std::string_view text) {
  int n = 0;
  for (auto at = text.find("{}"); at != text.npos; at = text.find("{}", at + 2)) ++n;
  return n;
}

TEST(Pop3Texts, EveryTextIsThereInEveryLanguage) {
  for (int i = 0; i < kTexts; ++i) {
    const auto english = text_in(Language::english, Text(i));
    EXPECT_FALSE(english.empty()) << i;
    EXPECT_TRUE(text::is_ascii(english)) << english;
    for (const auto language : kLanguages) {
      const auto text = text_in(language, Text(i));
      EXPECT_FALSE(text.empty()) << english;
      EXPECT_TRUE(text::is_valid_utf8(text)) << text;
      EXPECT_EQ(places(text), places(english)) << text;
      EXPECT_LE(text.size(), 200u) << text;  // [RFC1939 3] 512 with the code, and with numbers
      EXPECT_NE(text.front(), '[') << text;  // a response code would be taken out of it
    }
  }
}

TEST(Pop3Texts, Filled) {
  const std::string values[] = {"1", "22"};
  EXPECT_EQ(filled("{} messages ({} octets)", values), "1 messages (22 octets)");
  EXPECT_EQ(filled("nothing", {}), "nothing");
}

TEST(Pop3Texts, Languages) {
  EXPECT_EQ(find_language("de"), Language::german);
  EXPECT_EQ(find_language("de-at-1901"), Language::german);
  EXPECT_EQ(find_language("en"), Language::english);
  EXPECT_EQ(find_language("den"), std::nullopt);
  EXPECT_EQ(find_language("mul"), std::nullopt);
}

}  // namespace
}  // namespace posthorn::pop3
