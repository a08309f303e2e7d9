// Encoded words, parameters and addresses.
#include <gtest/gtest.h>

#include "message/address.h"
#include "message/encoded_word.h"
#include "message/header.h"
#include "message/param.h"

namespace posthorn::message {
namespace {

TEST(EncodedWord, Decodes) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      // [RFC2047 8]
      {"=?ISO-8859-1?Q?a?=", "a"},
      {"=?ISO-8859-1?Q?a?= b", "a b"},
      {"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"},
      {"=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=", "ab"},
      {"=?ISO-8859-1?Q?a_b?=", "a b"},
      {"=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"},
      {"=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"},
      {"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n "
       "=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
       "If you can read this you understand the example."},
      // real mail
      {"=?utf-8?q?caf=c3?= =?UTF-8?Q?=A9?=", "caf\u00e9"},  // a character in two words
      {"=?utf-8?b?4oI=?= =?utf-8?b?rA==?=", "\u20ac"},
      {"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\u65e5\u672c"},
      {"Re:=?utf-8?q?x?=y", "Re:xy"},  // glued
      {"=?utf-8?q?with space?=", "with space"},
      {"=?utf-8?q?a?b?=", "a?b"},
      {"=?utf-8*en?q?x?=", "x"},  // [RFC2231 5]
      {"=?x-unknown?q?=E9?=", "\u00e9"},
      {"raw caf\xE9", "raw caf\u00e9"},
      {"raw caf\xC3\xA9", "raw caf\u00e9"},
      {"=?utf-8?q?=FF?=", "\uFFFD"},
      {"=?utf-8?q?a=0D=0AEvil:_x?=", "a  Evil: x"},  // an encoded line end is none
      {"=?utf-8?q?==4?=", "==4"},
      {"=?utf-8?b?YQ?=", "a"},
      {"=?utf-8?q?"
       "?=",
       ""},
      // no words
      {"=?", "=?"},
      {"=?utf-8?q?no end", "=?utf-8?q?no end"},
      {"=?utf-8?x?a?=", "=?utf-8?x?a?="},
      {"=?"
       "?q?a?=",
       "=?"
       "?q?a?="},
      {"=?utf-8?q?open =?utf-8?q?x?=", "=?utf-8?q?open x"},
      {"a\r\n b", "a b"},
      {"", ""},
  };
  for (const auto& [in, out] : cases) EXPECT_EQ(decode_encoded_words(in), out) << in;
}

TEST(EncodedWord, HostileInputIsLinear) {
  std::string s;
  for (int i = 0; i < 200'000; ++i) s += "=?a?q?";
  EXPECT_EQ(decode_encoded_words(s), s);
}

TEST(EncodedWord, Encodes) {
  EXPECT_EQ(encode_encoded_words("plain text"), "plain text");
  EXPECT_EQ(encode_encoded_words("caf\u00e9 au lait"), "=?utf-8?q?caf=C3=A9_au_lait?=");
  std::string all = "x =? y";
  for (int i = 0; i < 60; ++i) all += "\u65e5\u00e9 a";
  for (const std::string& text :
       {std::string("\u65e5\u672c\u8a9e"), all, std::string("=?utf-8?q?x?="), std::string("a\r\nb\u00e9")}) {
    const std::string encoded = encode_encoded_words(text);
    for (std::size_t at = 0; at <= encoded.size();) {
      const std::size_t end = std::min(encoded.find(' ', at), encoded.size());
      EXPECT_LE(end - at, 75U);
      at = end + 1;
    }
    EXPECT_EQ(encoded.find_first_of("\r\n"), std::string::npos);
    if (text.find('\r') == text.npos) EXPECT_EQ(decode_encoded_words(encoded), text);
  }
}

std::string show(const Params& params) {
  std::string out;
  for (const Param& p : params) out += "; " + p.name + "=" + p.value;
  return out;
}

TEST(Param, ContentTypes) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"text/plain", "text/plain"},
      {"TEXT/Plain; CHARSET=US-ASCII (Plain text)", "text/plain; charset=US-ASCII"},
      {"text/plain; charset=\"us-ascii\"; format=flowed", "text/plain; charset=us-ascii; format=flowed"},
      {"multipart/mixed;\r\n\tboundary=\"a \\\"b\\\" c\"", "multipart/mixed; boundary=a \"b\" c"},
      {"multipart/mixed; boundary=----=_Part?:1", "multipart/mixed; boundary=----=_Part?:1"},
      {"text/plain charset=utf-8", "text/plain; charset=utf-8"},  // no semicolon
      {"text/plain; charset=utf-8 format=flowed", "text/plain; charset=utf-8; format=flowed"},
      {"application/pdf; name=My file.pdf", "application/pdf; name=My file.pdf"},
      {"multipart/mixed; boundary=b1\r\n Content-Disposition: attachment", "multipart/mixed; boundary=b1"},
      {"text/plain; charset = utf-8 ;; x", "text/plain; charset=utf-8"},
      {"text/plain; charset=\"utf-8", "text/plain; charset=utf-8"},  // unterminated
      {"text/plain; =x; a=", "text/plain; a="},
      {"text/plain; name=\"\"", "text/plain; name="},
      {"a/b; \"junk\" c=d", "a/b; c=d"},
      // [RFC2231 3, 4.1]
      {"message/external-body; access-type=URL; URL*0=\"ftp://\"; URL*1=\"cs.utk.edu/pub\"",
       "message/external-body; access-type=URL; url=ftp://cs.utk.edu/pub"},
      {"a/b; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
       "a/b; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A"},
      {"a/b; title*0*=us-ascii'en'This%20is%20; title*1*=%2A%2Afun%2A%20; title*2=\"isn't it!\"",
       "a/b; title*=us-ascii'en'This%20is%20%2A%2Afun%2A%20isn%27t%20it%21"},
      {"a/b; x*1=b; y=c; x*0=a", "a/b; x=ab; y=c"},  // any order
      {"a/b; x*0=a; x*2=c", "a/b; x=a"},             // a gap
      {"a/b; x*1=b", "a/b; x*1=b"},                  // no beginning
      {"a/b; x*0=a; x*0=z; x*1=b", "a/b; x=ab"},
      {"a/b; x*0=a; x*1*=%C3%9C", "a/b; x*=''a%C3%9C"},  // encoded, without charset
      {"a/b; name=report(1).pdf", "a/b; name=report(1).pdf"},
      {"a/b; x*99999999999=a", "a/b; x*99999999999=a"},
  };
  for (const auto& [in, out] : cases) {
    const auto type = parse_content_type(in);
    ASSERT_TRUE(type) << in;
    EXPECT_EQ(type->type + "/" + type->subtype + show(type->params), out) << in;
  }
  for (const auto bad : {"", "text", "text/", "/plain", "text plain/x", ";", "\"text/plain\"", "("})
    EXPECT_FALSE(parse_content_type(bad)) << bad;
}

TEST(Param, Utf8Values) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"attachment; filename=\"a.txt\"", "a.txt"},
      {"attachment; filename*=utf-8''%e2%82%ac%20rates", "\u20ac rates"},
      {"attachment; filename*=iso-8859-1'en'%A3%20rates; filename=plain", "\u00a3 rates"},
      {"attachment; filename*0*=utf-8''%e2; filename*1*=%82%ac", "\u20ac"},
      {"attachment; filename=\"=?utf-8?q?caf=C3=A9?=.txt\"", "caf\u00e9.txt"},
      {"attachment; filename=\"caf\xE9.txt\"", "caf\u00e9.txt"},
      {"attachment; filename*=no-quotes", "no-quotes"},
      {"filename=\"x.txt\"", "x.txt"},  // the type is missing
      {"; filename=x.txt", "x.txt"},
      {"\"Attachment\"; filename=x.txt", "x.txt"},
  };
  for (const auto& [in, out] : cases) {
    const auto disposition = parse_disposition(in);
    ASSERT_TRUE(disposition);
    EXPECT_EQ(disposition->type, "attachment");
    EXPECT_EQ(find_param_utf8(disposition->params, "FILENAME"), out) << in;
  }
  EXPECT_FALSE(find_param_utf8({}, "x"));
  EXPECT_FALSE(parse_disposition(" "));
  EXPECT_FALSE(parse_disposition("=?=;\""));
}

TEST(Param, TextForSearch) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"Content-Type: a/b; name=x.txt", ""},  // the field has it
      {"Subject: 2 * 3; x*=1", ""},
      {"content-type: a/b; name*=iso-8859-1''%DCber.txt; x=y\r\n", "\u00dcber.txt y"},
      {"Content-Disposition: attachment;\r\n filename*0*=utf-8''f%C3;\r\n filename*1*=%BCr;\r\n filename*2=\" 2\"", "f\u00fcr 2"},
      {"Content-Type: a/b; name*1=b.txt; name*0=a", "ab.txt"},
  };
  for (const auto& [in, out] : cases) EXPECT_EQ(extended_params_text(in), out) << in;
}

TEST(Param, SmallFields) {
  EXPECT_EQ(parse_token(" Base64 (x)"), "base64");
  EXPECT_EQ(parse_token("\"quoted-printable\""), "quoted-printable");
  EXPECT_EQ(parse_token("7bit;"), "7bit");
  EXPECT_EQ(parse_token("7 Bit"), "7bit");
  EXPECT_EQ(parse_token("base64 bit"), "base64");
  EXPECT_EQ(parse_token(""), "");
  EXPECT_EQ(parse_language_list("en (x), de;  fr-CA,"), (std::vector<std::string>{"en", "de", "fr-CA"}));
}

std::string show(const std::vector<Address>& list) {
  std::string out;
  for (const Address& a : list) {
    if (!out.empty()) out += ' ';
    if (a.kind == Address::Kind::group_begin) out += "{" + a.mailbox;
    if (a.kind == Address::Kind::group_end) out += "}";
    if (a.kind == Address::Kind::mailbox)
      out += "[" + a.name + "|" + a.adl + "|" + a.mailbox + "|" + a.host + "]";
  }
  return out;
}

TEST(Address, Lists) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"john@x.test", "[||john|x.test]"},
      {"John Doe <john@x.test>", "[John Doe||john|x.test]"},
      {"\"Doe, John\" <john@x.test>, <jane@y.test>", "[Doe, John||john|x.test] [||jane|y.test]"},
      {"john@x.test (John Doe)", "[John Doe||john|x.test]"},
      {"(before) john@x.test", "[||john|x.test]"},
      {"john (the (nested) one) @ x . test", "[||john|x.test]"},
      {"\"john doe\"@x.test", "[||john doe|x.test]"},
      {"\"a\\\"b\" <q@x>", "[a\"b||q|x]"},
      {"john.q.public@[192.0.2.1]", "[||john.q.public|[192.0.2.1]]"},
      {"John Q. Public <j@x>", "[John Q. Public||j|x]"},
      {"=?utf-8?q?Ren=C3=A9?= <r@x>", "[=?utf-8?q?Ren=C3=A9?=||r|x]"},
      {"Ren\xE9 <r@x>", "[Ren\xE9||r|x]"},
      // groups [RFC5322 3.4]
      {"undisclosed-recipients:;", "{undisclosed-recipients }"},
      {"A Group: Chris <c@a>, joe@b; , after@x", "{A Group [Chris||c|a] [||joe|b] } [||after|x]"},
      {"open: a@b", "{open [||a|b] }"},
      {"a: b: c@d;", "{a [||b|] [||c|d] }"},
      // obsolete [RFC5322 4.4]
      {"Route <@a.test,@b.test:joe@c.test>", "[Route|@a.test,@b.test|joe|c.test]"},
      {"a . b @ c", "[||a.b|c]"},
      {",, a@b ,,", "[||a|b]"},
      // broken
      {"root", "[||root|]"},
      {"undisclosed recipients", "[||undisclosed recipients|]"},
      {"joe@x.test <joe@x.test>", "[joe@x.test||joe|x.test]"},
      {"Joe joe@x.test", "[Joe||joe|x.test]"},
      {"<joe@x.test", "[||joe|x.test]"},
      {"<>", "[|||]"},
      {"Joe <joe>", "[Joe||joe|]"},
      {"a@b c@d", "[||a|b] [||c|d]"},
      {"a@b@c", "[||a@b|c]"},
      {"<a@b@c>", "[||a@b|c]"},
      {"a@b>, c@d", "[||a|b] [||c|d]"},
      {"\"open", "[||open|]"},
      {"\"Joe Doe <joe@x.test>", "[Joe Doe||joe|x.test]"},
      {"Joe \\\"D\\\" Doe <joe\\@home@x.test>", "[Joe \"D\" Doe||joe@home|x.test]"},
      {"Joe <<joe@x.test>>, a@b", "[Joe||joe|x.test] [||a|b]"},
      {"<joe@x.test> Doe, a@b", "[||joe|x.test] [||a|b]"},
      {"<joe@x.test> <a@b> c@d", "[||joe|x.test] [||a|b] [||c|d]"},
      {"<mailto:joe@x.test>", "[||mailto:joe|x.test]"},
      {"<@x.test>", "[|||x.test]"},
      {"=?utf-8?q?Doe,_Joe_<j>?= <joe@x.test>", "[=?utf-8?q?Doe,_Joe_<j>?=||joe|x.test]"},
      {"=?utf-8?q?Doe, Joe?= <joe@x.test>", "[||=?utf-8?q?Doe|] [Joe?=||joe|x.test]"},
      {"a@", "[||a|]"},
      {"@b", "[|||b]"},
      {"", ""},
      {"()", ""},
      {";;", ""},
      {"(((", ""},
      {"a\r\n @b", "[||a|b]"},
  };
  for (const auto& [in, out] : cases) EXPECT_EQ(show(parse_address_list(in)), out) << in;
}

TEST(Address, Bounds) {
  std::string s;
  for (int i = 0; i < 1000; ++i) s += "a@b,";
  EXPECT_EQ(parse_address_list(s, 10).size(), 10U);
  EXPECT_EQ(parse_address_list("g:" + s, 10).size(), 11U);  // and the group is closed
  for (const char* piece : {"a ", "\"\" ", "<", "(", "a:", "@", ".", "\\", "<@a,", "((x) y ", "\"", "\\\"", "\"\\",
                            "=?a?q?", "=?a?q?x?="}) {
    std::string hostile = "(" + std::string(1000, 'c') + ") ";
    while (hostile.size() < 300'000) hostile += piece;
    parse_address_list(hostile);
    parse_content_type("a/b; c=" + hostile);
  }
}

TEST(Address, TextForSearch) {
  EXPECT_EQ(address_list_text(parse_address_list("=?utf-8?q?Ren=C3=A9?= <r@x.test>, g: a@b;, root")),
            "Ren\u00e9 <r@x.test>, g:, <a@b>;, <root>");
}

}  // namespace
}  // namespace posthorn::message
