#include "proto/smtp/command.h"

#include <gtest/gtest.h>

#include "text/ascii.h"

namespace posthorn::smtp {
namespace {

// A command as text, so that a case is one line; errors are their reply code and enhanced code.
struct Show {
  std::string operator()(const Ehlo& c) const { return "EHLO " + c.domain; }
  std::string operator()(const Helo& c) const { return "HELO " + c.domain; }
  std::string operator()(const Lhlo& c) const { return "LHLO " + c.domain; }
  std::string operator()(const Mail& c) const {
    std::string out = "MAIL ";
    put_path(out, c.reverse_path);
    if (c.size) out += " size " + std::to_string(*c.size);
    if (c.body == Body::eight_bit_mime) out += " 8bit";
    if (c.body == Body::binary_mime) out += " binary";
    if (c.smtp_utf8) out += " utf8";
    if (c.auth) out += " auth [" + *c.auth + "]";
    return out;
  }
  std::string operator()(const Rcpt& c) const { return "RCPT " + to_string(c.forward_path); }
  std::string operator()(const Data&) const { return "DATA"; }
  std::string operator()(const Bdat& c) const {
    return "BDAT " + std::to_string(c.size) + (c.last ? " LAST" : "");
  }
  std::string operator()(const Rset&) const { return "RSET"; }
  std::string operator()(const Noop&) const { return "NOOP"; }
  std::string operator()(const Quit&) const { return "QUIT"; }
  std::string operator()(const Vrfy& c) const { return "VRFY " + c.text; }
  std::string operator()(const Expn& c) const { return "EXPN " + c.text; }
  std::string operator()(const Help& c) const { return "HELP " + c.text; }
  std::string operator()(const StartTls&) const { return "STARTTLS"; }
  std::string operator()(const Auth& c) const {
    return "AUTH " + c.mechanism + (c.initial_response ? " [" + *c.initial_response + "]" : "");
  }
  std::string operator()(const Unknown& c) const { return "unknown " + c.verb; }
};

std::string parse(std::string_view line, const CommandOptions& options = {}) {
  const auto got = parse_command(line, options);
  if (got) return std::visit(Show{}, *got);
  const auto& e = got.error().reply.enhanced;
  return std::to_string(got.error().reply.code) + " " + std::to_string(e.klass) + "." +
         std::to_string(e.subject) + "." + std::to_string(e.detail) +
         (got.error().desynchronised ? " close" : "");
}

struct Case {
  std::string_view line, expected;
};

TEST(SmtpCommand, Commands) {
  const Case cases[] = {
      {"EHLO mail.example.org", "EHLO mail.example.org"},
      {"ehlo [192.0.2.1]", "EHLO [192.0.2.1]"},
      {"HELO my_host", "HELO my_host"},
      {"HELO 192.0.2.1  ", "HELO 192.0.2.1"},
      {"LHLO x", "LHLO x"},
      {"EHLO", "501 5.5.4"},
      {"EHLO a b", "501 5.5.4"},
      {"EHLO b\xc3\xbc", "501 5.5.4"},
      {"DATA", "DATA"},
      {"data ", "DATA"},
      {"DATA x", "501 5.5.4"},
      {"RSET", "RSET"},
      {"NOOP", "NOOP"},
      {"NOOP whatever you say", "NOOP"},
      {"QUIT", "QUIT"},
      {"QUIT now", "501 5.5.4"},
      {"VRFY", "501 5.5.4"},
      {"VRFY Crispin", "VRFY Crispin"},
      {"EXPN Example-People", "EXPN Example-People"},
      {"HELP", "HELP "},
      {"HELP mail", "HELP mail"},
      {"STARTTLS", "STARTTLS"},
      {"STARTTLS foo", "501 5.5.4"},
      {"BDAT 1000 LAST", "BDAT 1000 LAST"},
      {"BDAT 0 last", "BDAT 0 LAST"},
      {"BDAT 86400", "BDAT 86400"},
      {"BDAT", "501 5.5.4 close"},
      {"BDAT x", "501 5.5.4 close"},
      {"BDAT -1", "501 5.5.4 close"},
      {"BDAT 10 FIRST", "501 5.5.4 close"},
      {"BDAT 99999999999999999999999 LAST", "501 5.5.4 close"},
      {"AUTH PLAIN", "AUTH PLAIN"},
      {"auth plain dGVzdAB0ZXN0ADEyMzQ=", "AUTH PLAIN [dGVzdAB0ZXN0ADEyMzQ=]"},
      {"AUTH EXTERNAL =", "AUTH EXTERNAL []"},
      {"AUTH SCRAM-SHA-256", "AUTH SCRAM-SHA-256"},
      {"AUTH", "501 5.5.4"},
      {"AUTH PLAIN a b", "501 5.5.4"},
      {"AUTH PL=AIN", "501 5.5.4"},
      {"", "unknown "},
      {"GET / HTTP/1.1", "unknown GET"},
      {"MAILFROM:<a@b.org>", "unknown MAILFROM:<A@B.ORG>"},
      {"\x16\x03\x01", "500 5.5.2"},
      {"\xff\xfe", "unknown ??"},
      {"NOOP a\rb", "500 5.5.2"},
      {"BDAT 5\rLAST", "500 5.5.2 close"},
      {"BDAT \x01", "500 5.5.2 close"},
  };
  for (const auto& c : cases) EXPECT_EQ(parse(c.line), c.expected) << c.line;
  EXPECT_EQ(parse(std::string("NOOP \0x", 7)), "500 5.5.2");
}

TEST(SmtpCommand, Mail) {
  const Case cases[] = {
      {"MAIL FROM:<Smith@bar.com>", "MAIL <Smith@bar.com>"},
      {"mail from:<Smith@bar.com>", "MAIL <Smith@bar.com>"},
      {"MAIL FROM:<>", "MAIL <>"},
      {"MAIL FROM: <Smith@bar.com>", "MAIL <Smith@bar.com>"},  // tolerated
      {"MAIL FROM:Smith@bar.com", "MAIL <Smith@bar.com>"},     // tolerated
      {"MAIL FROM:<ned@thor.innosoft.com> SIZE=500000",
       "MAIL <ned@thor.innosoft.com> size 500000"},  // [RFC1870 8]
      {"MAIL FROM:<> SIZE=99999999999999999999", "MAIL <> size 18446744073709551615"},
      {"MAIL FROM:<a@b.org> body=8bitmime", "MAIL <a@b.org> 8bit"},
      {"MAIL FROM:<a@b.org> BODY=BINARYMIME  SIZE=1", "MAIL <a@b.org> size 1 binary"},
      {"MAIL FROM:<a@b.org> BODY=7BIT", "MAIL <a@b.org>"},
      {"MAIL FROM:<ü@b.org> SMTPUTF8", "MAIL <ü@b.org> utf8"},
      {"MAIL FROM:<ü@b.org>", "550 5.6.7"},
      {"MAIL FROM:<e=mc2@example.com> AUTH=e+3Dmc2@example.com",
       "MAIL <e=mc2@example.com> auth [e=mc2@example.com]"},
      {"MAIL FROM:<a@b.org> AUTH=<>", "MAIL <a@b.org> auth []"},
      {"MAIL FROM:<a@b.org> AUTH=a+3", "501 5.5.4"},
      {"MAIL FROM:<a@b.org> AUTH=", "501 5.5.4"},
      {"MAIL FROM:<a@b.org> AUTH=x", "501 5.5.4"},
      {"MAIL FROM:<a@b.org> SIZE", "501 5.5.4"},
      {"MAIL FROM:<a@b.org> SIZE=x", "501 5.5.4"},
      {"MAIL FROM:<a@b.org> SIZE=1 SIZE=2", "501 5.5.4"},
      {"MAIL FROM:<a@b.org> BODY=9BIT", "501 5.5.4"},
      {"MAIL FROM:<a@b.org> BODY", "501 5.5.4"},
      {"MAIL FROM:<a@b.org> SMTPUTF8=1", "501 5.5.4"},
      {"MAIL FROM:<a@b.org> RET=HDRS", "555 5.5.4"},
      {"MAIL FROM:<a@b.org> ENVID=QQ314159", "555 5.5.4"},
      {"MAIL FROM:<a@b.org> =x", "501 5.5.4"},
      {"MAIL FROM:<a@b.org>SIZE=1", "501 5.1.7"},
      {"MAIL FROM:", "501 5.1.7"},
      {"MAIL", "501 5.5.4"},
      {"MAIL <a@b.org>", "501 5.5.4"},
      {"MAIL FROM:<bob>", "553 5.1.7"},
      {"MAIL FROM:<a b@c.org>", "501 5.1.7"},
  };
  for (const auto& c : cases) EXPECT_EQ(parse(c.line), c.expected) << c.line;
}

TEST(SmtpCommand, Rcpt) {
  const Case cases[] = {
      {"RCPT TO:<Jones@XYZ.COM>", "RCPT Jones@XYZ.COM"},
      {"rcpt to: Jones@XYZ.COM", "RCPT Jones@XYZ.COM"},
      {"RCPT TO:<Postmaster>", "RCPT Postmaster"},
      {"RCPT TO:<@hosta.int,@jkl.org:userc@d.bar.org>", "RCPT userc@d.bar.org"},
      {"RCPT TO:<>", "501 5.1.3"},
      {"RCPT TO:<bob>", "553 5.1.3"},
      {"RCPT TO:<a@b.org> NOTIFY=NEVER", "555 5.5.4"},
      {"RCPT TO:<ü@b.org>", "553 5.6.7"},
      {"RCPT", "501 5.5.4"},
  };
  for (const auto& c : cases) EXPECT_EQ(parse(c.line), c.expected) << c.line;
  EXPECT_EQ(parse("RCPT TO:<ü@b.org>", {.transaction_is_utf8 = true}), "RCPT ü@b.org");
}

TEST(SmtpCommand, LongLines) {
  EXPECT_EQ(parse("NOOP " + std::string(5000, 'x')), "500 5.5.2");
  EXPECT_EQ(parse("BDAT " + std::string(5000, '0')), "500 5.5.2 close");
  EXPECT_EQ(parse("AUTH PLAIN " + std::string(12000, 'x')), "AUTH PLAIN [" + std::string(12000, 'x') + "]");
  EXPECT_EQ(parse("AUTH PLAIN " + std::string(13000, 'x')), "500 5.5.2");
}

TEST(SmtpReply, Lines) {
  EXPECT_EQ(to_string(Reply(250, {2, 1, 5}, "OK")), "250 2.1.5 OK\r\n");
  EXPECT_EQ(to_string(Reply(354, "Go on")), "354 Go on\r\n");
  Reply ehlo(250, "mail.example.org");
  ehlo.lines.emplace_back("PIPELINING");
  ehlo.lines.emplace_back("SIZE 1000");
  EXPECT_EQ(to_string(ehlo), "250-mail.example.org\r\n250-PIPELINING\r\n250 SIZE 1000\r\n");
  Reply two(550, {5, 7, 1}, "a\r\nb");
  two.lines.emplace_back("");
  EXPECT_EQ(to_string(two), "550-5.7.1 a??b\r\n550 5.7.1 \r\n");
  EXPECT_EQ(to_string(Reply(250, std::string(1000, 'x'))).size(), 512u);
  // A cut falls between characters.
  const std::string x504(504, 'x');
  EXPECT_TRUE(to_string(Reply(250, x504 + "ü and more")) == "250 " + x504 + "ü\r\n");
  EXPECT_TRUE(to_string(Reply(250, x504 + "xü and more")) == "250 " + x504 + "x\r\n");
}

}  // namespace
}  // namespace posthorn::smtp
