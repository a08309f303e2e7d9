#include "dns/records.h"

#include <gtest/gtest.h>

namespace posthorn::dns {
namespace {

using std::string_literals::operator""s;

TEST(Records, AreReadFromTheirRdata) {
  EXPECT_EQ(parse_a("\xc0\x00\x02\x01"s)->text(), "192.0.2.1");
  EXPECT_EQ(parse_aaaa("\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01")->text(), "2001:db8::1");
  EXPECT_EQ(*parse_mx("\x01\x02\x02mx\x03org\0"s), (Mx{258, *Name::parse("mx.org")}));
  EXPECT_EQ(*parse_mx("\0\0\0"s), (Mx{0, Name()}));
  EXPECT_EQ(*parse_srv("\0\x01\0\x02\x03\xe1\x01h\0"s), (Srv{1, 2, 993, *Name::parse("h")}));
  EXPECT_EQ(*parse_tlsa("\x03\x01\x01\xab\xcd"s), (Tlsa{3, 1, 1, "\xab\xcd"}));
  EXPECT_EQ(*parse_tlsa("\x03\x01\x01"s), (Tlsa{3, 1, 1, ""}));
  EXPECT_EQ(parse_txt("\x03" "abc\0\x02" "de"s)->text, "abcde");
  EXPECT_EQ(parse_txt("\0"s)->text, "");
  EXPECT_EQ(parse_name("\x01h\0"s)->text(), "h");
}

TEST(Records, ThatAreDamagedAreRefused) {
  for (const auto& bad : {""s, "\1\2\3"s, "\1\2\3\4\5"s}) EXPECT_FALSE(parse_a(bad)) << bad.size();
  for (const auto& bad : {""s, "1234"s, std::string(15, 'x'), std::string(17, 'x')}) EXPECT_FALSE(parse_aaaa(bad)) << bad.size();
  for (const auto& bad : {""s, "\0"s, "\0\0"s, "\0\0\x01h"s, "\0\0\x01h\0x"s, "\0\0\xc0\x0c"s}) EXPECT_FALSE(parse_mx(bad)) << bad.size();
  for (const auto& bad : {""s, "\0\0\0\0\0\0"s, "\0\0\0\0\0\0\0x"s}) EXPECT_FALSE(parse_srv(bad)) << bad.size();
  for (const auto& bad : {""s, "\3\1"s}) EXPECT_FALSE(parse_tlsa(bad)) << bad.size();
  for (const auto& bad : {""s, "\x01"s, "\x02h"s, "\x01hx"s}) EXPECT_FALSE(parse_txt(bad)) << bad.size();
  for (const auto& bad : {""s, "\x01h"s, "\x01h\0x"s}) EXPECT_FALSE(parse_name(bad)) << bad.size();
}

TEST(Records, AreReadFromTheFormOfZoneFiles) {
  for (const auto& [type, text, rdata] :
       {std::tuple{Type::a, "192.0.2.1", "\xc0\x00\x02\x01"s}, {Type::mx, "10 MX1.example.", "\0\x0a\x03mx1\x07" "example\0"s},
        {Type::mx, "0 .", "\0\0\0"s}, {Type::srv, "1 2 993 h", "\0\x01\0\x02\x03\xe1\x01h\0"s}, {Type::tlsa, "3 1 1 AB cd", "\x03\x01\x01\xab\xcd"s},
        {Type::txt, "plain \"with space\" \"q\\\"\\\\\"", "\x05plain\x0awith space\x03q\"\\"s}, {Type::txt, "\"\"", "\0"s},
        {Type::txt, "v=spf1 -all", "\x06v=spf1\x04-all"s}, {Type::cname, "Alias.Example", "\x05" "alias\x07" "example\0"s}}) {
    const auto made = rdata_from_text(type, text);
    ASSERT_TRUE(made) << text;
    EXPECT_EQ(*made, rdata) << text;
  }
  const auto longer = rdata_from_text(Type::txt, std::string(600, 'x'));
  EXPECT_EQ(longer->size(), 603u);
  EXPECT_EQ(parse_txt(*longer)->text, std::string(600, 'x'));
  for (const auto& [type, text] :
       {std::pair{Type::a, "2001:db8::1"}, {Type::a, ""}, {Type::a, "1.2.3.4 5"}, {Type::aaaa, "192.0.2.1"}, {Type::mx, "mx"}, {Type::mx, "70000 mx"},
        {Type::mx, "10"}, {Type::mx, "10 a b"}, {Type::mx, "-1 a"}, {Type::srv, "1 2 h"}, {Type::tlsa, "3 1 1 abc"}, {Type::tlsa, "256 1 1 ab"},
        {Type::tlsa, "3 1 1 xy"}, {Type::txt, ""}, {Type::txt, "\"open"}, {Type::txt, "\"open\\"}, {Type::ptr, "a..b"}})
    EXPECT_FALSE(rdata_from_text(type, text)) << to_string(type) << " " << text;
}

TEST(Types, AreNamed) {
  for (const auto type : {Type::a, Type::aaaa, Type::mx, Type::txt, Type::tlsa, Type::srv, Type::ptr, Type::cname})
    EXPECT_EQ(type_named(to_string(type)), type);
  EXPECT_EQ(type_named("mx"), Type::mx);
  EXPECT_FALSE(type_named("SPF"));
}

}  // namespace
}  // namespace posthorn::dns
