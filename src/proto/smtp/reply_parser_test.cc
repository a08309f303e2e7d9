#include "proto/smtp/reply_parser.h"

#include <gtest/gtest.h>

#include "proto/smtp/ehlo.h"

namespace posthorn::smtp {
namespace {

constexpr ReplyLimits kSmall{.line = 20, .lines = 3, .bytes = 50};

// "250[2.1.0] text|text;" for each reply, and the error or what is left.
std::string read(std::string_view stream, std::size_t cut1, std::size_t cut2, ReplyLimits limits) {
  ReplyParser parser(limits);
  std::string out;
  for (auto piece : {stream.substr(0, cut1), stream.substr(cut1, cut2 - cut1), stream.substr(cut2)})
    while (!piece.empty()) {
      auto got = parser.next(piece);
      if (!got) return out + "!" + std::string(to_string(got.error().code));
      if (!*got) break;
      const Reply& reply = **got;
      out += std::to_string(reply.code);
      if (reply.enhanced.klass)
        out += "[" + std::to_string(reply.enhanced.klass) + "." + std::to_string(reply.enhanced.subject) + "." +
               std::to_string(reply.enhanced.detail) + "]";
      for (const auto& line : reply.lines) out += (&line == &reply.lines.front() ? " " : "|") + line;
      out += ";";
    }
  return out;
}

TEST(ReplyParser, ReadsTheSameAtEverySplit) {
  struct Case {
    std::string_view stream, expected;
    ReplyLimits limits{};
  };
  using namespace std::string_view_literals;
  const Case cases[] = {
      {"220 mx.example.org ESMTP\r\n", "220 mx.example.org ESMTP;"},
      {"250-a\r\n250-b\r\n250 c\r\n354 go\r\n", "250 a|b|c;354 go;"},
      {"250\r\n250 \r\n", "250 ;250 ;"},
      {"250-\r\n250\r\n", "250 |;"},
      {"250 ok\n550-a\n550 b\n", "250 ok;550 a|b;"},  // LF alone
      {"250 ok\r\n25", "250 ok;"},
      // Enhanced codes.
      {"250 2.1.0 ok\r\n", "250[2.1.0] ok;"},
      {"550-5.7.509 a\r\n550 5.7.509 b\r\n", "550[5.7.509] a|b;"},
      {"550-5.7.1 a\r\n550 b\r\n", "550[5.7.1] a|b;"},
      {"550-a\r\n550 5.7.1 b\r\n", "550[5.7.1] a|b;"},
      {"250 2.0.0\r\n", "250[2.0.0] ;"},
      {"550 4.7.1 a\r\n", "550 4.7.1 a;"},  // contradicts the code
      {"354 3.0.0 a\r\n", "354 3.0.0 a;"},
      {"250 2.1.0x ok\r\n", "250 2.1.0x ok;"},
      {"250 2.1 ok\r\n", "250 2.1 ok;"},
      {"250 2.1.1234 ok\r\n", "250 2.1.1234 ok;"},
      {"250 2.1.0.1 ok\r\n", "250 2.1.0.1 ok;"},
      // Nothing that could harm a terminal or a header.
      {"250 a\0b\x1b[1m\x7f\tc\rd\r\r\n"sv, "250 a?b?[1m? c?d?;"},
      {"250 gr\xc3\xbc\xdf\r\n", "250 gr\xc3\xbc\xdf;"},
      // Garbage.
      {"SSH-2.0-OpenSSH\r\n", "!syntax"},
      {"\x15\x03\x01\x00\x02\x02\x50"sv, "!syntax"},
      {"\r\n250 ok\r\n", "!syntax"},
      {" 250 ok\r\n", "!syntax"},
      {"25 ok\r\n", "!syntax"},
      {"2\0000 ok\r\n"sv, "!syntax"},
      {"2500 ok\r\n", "!syntax"},
      {"250\tok\r\n", "!syntax"},
      {"250_ok\r\n", "!syntax"},
      {"150 ok\r\n", "!syntax"},
      {"650 ok\r\n", "!syntax"},
      {"250-a\r\n550 b\r\n", "!syntax"},
      {"250-a\r\nb\r\n", "!syntax"},
      {"250 ok\r\nhello\r\n", "250 ok;!syntax"},
      // Limits.
      {"250 4567890123456789\r\n250 45678901234567890\r\n", "250 4567890123456789;!limit", kSmall},
      {"250 4567890123456789\r\r\n", "!limit", kSmall},
      {"250 456789012345678901234567890", "!limit", kSmall},
      {"250-a\r\n250-b\r\n250 c\r\n", "250 a|b|c;", kSmall},
      {"250-a\r\n250-b\r\n250-c\r\n", "!limit", kSmall},
      {"250-789012345678\r\n250-789012345678\r\n250 78901234\r\n", "250 789012345678|789012345678|78901234;", kSmall},
      {"250-789012345678\r\n250-789012345678\r\n250 789012345\r\n", "!limit", kSmall},
  };
  for (const auto& c : cases)
    for (std::size_t i = 0; i <= c.stream.size(); ++i)
      for (std::size_t j = i; j <= c.stream.size(); ++j)
        EXPECT_EQ(read(c.stream, i, j, c.limits), c.expected) << testing::PrintToString(c.stream) << " " << i << " " << j;
}

TEST(ReplyParser, TakesNothingBehindTheReplyAndKeepsItRaw) {
  ReplyParser parser;
  std::string_view in = "250-a\r\n250 b\r\n221 bye\r\nrest";
  EXPECT_EQ(parser.next(in).value()->code, 250);
  EXPECT_EQ(parser.raw(), "250-a\r\n250 b\r\n");
  EXPECT_EQ(in, "221 bye\r\nrest");
  EXPECT_EQ(parser.next(in).value()->code, 221);
  EXPECT_EQ(parser.raw(), "221 bye\r\n");
  EXPECT_EQ(in, "rest");
}

Reply offers(std::vector<std::string> lines) {
  Reply reply;
  reply.lines = std::move(lines);
  reply.lines.insert(reply.lines.begin(), "mx.example.org says hello");
  return reply;
}

TEST(Ehlo, KnowsWhatIsOffered) {
  const auto e = parse_ehlo_reply(offers({"PIPELINING",
                                          "8bitmime",
                                          "BINARYMIME",
                                          "CHUNKING",
                                          "SMTPUTF8",
                                          "STARTTLS",
                                          "REQUIRETLS",
                                          "DSN",
                                          "ENHANCEDSTATUSCODES",
                                          "ETRN",
                                          "XCLIENT NAME ADDR",
                                          "XFORWARD",
                                          "SIZE 1000",
                                          "AUTH plain LOGIN",
                                          "DELIVERBY 120",
                                          "FUTURERELEASE 3600 2030-01-01T00:00:00Z",
                                          "MT-PRIORITY MIXER",
                                          "LIMITS RCPTMAX=20 mailmax=5 RCPTDOMAINMAX=0 X=1",
                                          "X-Own a b",
                                          "VRFY"}));
  EXPECT_TRUE(e.pipelining && e.eight_bit_mime && e.binary_mime && e.chunking && e.smtp_utf8 && e.start_tls && e.require_tls && e.dsn &&
              e.enhanced_status_codes && e.etrn && e.xclient && e.xforward && e.size && e.deliver_by && e.future_release && e.mt_priority);
  EXPECT_EQ(e.domain, "mx.example.org");
  EXPECT_EQ(e.size_limit, 1000);
  EXPECT_EQ(e.auth, (std::vector<std::string>{"PLAIN", "LOGIN"}));
  EXPECT_TRUE(e.offers_auth("Plain"));
  EXPECT_EQ(e.deliver_by_minimum, 120);
  EXPECT_EQ(e.future_release_seconds, 3600);
  EXPECT_EQ(e.future_release_until, "2030-01-01T00:00:00Z");
  EXPECT_EQ(e.mt_priority_profile, "MIXER");
  EXPECT_EQ(e.rcpt_max, 20);
  EXPECT_EQ(e.mail_max, 5);
  EXPECT_FALSE(e.rcpt_domain_max);
  EXPECT_EQ(e.unknown, (std::vector<std::string>{"X-OWN", "VRFY"}));
}

TEST(Ehlo, BearsWithNonsense) {
  const auto e = parse_ehlo_reply(offers({"SIZE much", "AUTH=LOGIN PLAIN", "AUTH LOGIN", "", "   ",
                                          "LIMITS RCPTMAX= =1 RCPTMAX=-1 RCPTMAX=99999999999999999999", "PIPELININGS"}));
  EXPECT_TRUE(e.size);
  EXPECT_FALSE(e.size_limit);
  EXPECT_EQ(e.auth, (std::vector<std::string>{"LOGIN", "PLAIN"}));
  EXPECT_FALSE(e.rcpt_max);
  EXPECT_FALSE(e.pipelining);
  EXPECT_FALSE(parse_ehlo_reply(offers({"SIZE 0"})).size_limit);
  EXPECT_FALSE(parse_ehlo_reply(Reply()).size);
}

}  // namespace
}  // namespace posthorn::smtp
