#include "message/header_downgrade.h"

#include <gtest/gtest.h>

#include <string>

#include "message/address.h"
#include "message/encoded_word.h"
#include "message/field_to_ascii.h"
#include "message/header.h"
#include "message/param.h"
#include "text/ascii.h"

namespace posthorn::message {
namespace {

TEST(FieldToAscii, EncodesWhereEncodedWordsMayStand) {
  struct Case {
    std::string name, value, expected;
  };
  const Case cases[] = {
      {"Subject", " Gr\xC3\xBC\xC3\x9F"
                  "e aus Bonn",
       " =?utf-8?b?R3LDvMOfZQ==?= aus Bonn"},
      {"Subject", " \xC3\xA4 \xC3\xB6\r\n\t\xC3\xBC x", " =?utf-8?b?w6Qgw7YJw7w=?= x"},
      {"Subject", " =?utf-8?q?a?= \xC3\xA4  =?utf-8?q?b?=", " =?utf-8?q?a?= =?utf-8?q?_=C3=A4_?=  =?utf-8?q?b?="},
      {"Subject", " caf\xE9", " =?unknown-8bit?q?caf=E9?="},
      {"X-Any", "\xC3\xA4", "=?utf-8?b?w6Q=?="},
      {"From", " J\xC3\xB6rg M\xC3\xBCller <j@example.org>", " =?utf-8?b?SsO2cmcgTcO8bGxlcg==?= <j@example.org>"},
      {"From", "J\xC3\xB6rg<j@example.org>", "=?utf-8?b?SsO2cmc=?= <j@example.org>"},
      {"To", " \"M\xC3\xBCller, J\xC3\xB6rg\" <j@example.org>, b@example.org",
       " =?utf-8?b?TcO8bGxlciwgSsO2cmc=?= <j@example.org>, b@example.org"},
      {"Cc", " a@example.org (\xC3\xBC (b\xC3\xA4r)),Fr\xC3\xA4nk <f@example.org>",
       " a@example.org (=?utf-8?b?w7w=?= (=?utf-8?q?b=C3=A4r?=)), =?utf-8?b?RnLDpG5r?= <f@example.org>"},
      {"To", " J\xC3\xB6rgs: a@example.org;", " =?utf-8?b?SsO2cmdz?= : a@example.org;"},
      {"To", " j\xC3\xB6@home <j@example.org>", " =?utf-8?b?asO2QGhvbWU=?= <j@example.org>"},
      {"Received", " from b\xC3\xA4r (b\xC3\xA4r) by x", " from b??r (=?utf-8?q?b=C3=A4r?=) by x"},
      {"Message-ID", " <\xC3\xA4@b>", " <??@b>"},
      {"Content-Disposition", " attachment; filename=\"Gr\xC3\xB6\xC3\x9F"
                              "e.pdf\"; size=3",
       " attachment;\r\n filename*=utf-8''Gr%C3%B6%C3%9F"
       "e.pdf; size=3"},
      {"Content-Type", " text/plain; name=b\xE4r.txt", " text/plain;\r\n name*=unknown-8bit''b%E4r.txt"},
      {"Content-Type", " a/b; name=\"12345678901234567 \\\"\xC3\xA4\"",
       " a/b;\r\n name*0*=utf-8''1234567890123456;\r\n name*1*=7%20%22%C3%A4"},
  };
  for (const auto& c : cases) {
    const auto field = field_to_ascii(c.name, c.value);
    EXPECT_EQ(field.value, c.expected);
    EXPECT_TRUE(field.is_usable) << c.value;
  }
}

TEST(FieldToAscii, LeavesNoAddressThatIsAnother) {
  for (const auto& [name, value] : {std::pair{"From", "j\xC3\xB6rg@example.org"}, {"To", "<j\xC3\xB6rg@example.org>"},
                                    {"To", "A <a@ex\xC3\xA4mple.org>"}, {"Cc", "\"j\xC3\xB6rg\"@example.org"},
                                    {"Cc", "\"j\xC3\xB6rg\" . x@example.org"}, {"To", "j\xC3\xB6rg @example.org, b@c"},
                                    {"To", "A <a@b, \xC3\xA4"}, {"Content-Type", "multipart/mixed; boundary=\"\xC3\xA4\""}}) {
    const auto field = field_to_ascii(name, value);
    EXPECT_FALSE(field.is_usable) << value;
    EXPECT_TRUE(text::is_ascii(field.value)) << value;
    EXPECT_FALSE(can_be_ascii(std::string("Subject: \xC3\xA4\r\n") + name + ":" + value + "\r\n\r\n"));
  }
}

TEST(FieldToAscii, ReadsTheSameAfterwards) {
  for (const std::string value : {"J\xC3\xB6rg M\xC3\xBCller", "a \xC3\xA4  \xC3\xB6 b \xC3\xBC", "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4 =?utf-8?q?x?= \xE2\x82\xAC",
                                  "\xF0\x9F\x93\xAF \xF0\x9F\x93\xAF \xF0\x9F\x93\xAF \xF0\x9F\x93\xAF \xF0\x9F\x93\xAF \xF0\x9F\x93\xAF \xF0\x9F\x93\xAF"}) {
    EXPECT_EQ(decode_encoded_words(field_to_ascii("Subject", value).value), decode_encoded_words(value));
    const auto list = parse_address_list(field_to_ascii("To", value + " <a@b>, \"" + value + "\" <c@d>").value);
    ASSERT_EQ(list.size(), 2u) << value;
    EXPECT_EQ(decode_encoded_words(list[0].name), decode_encoded_words(value));
    if (value.find("=?") == value.npos) { EXPECT_EQ(decode_encoded_words(list[1].name), value); }
    EXPECT_EQ(list[1].host, "d");
    const auto type = parse_content_type(field_to_ascii("Content-Type", "a/b; name=\"" + value + "\"").value);
    ASSERT_TRUE(type);
    EXPECT_EQ(find_param_utf8(type->params, "name"), value);
  }
}

TEST(RewriteHeader, ChangesOnlyWhatItHasTo) {
  const std::string header = "Subject:  two  blanks\r\n folded\r\nContent-TYPE: text/plain\r\n\r\n";
  EXPECT_EQ(rewrite_header(header, {.to_ascii = true, .line = 998}), header);
  EXPECT_EQ(rewrite_header(header, {.label = "base64"}),
            "Subject:  two  blanks\r\n folded\r\nContent-TYPE: text/plain\r\n"
            "Content-Transfer-Encoding: base64\r\nMIME-Version: 1.0\r\n\r\n");
  EXPECT_EQ(rewrite_header("Mime-version: 1.0\r\ncontent-transfer-encoding:\r\n 8bit\r\nA: b\r\nContent-Transfer-Encoding: x\r\n\r\n",
                           {.label = "7bit"}),
            "Mime-version: 1.0\r\nContent-Transfer-Encoding: 7bit\r\nA: b\r\n\r\n");
  EXPECT_EQ(rewrite_header("\r\n", {.label = "base64", .is_of_message = false}), "Content-Transfer-Encoding: base64\r\n\r\n");
  using namespace std::string_literals;
  EXPECT_EQ(rewrite_header("A: b\n c\rd\0e\n\n"s, {}), "A: b\r\n c d e\r\n\r\n");
  EXPECT_EQ(rewrite_header("From \xE9\r\n\xC3\xA4: b\r\nA: \xC3\xA4\r\n\r\n", {.to_ascii = true}), "From ?\r\n??: b\r\nA: =?utf-8?b?w6Q=?=\r\n\r\n");
  EXPECT_EQ(rewrite_header("A: b\r\nC: \xC3\xA4", {.to_ascii = true}), "A: b\r\nC: =?utf-8?b?w6Q=?=");
}

TEST(RewriteHeader, FoldsLongLinesAtWhiteSpace) {
  const std::string word(70, 'x'), line = "A: " + word + ' ' + word + '\t' + word;
  const std::string folded = "A: " + word + "\r\n " + word + "\r\n\t" + word + "\r\n\r\n";
  EXPECT_EQ(rewrite_header(line + "\r\n\r\n", {.line = 100}), folded);
  EXPECT_EQ(rewrite_header(line + "\r\n\r\n", {.line = 998}), line + "\r\n\r\n");
  EXPECT_EQ(longest_foldable_line("B: c\r\n" + line + "\r\n\r\n"), line.size());
  EXPECT_EQ(longest_foldable_line(folded), 0u);
  const std::string whole = "A: " + std::string(2000, 'x') + " \r\n\t" + std::string(2000, 'y') + "\r\n" + std::string(2000, 'z') + " a\r\n\r\n";
  EXPECT_EQ(longest_foldable_line(whole), 0u) << "nowhere to fold";
  EXPECT_EQ(rewrite_header(whole, {.line = 998}), whole);
}

}  // namespace
}  // namespace posthorn::message
