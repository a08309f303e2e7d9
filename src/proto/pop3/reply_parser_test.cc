#include "proto/pop3/reply_parser.h"

#include <gtest/gtest.h>

namespace posthorn::pop3 {
namespace {

using enum Reply::Kind;

TEST(Pop3Reply, IsReadWithItsCode) {
  struct Case {
    std::string_view line;
    Reply::Kind kind;
    std::string_view code, text;
  };
  for (const auto& c :
       {Case{"+OK", ok, "", ""}, Case{"+OK 2 320", ok, "", "2 320"}, Case{"-ERR no", error, "", "no"},
        Case{"-err no", error, "", "no"}, Case{"-ERR [in-use] busy", error, "IN-USE", "busy"},
        Case{"-ERR [SYS/TEMP]", error, "SYS/TEMP", ""},
        Case{"-ERR [two words] x", error, "", "[two words] x"}, Case{"-ERR [open", error, "", "[open"},
        Case{"+ YWJj", challenge, "", "YWJj"}, Case{"+ ", challenge, "", ""}, Case{"+", challenge, "", ""},
        Case{"+OK \x1b[31mred", ok, "", "?[31mred"}}) {
    const auto reply = parse_reply(c.line);
    ASSERT_TRUE(reply) << c.line;
    EXPECT_EQ(*reply, (Reply{c.kind, std::string(c.code), std::string(c.text)})) << c.line;
  }
  for (const char* bad : {"", "OK", "+OKAY", "-ERROR", "* OK", "220 mail", "++", "."})
    EXPECT_EQ(parse_reply(bad).error().code, Errc::syntax) << bad;
}

TEST(Pop3Reply, HasListings) {
  EXPECT_EQ(parse_listing("3 1200"), (Listing{3, 1200}));
  EXPECT_EQ(parse_listing("3 18446744073709551615 more"), (Listing{3, ~0ull}));
  for (const char* bad : {"", "3", "x 1", "3 x", "-1 5", "4294967296 1", "3 18446744073709551616", "3 1x"})
    EXPECT_FALSE(parse_listing(bad)) << bad;
  EXPECT_EQ(parse_unique_id("1 whqtswO00WBw418f9t5JxYwZ"), (UniqueId{1, "whqtswO00WBw418f9t5JxYwZ"}));
  EXPECT_EQ(parse_unique_id("1 a "), (UniqueId{1, "a"}));
  for (const std::string& bad : {std::string("1"), std::string("1 "), std::string("0 a"),
                                 std::string("1 a b"), std::string("1 a\x01"), "1 " + std::string(256, 'x')})
    EXPECT_FALSE(parse_unique_id(bad)) << bad;
}

TEST(Pop3Reply, HasCapabilities) {
  Capabilities got;
  for (const char* line : {"TOP", "uidl", "SASL PLAIN scram-sha-256", "STLS", "PIPELINING", "X-UNKNOWN 1",
                           "IMPLEMENTATION A b", ""})
    add_capability(got, line);
  EXPECT_TRUE(got.top && got.uidl && got.stls && got.pipelining && !got.user);
  EXPECT_EQ(got.sasl, (std::vector<std::string>{"PLAIN", "SCRAM-SHA-256"}));
  EXPECT_EQ(got.implementation, "A b");
}

TEST(Pop3Reply, HasATimestamp) {
  EXPECT_EQ(find_timestamp("+OK ready <1896.697170952@dbc.mtview.ca.us>"),
            "<1896.697170952@dbc.mtview.ca.us>");
  for (const char* none : {"+OK ready", "+OK <", "+OK <a b@c>", "+OK <no>", "+OK >a@b<"})
    EXPECT_EQ(find_timestamp(none), "") << none;
}

}  // namespace
}  // namespace posthorn::pop3
