#include "proto/smtp/address.h"

#include <gtest/gtest.h>

namespace posthorn::smtp {
namespace {

struct Good {
  std::string_view text;
  Mailbox meant;
  std::string_view written;  // empty: as `text`
};

TEST(SmtpAddress, MailboxesAreUnderstoodAndWrittenBack) {
  const Good cases[] = {
      {"Jones@XYZ.COM", {"Jones", "XYZ.COM"}, ""},
      {"a.b+c=d@example.org", {"a.b+c=d", "example.org"}, ""},
      {"!#$%&'*/?^_`{|}~-@e.org", {"!#$%&'*/?^_`{|}~-", "e.org"}, ""},
      {R"("Joe\,Smith"@example.org)", {"Joe,Smith", "example.org"}, R"("Joe,Smith"@example.org)"},
      {R"("joe"@example.org)", {"joe", "example.org"}, "joe@example.org"},
      {R"("a\"b\\c d"@example.org)", {"a\"b\\c d", "example.org"}, ""},
      {R"(""@example.org)", {"", "example.org"}, ""},
      {R"("a@b"@example.org)", {"a@b", "example.org"}, ""},
      {"x@[192.0.2.1]", {"x", "[192.0.2.1]"}, ""},
      {"x@[IPv6:2001:db8::1]", {"x", "[IPv6:2001:db8::1]"}, ""},
      {"x@[ipv6:::ffff:192.0.2.1]", {"x", "[ipv6:::ffff:192.0.2.1]"}, ""},
      {"x@[IPv6:1:2:3:4:5:6:7:8]", {"x", "[IPv6:1:2:3:4:5:6:7:8]"}, ""},
      {"дмитрий@почта.рф", {"дмитрий", "почта.рф"}, ""},
      {"a..b.@docomo.ne.jp", {"a..b.", "docomo.ne.jp"}, R"("a..b."@docomo.ne.jp)"},
      {"x@mail_1.example", {"x", "mail_1.example"}, ""},
      {"x@localhost", {"x", "localhost"}, ""},
  };
  for (const auto& c : cases) {
    const auto got = parse_mailbox(c.text);
    ASSERT_TRUE(got) << c.text << ": " << got.error().text;
    EXPECT_EQ(*got, c.meant) << c.text;
    EXPECT_EQ(to_string(*got), c.written.empty() ? c.text : c.written);
    EXPECT_EQ(parse_mailbox(to_string(*got)).value(), c.meant) << c.text;
  }
}

TEST(SmtpAddress, BadMailboxesAreRefused) {
  const std::string_view cases[] = {
      "",
      "@",
      "x@",
      "@example.org",
      "x y@example.org",
      "x@exa mple.org",
      "x@-a.org",
      "x@a-.org",
      "x@a..org",
      "x@.org",
      "x@org.",
      "\"x@example.org",
      "\"x\"y@example.org",
      "x@[192.0.2]",
      "x@[192.0.2.256]",
      "x@[192.0.2.1",
      "x@[::1]",
      "x@[IPv6:1:2:3]",
      "x@[IPv6:1::2::3]",
      "x@[IPv6:1:2:3:4:5:6:7:8:9]",
      "x@[IPv6:]",
      "x@[IPv6:12345::]",
      "x@[IPv6:1:]",
      "x@[X-tag:foo]",
      "\xff@example.org",
      "x@\xc3.org",
      "x@a.org,y@b.org",
      "\"a\x01\"@b.org",
      "x",
      "x@a.org>",
      "(c)x@a.org",
      "\"x\\",
      "\"x\\\"",
  };
  for (auto c : cases) EXPECT_FALSE(parse_mailbox(c)) << c;
  EXPECT_FALSE(parse_mailbox(std::string(256, 'x') + "@a.org"));
  EXPECT_TRUE(parse_mailbox(std::string(255, 'x') + "@a.org"));
  EXPECT_FALSE(parse_mailbox("x@" + std::string(64, 'x') + ".org"));
  std::string domain = "a";
  while (domain.size() < 254) domain += ".a";
  EXPECT_TRUE(parse_mailbox("x@" + domain));
  EXPECT_FALSE(parse_mailbox("x@" + domain + ".ab"));
  EXPECT_EQ(parse_mailbox("x").error().code, Errc::invalid);
}

TEST(SmtpAddress, Paths) {
  const auto reverse = [](std::string_view s) -> std::string {
    auto path = take_reverse_path(s);
    if (!path) return "error";
    std::string out;
    put_path(out, *path);
    return out + "|" + std::string(s);
  };
  EXPECT_EQ(reverse("<>"), "<>|");
  EXPECT_EQ(reverse("<> SIZE=1"), "<>| SIZE=1");
  EXPECT_EQ(reverse("<a@b.org> X"), "<a@b.org>| X");
  EXPECT_EQ(reverse("<@hosta.int,@jkl.org:userc@d.bar.org>"), "<userc@d.bar.org>|");  // [RFC5321 C]
  EXPECT_EQ(reverse("a@b.org SIZE=1"), "<a@b.org>| SIZE=1");
  for (auto bad : {"", "<", "<a@b.org", "<a@b.org>x", "<@a.org,b@c.org>", "<@a.org b@c.org>", "< a@b.org>",
                   "<a@b.org >", "a@b.org>", "<<a@b.org>>", "<postmaster>", "<@a.org:>", " <a@b.org>"})
    EXPECT_EQ(reverse(bad), "error") << bad;

  const auto forward = [](std::string_view s) -> std::string {
    auto path = take_forward_path(s);
    return path ? to_string(*path) + "|" + std::string(s) : "error";
  };
  EXPECT_EQ(forward("<Postmaster>"), "Postmaster|");
  EXPECT_EQ(forward("postmaster"), "postmaster|");
  EXPECT_EQ(forward("<postmaster@b.org>"), "postmaster@b.org|");
  EXPECT_EQ(forward("<postmaster2@b.org>"), "postmaster2@b.org|");
  EXPECT_EQ(forward("<@a:postmaster@b.org>"), "postmaster@b.org|");
  for (auto bad : {"<>", "<bob>", "<postmaster", "<postmasterx>"}) EXPECT_EQ(forward(bad), "error") << bad;
}

}  // namespace
}  // namespace posthorn::smtp
