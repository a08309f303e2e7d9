#include "proto/smtp/command.h"

#include <gtest/gtest.h>

#include "proto/smtp/xtext.h"
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
    if (c.ret) out += *c.ret == Return::full ? " full" : " headers";
    if (c.envelope_id) out += " id [" + *c.envelope_id + "]";
    if (c.require_tls) out += " tls";
    if (c.deliver_by)
      out += " by " + std::to_string(c.deliver_by->seconds) + (c.deliver_by->return_if_late ? " return" : " notify") +
             (c.deliver_by->trace ? " trace" : "");
    if (c.hold_for_seconds) out += " hold " + std::to_string(*c.hold_for_seconds);
    if (c.hold_until) out += " until " + std::to_string(c.hold_until->time_since_epoch().count());
    if (c.priority) out += " priority " + std::to_string(*c.priority);
    return out;
  }
  std::string operator()(const Rcpt& c) const {
    std::string out = "RCPT " + to_string(c.forward_path);
    if (c.notify)
      out += std::string(" notify") + (c.notify->never ? " never" : "") + (c.notify->success ? " success" : "") +
             (c.notify->failure ? " failure" : "") + (c.notify->delay ? " delay" : "");
    if (c.original_recipient) out += " for " + c.original_recipient->address_type + " [" + c.original_recipient->address + "]";
    return out;
  }
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
  std::string operator()(const Etrn& c) const {
    return std::string("ETRN ") + (c.what == Etrn::What::host ? "" : c.what == Etrn::What::queue ? "queue " : "below ") + c.name;
  }
  static std::string shown(const std::vector<ClientAttribute>& attributes) {
    constexpr const char* kNames[] = {"name", "addr", "port", "proto", "helo", "login", "destaddr", "destport", "ident", "source"};
    std::string out;
    for (const auto& a : attributes) out += std::string(" ") + kNames[static_cast<int>(a.name)] + "[" + a.value + "]";
    return out;
  }
  std::string operator()(const XClient& c) const { return "XCLIENT" + shown(c.attributes); }
  std::string operator()(const XForward& c) const { return "XFORWARD" + shown(c.attributes); }
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
      {"MAIL FROM:<a@b.org> NEW=1", "555 5.5.4"},
      {"MAIL FROM:<a@b.org> -NEW=1", "501 5.5.4"},
      {"MAIL FROM:<a@b.org> BODY=7BIT BODY=7BIT", "501 5.5.4"},
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
      {"RCPT TO:<a@b.org> SIZE=1", "555 5.5.4"},
      {"RCPT TO:<ü@b.org>", "553 5.6.7"},
      {"RCPT", "501 5.5.4"},
  };
  for (const auto& c : cases) EXPECT_EQ(parse(c.line), c.expected) << c.line;
  EXPECT_EQ(parse("RCPT TO:<ü@b.org>", {.transaction_is_utf8 = true}), "RCPT ü@b.org");
}

TEST(SmtpCommand, AboutDelivery) {
  const std::string id100(100, 'i'), xtext101 = std::string(98, 'i') + "+41";
  const std::string in100 = "MAIL FROM:<> ENVID=" + id100, out100 = "MAIL <> id [" + id100 + "]", in101 = "MAIL FROM:<> ENVID=" + xtext101;
  const Case cases[] = {
      {"MAIL FROM:<Alice@Example.ORG> RET=HDRS ENVID=QQ314159", "MAIL <Alice@Example.ORG> headers id [QQ314159]"},  // [RFC3461 10.1]
      {"MAIL FROM:<> ret=full", "MAIL <> full"},
      {"MAIL FROM:<> ENVID=a+20b+2Bc+3D", "MAIL <> id [a b+c=]"},
      {"MAIL FROM:<> ENVID=a+3d", "MAIL <> id [a=]"},  // tolerated
      {in100, out100},
      {in101, "501 5.5.4"},
      {"MAIL FROM:<> RET=SOME", "501 5.5.4"},
      {"MAIL FROM:<> RET", "501 5.5.4"},
      {"MAIL FROM:<> RET=FULL RET=FULL", "501 5.5.4"},
      {"MAIL FROM:<> ENVID=1 ENVID=2", "501 5.5.4"},
      {"MAIL FROM:<> ENVID=", "501 5.5.4"},
      {"MAIL FROM:<> ENVID=a=b", "501 5.5.4"},
      {"MAIL FROM:<> ENVID=a+0D+0Ab", "501 5.5.4"},
      {"MAIL FROM:<> ENVID=a+C3+A4", "501 5.5.4"},
      {"MAIL FROM:<> ENVID=\xc3\xa4", "501 5.5.4"},
      {"MAIL FROM:<> REQUIRETLS", "MAIL <> tls"},
      {"MAIL FROM:<> REQUIRETLS=YES", "501 5.5.4"},
      {"MAIL FROM:<> REQUIRETLS REQUIRETLS", "501 5.5.4"},
      {"MAIL FROM:<eljefe@bigbiz.com> BY=120;R", "MAIL <eljefe@bigbiz.com> by 120 return"},  // [RFC2852 4]
      {"MAIL FROM:<> BY=+98765;nt", "MAIL <> by 98765 notify trace"},
      {"MAIL FROM:<> BY=-5;N", "MAIL <> by -5 notify"},
      {"MAIL FROM:<> BY=0;R", "501 5.5.4"},
      {"MAIL FROM:<> BY=-5;R", "501 5.5.4"},
      {"MAIL FROM:<> BY=999999999;R", "MAIL <> by 999999999 return"},
      {"MAIL FROM:<> BY=1000000000;R", "501 5.5.4"},
      {"MAIL FROM:<> BY=120", "501 5.5.4"},
      {"MAIL FROM:<> BY=120;", "501 5.5.4"},
      {"MAIL FROM:<> BY=120;X", "501 5.5.4"},
      {"MAIL FROM:<> BY=120;RX", "501 5.5.4"},
      {"MAIL FROM:<> BY=120;RTT", "501 5.5.4"},
      {"MAIL FROM:<> BY=;R", "501 5.5.4"},
      {"MAIL FROM:<> BY=1 2;R", "501 5.5.4"},
      {"MAIL FROM:<> BY", "501 5.5.4"},
      {"MAIL FROM:<> HOLDFOR=86400", "MAIL <> hold 86400"},
      {"MAIL FROM:<> HOLDFOR=0", "501 5.5.4"},
      {"MAIL FROM:<> HOLDFOR=1000000000", "501 5.5.4"},
      {"MAIL FROM:<> HOLDFOR=-1", "501 5.5.4"},
      {"MAIL FROM:<> HOLDUNTIL=2007-05-10T20:00:00Z", "MAIL <> until 1178827200"},
      {"MAIL FROM:<> HOLDUNTIL=2007-05-10T22:00:00+02:00", "MAIL <> until 1178827200"},
      {"MAIL FROM:<> HOLDUNTIL=tomorrow", "501 5.5.4"},
      {"MAIL FROM:<> HOLDUNTIL=2007-05-10T20:00:00Z HOLDFOR=5", "501 5.5.4"},
      {"MAIL FROM:<> HOLDFOR=5 HOLDUNTIL=2007-05-10T20:00:00Z", "501 5.5.4"},
      {"MAIL FROM:<> HOLDFOR=5 HOLDFOR=5", "501 5.5.4"},
      {"MAIL FROM:<> MT-PRIORITY=3", "MAIL <> priority 3"},
      {"MAIL FROM:<> mt-priority=-9", "MAIL <> priority -9"},
      {"MAIL FROM:<> MT-PRIORITY=0", "MAIL <> priority 0"},
      {"MAIL FROM:<> MT-PRIORITY=-0", "501 5.5.2"},
      {"MAIL FROM:<> MT-PRIORITY=+3", "501 5.5.2"},
      {"MAIL FROM:<> MT-PRIORITY=10", "501 5.5.2"},
      {"MAIL FROM:<> MT-PRIORITY=x", "501 5.5.2"},
      {"MAIL FROM:<> MT-PRIORITY", "501 5.5.2"},
      {"MAIL FROM:<> MT-PRIORITY=1 MT-PRIORITY=1", "501 5.5.2"},
  };
  for (const auto& c : cases) EXPECT_EQ(parse(c.line), c.expected) << c.line;
}

TEST(SmtpCommand, AboutNotification) {
  const std::string long500 = "RCPT TO:<a@b> ORCPT=rfc822;" + std::string(494, 'a');
  const Case cases[] = {
      // [RFC3461 10.1]
      {"RCPT TO:<Bob@Example.COM> NOTIFY=SUCCESS ORCPT=rfc822;Bob@Example.COM",
       "RCPT Bob@Example.COM notify success for rfc822 [Bob@Example.COM]"},
      {"RCPT TO:<Dana@Ivory.EDU> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Dana@Ivory.EDU",
       "RCPT Dana@Ivory.EDU notify success failure for rfc822 [Dana@Ivory.EDU]"},
      {"RCPT TO:<Eric@Bombs.AF.MIL> NOTIFY=NEVER", "RCPT Eric@Bombs.AF.MIL notify never"},
      {"RCPT TO:<a@b> notify=delay,Failure,success,DELAY", "RCPT a@b notify success failure delay"},
      {"RCPT TO:<a@b> NOTIFY=NEVER,SUCCESS", "501 5.5.4"},
      {"RCPT TO:<a@b> NOTIFY=", "501 5.5.4"},
      {"RCPT TO:<a@b> NOTIFY", "501 5.5.4"},
      {"RCPT TO:<a@b> NOTIFY=SUCCESS,", "501 5.5.4"},
      {"RCPT TO:<a@b> NOTIFY=ALWAYS", "501 5.5.4"},
      {"RCPT TO:<a@b> NOTIFY=NEVER NOTIFY=NEVER", "501 5.5.4"},
      {"RCPT TO:<a@b> ORCPT=rfc822;a+2Bb@c", "RCPT a@b for rfc822 [a+b@c]"},
      {"RCPT TO:<a@b> ORCPT=X400;/I=J/+20/S=Smith/", "501 5.5.4"},  // "=" must be encoded
      {"RCPT TO:<a@b> ORCPT=X400;/I+3DJ/+20/S+3DSmith/", "RCPT a@b for X400 [/I=J/ /S=Smith/]"},
      {"RCPT TO:<a@b> ORCPT=rfc822;a+0Ab", "501 5.5.4"},
      {"RCPT TO:<a@b> ORCPT=rfc822;\xc3\xa4", "501 5.5.4"},
      {"RCPT TO:<a@b> ORCPT=rfc822;a+C3+A4", "501 5.5.4"},
      {"RCPT TO:<a@b> ORCPT=rfc822;", "501 5.5.4"},
      {"RCPT TO:<a@b> ORCPT=rfc822", "501 5.5.4"},
      {"RCPT TO:<a@b> ORCPT=;a@b", "501 5.5.4"},
      {"RCPT TO:<a@b> ORCPT=rfc822;a ORCPT=rfc822;a", "501 5.5.4"},
      {long500, "501 5.5.4"},
      // [RFC6533 3]
      {"RCPT TO:<a@b> ORCPT=utf-8;\xc3\xa4@b", "RCPT a@b for utf-8 [\xc3\xa4@b]"},
      {"RCPT TO:<a@b> ORCPT=UTF-8;\\x{E4}\\x{20}\\x{1F600}@b", "RCPT a@b for UTF-8 [\xc3\xa4 \xf0\x9f\x98\x80@b]"},
      {"RCPT TO:<a@b> ORCPT=utf-8;a\\x{0A}b", "RCPT a@b for utf-8 [a\\x{0A}b]"},      // not decoded: it would be a line end
      {"RCPT TO:<a@b> ORCPT=utf-8;a\\x{D800}b", "RCPT a@b for utf-8 [a\\x{D800}b]"},  // no character
      {"RCPT TO:<a@b> ORCPT=utf-8;a\\y", "RCPT a@b for utf-8 [a\\y]"},
      {"RCPT TO:<a@b> ORCPT=utf-8;\xff", "501 5.5.4"},
      {"RCPT TO:<a@b> ORCPT=utf-8;a=b", "501 5.5.4"},
  };
  for (const auto& c : cases) EXPECT_EQ(parse(c.line), c.expected) << c.line;
}

TEST(SmtpCommand, Etrn) {
  const Case cases[] = {
      {"ETRN", "500 5.5.4"},  // [RFC1985 7], this and the next three
      {"ETRN localname", "501 5.5.4"},
      {"ETRN uu.net", "ETRN uu.net"},
      {"etrn @foo.com", "ETRN below foo.com"},
      {"ETRN #uucp", "ETRN queue uucp"},
      {"ETRN #", "501 5.5.4"},
      {"ETRN @", "501 5.5.4"},
      {"ETRN a.b c", "501 5.5.4"},
      {"ETRN b\xc3\xbc.example", "501 5.5.4"},
  };
  for (const auto& c : cases) EXPECT_EQ(parse(c.line), c.expected) << c.line;
}

TEST(SmtpCommand, ClientAttributes) {
  const std::string long_name = "XCLIENT NAME=" + std::string(256, 'n');
  const Case cases[] = {
      {"XCLIENT NAME=spike.porcupine.org ADDR=168.100.189.2", "XCLIENT name[spike.porcupine.org] addr[168.100.189.2]"},
      {"xclient name=[UNAVAILABLE] addr=IPV6:2001:db8::1 port=4711 proto=esmtp helo=x+20y login=ann destaddr=192.0.2.1 destport=25",
       "XCLIENT name[] addr[2001:db8::1] port[4711] proto[ESMTP] helo[x y] login[ann] destaddr[192.0.2.1] destport[25]"},
      {"XCLIENT ADDR=2001:db8::1 NAME=[tempunavail]", "XCLIENT addr[2001:db8::1] name[]"},
      {"XFORWARD NAME=spike.porcupine.org ADDR=168.100.189.2 PROTO=ESMTP IDENT=3Xyz SOURCE=REMOTE",
       "XFORWARD name[spike.porcupine.org] addr[168.100.189.2] proto[ESMTP] ident[3Xyz] source[REMOTE]"},
      {"XFORWARD SOURCE=LOCAL PORT=[UNAVAILABLE]", "XFORWARD source[LOCAL] port[]"},
      {"XCLIENT", "501 5.5.4"},
      {"XCLIENT NAME", "501 5.5.4"},
      {"XCLIENT NAME=", "501 5.5.4"},
      {"XCLIENT IDENT=1", "501 5.5.4"},
      {"XFORWARD LOGIN=ann", "501 5.5.4"},
      {"XCLIENT ADDR=localhost", "501 5.5.4"},
      {"XCLIENT ADDR=1.2.3", "501 5.5.4"},
      {"XCLIENT ADDR=1.2.3.4]", "501 5.5.4"},
      {"XCLIENT ADDR=IPV6:1.2.3.4", "501 5.5.4"},
      {"XCLIENT PORT=65536", "501 5.5.4"},
      {"XCLIENT PORT=-1", "501 5.5.4"},
      {"XCLIENT PROTO=HTTP", "501 5.5.4"},
      {"XFORWARD SOURCE=MARS", "501 5.5.4"},
      {"XCLIENT HELO=a+0Ab", "501 5.5.4"},
      {"XCLIENT HELO=a+", "501 5.5.4"},
      {long_name, "501 5.5.4"},
  };
  for (const auto& c : cases) EXPECT_EQ(parse(c.line), c.expected) << c.line;
}

TEST(SmtpXtext, BothWays) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(from_xtext(to_xtext(all)), all);
  EXPECT_EQ(to_xtext("e=mc2 +1"), "e+3Dmc2+20+2B1");
  for (const auto bad : {"+", "+4", "+4G", "a b", "a=b"}) EXPECT_FALSE(from_xtext(bad)) << bad;
  const std::string address = "\xc3\xa4+b=c\\d \xf0\x9f\x98\x80@example.test";
  EXPECT_EQ(to_unitext(address), "\\x{E4}\\x{2B}b\\x{3D}c\\x{5C}d\\x{20}\\x{1F600}@example.test");
  EXPECT_EQ(from_unitext(to_unitext(address)), address);
  for (const auto bad : {"\\", "\\x", "\\x{", "\\x{}", "\\x{1}", "\\x{110000}", "\\x{0000041}", "\\x{4G}", "\\x{0D}"})
    EXPECT_FALSE(from_unitext(bad)) << bad;
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
