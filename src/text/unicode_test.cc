#include <gtest/gtest.h>

#include <memory>

#include "text/ascii.h"
#include "text/casemap.h"
#include "text/charset.h"
#include "text/splits.h"
#include "text/utf7.h"
#include "text/utf8.h"

namespace posthorn::text {
namespace {

using namespace std::string_view_literals;

TEST(Ascii, Helpers) {
  EXPECT_TRUE(iequals("MIME-Version", "mime-version"));
  EXPECT_FALSE(iequals("a", "ab"));
  EXPECT_FALSE(iequals("[", "{"));  // 0x20 apart, but no letters
  EXPECT_TRUE(istarts_with("Re: x", "rE:"));
  EXPECT_EQ(trim(" \t\r\na b \n"), "a b");
  EXPECT_EQ(trim("  "), "");
  EXPECT_EQ(hex_value('g'), -1);
  EXPECT_EQ(hex_value('F'), 15);
  EXPECT_TRUE(is_ascii("0123456789abcdef\x7F"));
  EXPECT_FALSE(is_ascii("0123456789abcdef\x80"));
}

TEST(Utf8, ValidityAndRepair) {
  struct Case {
    std::string_view in, repaired;
  };
  // [RFC3629 3, 4]; one U+FFFD for each maximal malformed sequence.
  const Case cases[] = {
      {"abc", "abc"},
      {"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80", "\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"},
      {"a\0b"sv, "a\0b"sv},
      {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},                  // overlong
      {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},  // surrogate
      {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xE2\x82", "\xEF\xBF\xBD"},  // cut
      {"x\xE2\x82y", "x\xEF\xBF\xBDy"},
      {"\xFF", "\xEF\xBF\xBD"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(repair_utf8(c.in), c.repaired);
    EXPECT_EQ(is_valid_utf8(c.in), c.in == c.repaired);
    EXPECT_TRUE(is_valid_utf8(c.repaired));
  }
}

TEST(ImapUtf7, RoundTrips) {
  const std::pair<std::string_view, std::string_view> names[] = {
      {"INBOX", "INBOX"},
      {"~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"},  // [RFC3501 5.1.3]
      {"Entw\u00fcrfe", "Entw&APw-rfe"},
      {"a&b", "a&-b"},
      {"\u2603&", "&JgM-&-"},
      {"\U0001F600", "&2D3eAA-"},
      {"", ""},
  };
  for (const auto& [utf8, utf7] : names) {
    ASSERT_TRUE(utf8_to_imap_utf7(utf8));
    EXPECT_EQ(*utf8_to_imap_utf7(utf8), utf7);
    ASSERT_TRUE(imap_utf7_to_utf8(utf7)) << utf7;
    EXPECT_EQ(*imap_utf7_to_utf8(utf7), utf8);
  }
}

TEST(ImapUtf7, RefusesEveryOtherForm) {
  for (const auto bad : {
           "caf\xC3\xA9",     // 8-bit
           "tab\tname",       // control character
           "&APw",            // no end
           "&AGEA-",          // encoded "a"
           "&Jjo-&Jjo-",      // superfluous shift [RFC3501 5.1.3]
           "&U,BTFx-",        // set pad bits
           "&U,BTFwA-",       // digits too many
           "&U/BTFw-",        // "/" is not of this alphabet
           "&2D0-", "&3gA-",  // lone surrogates
           "&A-",             // not a whole unit
       })
    EXPECT_FALSE(imap_utf7_to_utf8(bad)) << bad;
  EXPECT_FALSE(utf8_to_imap_utf7("\xFF"));
}

TEST(Charset, ConvertsAtEverySplit) {
  struct Case {
    std::string_view label, in, out;
  };
  const Case cases[] = {
      {"utf-8", "caf\xC3\xA9", "caf\u00e9"},
      {"UTF8", "x\xFFy", "x\uFFFDy"},
      {"iso-8859-1", "caf\xE9 \x93q\x94", "caf\u00e9 \u201cq\u201d"},
      {"\"ISO-8859-15\"", "\xA4", "\u20ac"},
      {"iso-8859-2", "\xB1", "\u0105"},
      {"koi8-r", "\xF0\xD2\xC9", "\u041f\u0440\u0438"},
      {"windows-1251", "\xCF", "\u041f"},
      {"x-windows-1251", "\xCF", "\u041f"},
      {"gb2312", "\xC4\xE3\xBA\xC3", "\u4f60\u597d"},
      {"big5", "\xA7\x41", "\u4f60"},
      {"shift_jis", "\x93\xFA\x96\x7B", "\u65e5\u672c"},
      {"euc-jp", "\xC6\xFC\xCB\xDC", "\u65e5\u672c"},
      {"iso-2022-jp", "\x1B$BF|K\\\x1B(B!", "\u65e5\u672c!"},
      {"ks_c_5601-1987", "\xC7\xD1", "\ud55c"},
      {"utf-7", "Hi +2D3eAA-", "Hi \U0001F600"},
      {"utf-16le", "a\0=\xD8\0\xDE"sv, "a\U0001F600"},
      {"utf-8*en", "\xC3\xA9", "\u00e9"},
      // the fallback
      {"x-unknown", "caf\xE9", "caf\u00e9"},
      {"", "caf\xC3\xA9 \x80", "caf\u00e9 \u20ac"},
      {"us-ascii", "\xE2\x82", "\u00e2\u201a"},
      {"garbage;;\0\r\n"sv, "a\xF0\x9F\x98\x80", "a\U0001F600"},
      // malformed
      {"gb2312", "a\xC4", "a\uFFFD"},
      {"utf-16be", "\xD8\x3D\0a"sv, "\uFFFDa"},
  };
  for (const auto& c : cases)
    expect_same_at_every_split([&] { return std::make_unique<CharsetConverter>(c.label); }, c.in, c.out);
}

TEST(Charset, KnowsWhatItKnows) {
  for (const auto known : {"US-ASCII", "UTF-8", "iso-8859-7", "Windows-1252", "koi8-u", "gb18030"})
    EXPECT_TRUE(is_known_charset(known)) << known;
  for (const auto unknown : {"", "x-unknown", "martian", "utf-8-of-some-kind"})
    EXPECT_FALSE(is_known_charset(unknown)) << unknown;
  EXPECT_FALSE(is_known_charset(std::string(10'000, 'u')));
}

TEST(Charset, ManyConvertersAtOnce) {
  std::vector<std::unique_ptr<CharsetConverter>> all;
  for (int i = 0; i < 20; ++i) all.push_back(std::make_unique<CharsetConverter>("koi8-r"));
  for (auto& c : all) {
    std::string out;
    c->feed("\xF0", out);
    EXPECT_EQ(out, "\u041f");
  }
}

TEST(Casemap, NormalForm) {
  // [RFC5051 2]
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"Hello, World 1", "HELLO, WORLD 1"},
      {"caf\u00e9", "CAFE\u0301"},
      {"stra\u00dfe", "STRA\u00dfE"},  // simple mapping: sharp s stays
      {"\u01c6", "Dz\u030c"},          // titlecase of the digraph, then decomposed
      {"\u0436\u0451", "\u0416\u0415\u0308"},
      {"\u03c3\u03c2", "\u03a3\u03a3"},
      {"\uff21", "A"},                   // compatibility decomposition
      {"\ud55c", "\u1112\u1161\u11ab"},  // Hangul
      {"\U00010428", "\U00010400"},      // beyond the BMP
      {"\xFF", "\uFFFD"},
  };
  for (const auto& [in, out] : cases) {
    EXPECT_EQ(casemap(in), out);
    expect_same_at_every_split([] { return std::make_unique<CasemapStream>(); }, in, out);
  }
  expect_same_at_every_split([] { return std::make_unique<CasemapStream>(); }, "\xE2\x82\xF0\x9F\x98x",
                             "\uFFFD\uFFFDX");
  EXPECT_TRUE(icontains("Gr\u00fc\u00dfe aus K\u00f6ln", "k\u00d6LN"));
  EXPECT_FALSE(icontains("Koln", "k\u00f6ln"));
}

TEST(SubstringMatcher, FindsAcrossAnySplit) {
  struct Case {
    std::string_view needle, hay;
    bool found;
  };
  const Case cases[] = {{"", "x", true},
                        {"", "", true},
                        {"abc", "xabcx", true},
                        {"abc", "ababab", false},
                        {"aab", "aaaaab", true},
                        {"abab", "abaabab", true},
                        {"abc", "ab", false},
                        {"aaa", "aabaabaa", false},
                        {"aabaaab", "aabaabaaabx", true}};
  for (const auto& c : cases)
    for (std::size_t a = 0; a <= c.hay.size(); ++a)
      for (std::size_t b = a; b <= c.hay.size(); ++b) {
        SubstringMatcher m{std::string(c.needle)};
        m.feed(c.hay.substr(0, a));
        m.feed(c.hay.substr(a, b - a));
        EXPECT_EQ(m.feed(c.hay.substr(b)), c.found) << c.needle << " in " << c.hay << " at " << a << "," << b;
        EXPECT_EQ(m.found(), c.found);
      }
  SubstringMatcher m("ab");
  m.feed("a");
  m.reset();
  EXPECT_FALSE(m.feed("b"));
}

}  // namespace
}  // namespace posthorn::text
