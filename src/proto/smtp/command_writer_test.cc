#include "proto/smtp/command_writer.h"

#include <gtest/gtest.h>

#include <functional>

namespace posthorn::smtp {
namespace {

using Change = std::function<void(Mail&)>;

Mail mail(const Change& change) {
  Mail m;
  m.reverse_path = Mailbox{"me", "example.org"};
  if (change) change(m);
  return m;
}

TEST(CommandWriter, SaysMailWithWhatIsSet) {
  struct Case {
    Change change;
    std::string line;
  };
  using namespace std::chrono_literals;
  const Case cases[] = {
      {{}, "MAIL FROM:<me@example.org>\r\n"},
      {[](Mail& m) { m.reverse_path.reset(); }, "MAIL FROM:<>\r\n"},
      {[](Mail& m) { m.reverse_path = Mailbox{"a \"b\\", "[192.0.2.1]"}; }, "MAIL FROM:<\"a \\\"b\\\\\"@[192.0.2.1]>\r\n"},
      {[](Mail& m) { m.size = 0; }, "MAIL FROM:<me@example.org> SIZE=0\r\n"},
      {[](Mail& m) { m.body = Body::eight_bit_mime; }, "MAIL FROM:<me@example.org> BODY=8BITMIME\r\n"},
      {[](Mail& m) { m.body = Body::binary_mime; }, "MAIL FROM:<me@example.org> BODY=BINARYMIME\r\n"},
      {[](Mail& m) {
         m.smtp_utf8 = true;
         m.reverse_path->local_part = "m\xc3\xbc";
       },
       "MAIL FROM:<m\xc3\xbc@example.org> SMTPUTF8\r\n"},
      {[](Mail& m) { m.require_tls = true; }, "MAIL FROM:<me@example.org> REQUIRETLS\r\n"},
      {[](Mail& m) {
         m.ret = Return::headers;
         m.envelope_id = "a+b=c d";
       },
       "MAIL FROM:<me@example.org> RET=HDRS ENVID=a+2Bb+3Dc+20d\r\n"},
      {[](Mail& m) { m.deliver_by = DeliverBy{.seconds = 120, .return_if_late = true, .trace = true}; },
       "MAIL FROM:<me@example.org> BY=120;RT\r\n"},
      {[](Mail& m) { m.deliver_by = DeliverBy{.seconds = -5, .return_if_late = false}; }, "MAIL FROM:<me@example.org> BY=-5;N\r\n"},
      {[](Mail& m) { m.hold_for_seconds = 60; }, "MAIL FROM:<me@example.org> HOLDFOR=60\r\n"},
      {[](Mail& m) { m.hold_until = std::chrono::sys_seconds(0s); }, "MAIL FROM:<me@example.org> HOLDUNTIL=1970-01-01T00:00:00Z\r\n"},
      {[](Mail& m) { m.priority = -3; }, "MAIL FROM:<me@example.org> MT-PRIORITY=-3\r\n"},
      {[](Mail& m) { m.auth = "me+x@example.org"; }, "MAIL FROM:<me@example.org> AUTH=me+2Bx@example.org\r\n"},
      {[](Mail& m) { m.auth = ""; }, "MAIL FROM:<me@example.org> AUTH=<>\r\n"},
  };
  for (const auto& c : cases) {
    std::string line;
    ASSERT_TRUE(put_command(line, mail(c.change))) << c.line;
    EXPECT_EQ(line, c.line);
  }
}

TEST(CommandWriter, SaysRcptWithWhatIsSet) {
  struct Case {
    Rcpt rcpt;
    std::string line;
  };
  const Mailbox you{"you", "example.net"};
  const Case cases[] = {
      {{you, {}, {}}, "RCPT TO:<you@example.net>\r\n"},
      {{{"postmaster", ""}, {}, {}}, "RCPT TO:<postmaster>\r\n"},
      {{you, Notify{.never = true}, {}}, "RCPT TO:<you@example.net> NOTIFY=NEVER\r\n"},
      {{you, Notify{.success = true, .delay = true}, {}}, "RCPT TO:<you@example.net> NOTIFY=SUCCESS,DELAY\r\n"},
      {{you, Notify{.failure = true}, OriginalRecipient{"rfc822", "a=b@example.org"}},
       "RCPT TO:<you@example.net> NOTIFY=FAILURE ORCPT=rfc822;a+3Db@example.org\r\n"},
      {{you, {}, OriginalRecipient{"utf-8", "m\xc3\xbc+x@example.org"}},
       "RCPT TO:<you@example.net> ORCPT=utf-8;m\\x{FC}\\x{2B}x@example.org\r\n"},
      {{you, {}, OriginalRecipient{"x400", "a\r\nb\xff"}}, "RCPT TO:<you@example.net> ORCPT=x400;a+0D+0Ab+FF\r\n"},
  };
  for (const auto& c : cases) {
    std::string line;
    ASSERT_TRUE(put_command(line, c.rcpt)) << c.line;
    EXPECT_EQ(line, c.line);
  }
}

// Whatever a value is, a command is one line, or none.
TEST(CommandWriter, NothingEndsTheLineEarly) {
  const Change bad[] = {
      [](Mail& m) { m.reverse_path = Mailbox{"a\r\nRSET", "example.org"}; },
      [](Mail& m) { m.reverse_path = Mailbox{"a\n", "example.org"}; },
      [](Mail& m) { m.reverse_path = Mailbox{std::string("a\0", 2), "example.org"}; },
      [](Mail& m) { m.reverse_path = Mailbox{"a", "example.org\r\nRSET"}; },
      [](Mail& m) { m.reverse_path = Mailbox{"a", "example.org> SIZE=1"}; },
      [](Mail& m) { m.reverse_path = Mailbox{"a", ""}; },
      [](Mail& m) { m.reverse_path = Mailbox{"\xc3\xbc", "example.org"}; },  // no SMTPUTF8
      [](Mail& m) { m.envelope_id = "a\r\nb"; },
      [](Mail& m) { m.envelope_id = ""; },
      [](Mail& m) { m.deliver_by = DeliverBy{.seconds = 0, .return_if_late = true}; },
  };
  for (const auto& change : bad) {
    std::string line = "before";
    const auto put = put_command(line, mail(change));
    EXPECT_FALSE(put) << &change - bad;
    EXPECT_EQ(line, "before");
  }
  const Mailbox you{"you", "example.net"};
  for (const Rcpt& rcpt : {Rcpt{{"a\rb", "example.net"}, {}, {}}, Rcpt{{"a", "example.net\n"}, {}, {}}, Rcpt{{"a", ""}, {}, {}},
                           Rcpt{you, Notify{}, {}}, Rcpt{you, {}, OriginalRecipient{"rfc822\r\n", "a"}},
                           Rcpt{you, {}, OriginalRecipient{"", "a"}}, Rcpt{you, {}, OriginalRecipient{"rfc822", ""}}}) {
    std::string line;
    EXPECT_FALSE(put_command(line, rcpt));
    EXPECT_EQ(line, "");
  }
  for (const std::string_view domain : {"", "a b", "a\r\nMAIL", "a\n", "\xc3\xbc.example"}) {
    std::string line;
    EXPECT_FALSE(put_hello(line, "EHLO", domain)) << domain;
    EXPECT_EQ(line, "");
  }
}

TEST(CommandWriter, SaysTheRest) {
  std::string out;
  ASSERT_TRUE(put_hello(out, "LHLO", "[192.0.2.1]"));
  put_bdat(out, 70000, false);
  put_bdat(out, 0, true);
  ASSERT_TRUE(put_auth(out, "PLAIN", std::string("\0a\0b", 4)));
  ASSERT_TRUE(put_auth(out, "EXTERNAL", ""));
  ASSERT_TRUE(put_auth(out, "LOGIN", std::nullopt));
  EXPECT_EQ(out, "LHLO [192.0.2.1]\r\nBDAT 70000\r\nBDAT 0 LAST\r\nAUTH PLAIN AGEAYg==\r\nAUTH EXTERNAL =\r\nAUTH LOGIN\r\n");
}

// What is written, the server's side understands, and means the same.
TEST(CommandWriter, IsReadAsItWasMeant) {
  Mail sent = mail({});
  sent.size = 12345;
  sent.body = Body::binary_mime;
  sent.smtp_utf8 = true;
  sent.require_tls = true;
  sent.ret = Return::full;
  sent.envelope_id = "id+1";
  sent.deliver_by = DeliverBy{.seconds = 60, .return_if_late = true, .trace = true};
  sent.hold_for_seconds = 7;
  sent.priority = 9;
  sent.auth = "a+b@example.org";
  std::string line;
  ASSERT_TRUE(put_command(line, sent));
  line.resize(line.size() - 2);
  const auto got = parse_command(line);
  ASSERT_TRUE(got) << line;
  const auto& read = std::get<Mail>(*got);
  EXPECT_EQ(read.reverse_path, sent.reverse_path);
  EXPECT_EQ(read.size, sent.size);
  EXPECT_EQ(read.body, sent.body);
  EXPECT_EQ(read.smtp_utf8 && read.require_tls, true);
  EXPECT_EQ(read.ret, sent.ret);
  EXPECT_EQ(read.envelope_id, sent.envelope_id);
  EXPECT_EQ(read.deliver_by, sent.deliver_by);
  EXPECT_EQ(read.hold_for_seconds, sent.hold_for_seconds);
  EXPECT_EQ(read.priority, sent.priority);
  EXPECT_EQ(read.auth, sent.auth);

  for (const auto& original : {OriginalRecipient{"rfc822", "a=b c@example.org"}, OriginalRecipient{"utf-8", "m\xc3\xbc\\+x@example.org"}}) {
    const Rcpt rcpt{{"y o", "example.net"}, Notify{.success = true, .failure = true}, original};
    std::string text;
    ASSERT_TRUE(put_command(text, rcpt));
    text.resize(text.size() - 2);
    const auto back = parse_command(text);
    ASSERT_TRUE(back) << text;
    EXPECT_EQ(std::get<Rcpt>(*back).forward_path, rcpt.forward_path);
    EXPECT_EQ(std::get<Rcpt>(*back).notify, rcpt.notify);
    EXPECT_EQ(std::get<Rcpt>(*back).original_recipient, rcpt.original_recipient);
  }
}

}  // namespace
}  // namespace posthorn::smtp
