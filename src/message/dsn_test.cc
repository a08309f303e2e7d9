#include "message/dsn.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "message/downgrade_checks.h"
#include "message/encoded_word.h"
#include "message/header.h"
#include "message/parser.h"
#include "message/transfer_encoder.h"

namespace posthorn::message {
namespace {

TEST(Dsn, WhoIsTold) {
  constexpr NotifyOn kUnasked{}, kNever{.failure = false, .delay = false}, kSuccess{.success = true, .failure = false, .delay = false},
      kFailure{.delay = false}, kDelay{.failure = false}, kAll{.success = true};
  using enum DsnAction;
  struct Case {
    NotifyOn notify;
    std::vector<DsnAction> told;
  };
  for (const auto& [notify, told] : {Case{kUnasked, {failed, delayed}}, Case{kNever, {}}, Case{kSuccess, {delivered, relayed, expanded}},
                                     Case{kFailure, {failed}}, Case{kDelay, {delayed}}, Case{kAll, {failed, delayed, delivered, relayed, expanded}}})
    for (const auto action : {failed, delayed, delivered, relayed, expanded}) {
      const bool expected = std::ranges::find(told, action) != told.end();
      EXPECT_EQ(audience_of(action, notify, ReversePath::mailbox), expected ? Audience::sender : Audience::nobody) << to_string(action);
      // [RFC3461 5.2] Never an answer to "<>"; our own notifications say NEVER.
      EXPECT_EQ(audience_of(action, notify, ReversePath::null), action == failed ? Audience::postmaster : Audience::nobody);
      EXPECT_EQ(audience_of(action, notify, ReversePath::notice), Audience::nobody);
    }
}

TEST(Dsn, HowMuchComesBack) {
  EXPECT_EQ(returned_part(true, Ret::full, 100, 100, Content::eight_bit), Returned::whole);
  EXPECT_EQ(returned_part(true, Ret::unspecified, 100, 100, Content::seven_bit), Returned::whole);
  EXPECT_EQ(returned_part(true, Ret::full, 101, 100, Content::seven_bit), Returned::headers);
  EXPECT_EQ(returned_part(true, Ret::headers, 1, 100, Content::seven_bit), Returned::headers);
  EXPECT_EQ(returned_part(true, Ret::full, 1, 100, Content::binary), Returned::headers);
  EXPECT_EQ(returned_part(false, Ret::full, 1, 100, Content::seven_bit), Returned::headers);
}

text::DateTime at(int seconds) { return {std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000 + seconds)), 60}; }

const std::string kOriginal = "From: alice@example.org\r\nSubject: QQ\r\nMessage-ID: <1@example.org>\r\n\r\nHello\r\n";

DsnMessage message_of(const std::string& original) {
  const auto summary = parse_message(original);
  ContentMeter whole, header;
  whole.feed(original);
  header.feed(std::string_view(original).substr(0, summary.header_size));
  DsnMessage m;
  m.reverse_path = "Alice@example.org";
  m.arrival = at(0);
  m.size = summary.size;
  m.header_size = summary.header_size;
  m.content = whole.result();
  m.header_content = header.result();
  m.message_id = summary.envelope().message_id;
  m.subject = summary.envelope().subject;
  return m;
}

DsnContext context() {
  DsnContext c;
  c.reporting_mta = "mx.example.org";
  c.from = "postmaster@example.org";
  c.unique = "0123456789abcdefXYZ";
  c.now = at(3600);
  return c;
}

DsnRecipient failure() {
  DsnRecipient r;
  r.final_recipient = "Carol@ivory.example";
  r.original_type = "rfc822";
  r.original_recipient = "Carol@Ivory.example";
  r.status = "5.1.1";
  r.remote_mta = "mail.ivory.example";
  r.remote_address = "192.0.2.25";
  r.is_smtp_reply = true;
  r.diagnostic = "550-5.1.1 mailbox unavailable\n550 5.1.1 no such recipient";
  r.last_attempt = at(60);
  return r;
}

std::string whole(const Dsn& dsn, const std::string& original) {
  std::string middle = original.substr(0, dsn.returned_bytes);
  if (dsn.encode) {
    TransferEncoder encoder(TransferEncoder::Encoding::quoted_printable);
    std::string encoded;
    encoder.feed(middle, encoded);
    encoder.finish(encoded);
    middle = encoded;
  }
  return dsn.head + middle + dsn.tail;
}

// The message, and its parts decoded.
struct Read {
  explicit Read(std::string bytes) : text(std::move(bytes)), summary(parse_message(text)) {
    for (PartIndex i = 0; i < summary.parts.size(); ++i)
      if (summary.parts[i].parent == 0) {
        types.push_back(summary.parts[i].type + "/" + summary.parts[i].subtype);
        bodies.push_back(decoded_body(summary.parts[i], text));
      }
  }
  std::string field(std::string_view name) const {
    const auto found = HeaderView(std::string_view(text).substr(0, summary.header_size)).find(name);
    return found ? unfold(found->value) : "none";
  }
  bool is_sound(const Dsn& dsn) const {
    ContentMeter meter;
    meter.feed(text);
    return summary.flags == (dsn.smtp_utf8 ? Summary::kHas8Bit : 0) && meter.result().content <= dsn.content && meter.result().longest_line <= 998;
  }
  std::string text;
  Summary summary;
  std::vector<std::string> types, bodies;
};

using Strings = std::vector<std::string>;

TEST(Dsn, AFailure) {
  auto m = message_of(kOriginal);
  m.envelope_id = "QQ314159";
  m.received_from = "client.example.org";
  m.received_from_address = "192.0.2.7";
  m.queue_id = "17.3";
  const auto dsn = compose_dsn(context(), m, std::vector{failure()});
  EXPECT_EQ(dsn.recipient, "Alice@example.org");
  EXPECT_EQ(dsn.returned, Returned::whole);
  EXPECT_TRUE(!dsn.smtp_utf8 && !dsn.encode && dsn.content == Content::seven_bit);
  const Read read(whole(dsn, kOriginal));
  EXPECT_TRUE(read.is_sound(dsn));
  EXPECT_EQ(read.field("From"), "Mail Delivery System <postmaster@example.org>");
  EXPECT_EQ(read.field("To"), "<Alice@example.org>");
  EXPECT_EQ(read.field("Subject"), "Undeliverable: QQ");
  EXPECT_EQ(read.field("Date"), "Wed, 15 Nov 2023 00:13:20 +0100");
  EXPECT_EQ(read.field("Message-ID"), "<0123456789abcdefXYZ@mx.example.org>");
  EXPECT_EQ(read.field("In-Reply-To"), "<1@example.org>");
  EXPECT_EQ(read.field("References"), "<1@example.org>");
  EXPECT_EQ(read.field("Auto-Submitted"), "auto-replied");
  EXPECT_EQ(*find_param(read.summary.root().params, "report-type"), "delivery-status");
  EXPECT_EQ(read.types, (Strings{"text/plain", "message/delivery-status", "message/rfc822"}));
  EXPECT_EQ(read.bodies[1],
            "Original-Envelope-Id: QQ314159\r\nReporting-MTA: dns; mx.example.org\r\nReceived-From-MTA: dns; client.example.org (192.0.2.7)\r\n"
            "Arrival-Date: Tue, 14 Nov 2023 23:13:20 +0100\r\nX-Posthorn-Queue-Id: 17.3\r\n\r\n"
            "Original-Recipient: rfc822; Carol@Ivory.example\r\nFinal-Recipient: rfc822; Carol@ivory.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
            "Remote-MTA: dns; mail.ivory.example\r\nDiagnostic-Code: smtp; 550-5.1.1 mailbox unavailable\r\n 550 5.1.1 no such recipient\r\n"
            "Last-Attempt-Date: Tue, 14 Nov 2023 23:14:20 +0100\r\n");
  EXPECT_EQ(read.bodies[2], kOriginal);
  EXPECT_EQ(read.bodies[0],
            "This is the mail server mx.example.org.\r\n\r\nIt is about your message:\r\n\r\n    Subject: QQ\r\n"
            "    Received here: Tue, 14 Nov 2023 23:13:20 +0100\r\n    Your reference: QQ314159\r\n\r\n"
            "It could NOT be delivered to:\r\n\r\n<Carol@ivory.example>\r\n"
            "    The address does not exist there. Please check how it is written, or ask\r\n    the recipient for the right one.\r\n"
            "    The server mail.ivory.example [192.0.2.25] answered:\r\n"
            "        550-5.1.1 mailbox unavailable\r\n        550 5.1.1 no such recipient\r\n\r\n"
            "It will not be tried again. Please send the message again if it is still\r\nneeded, once the reason is gone.\r\n\r\n"
            "The message is attached.\r\n");
}

TEST(Dsn, ADelayAsksForNothing) {
  auto r = failure();
  r.action = DsnAction::delayed;
  r.status = "4.4.1";
  r.will_retry_until = at(5 * 86400);
  r.is_smtp_reply = false;
  r.diagnostic = "connection timed out";
  const auto dsn = compose_dsn(context(), message_of(kOriginal), std::vector{r});
  const Read read(whole(dsn, kOriginal));
  EXPECT_EQ(read.field("Subject"), "Delayed: QQ");
  EXPECT_EQ(dsn.returned, Returned::headers);
  EXPECT_EQ(read.types[2], "text/rfc822-headers");
  EXPECT_NE(read.bodies[0].find("YOU NEED NOT DO ANYTHING"), std::string::npos);
  EXPECT_NE(read.bodies[0].find("until Sun, 19 Nov 2023 23:13:20 +0100"), std::string::npos) << read.bodies[0];
  EXPECT_NE(read.bodies[0].find("    Reason:\r\n        connection timed out\r\n"), std::string::npos) << read.bodies[0];
  EXPECT_NE(read.bodies[1].find("Action: delayed\r\nStatus: 4.4.1\r\n"), std::string::npos);
  EXPECT_NE(read.bodies[1].find("Diagnostic-Code: x-posthorn; connection timed out\r\n"), std::string::npos);
  EXPECT_NE(read.bodies[1].find("Will-Retry-Until: Sun, 19 Nov 2023 23:13:20 +0100\r\n"), std::string::npos);
}

TEST(Dsn, SuccessIsReportedWithTheHeaderOnly) {
  // [RFC3461 10.6] [RFC3461 10.8]
  auto m = message_of(kOriginal);
  m.ret = Ret::full;
  for (const auto& [action, subject] : {std::pair{DsnAction::delivered, "Delivered: QQ"}, {DsnAction::relayed, "Passed on: QQ"}, {DsnAction::expanded, "Delivered: QQ"}}) {
    DsnRecipient r;
    r.final_recipient = "bob@example.com";
    r.action = action;
    r.will_retry_until = at(0);  // [RFC3464 2.3.9] not in others than delayed
    const auto dsn = compose_dsn(context(), m, std::vector{r});
    const Read read(whole(dsn, kOriginal));
    EXPECT_EQ(read.field("Subject"), subject);
    EXPECT_EQ(read.bodies[1].substr(read.bodies[1].find("Final")),
              "Final-Recipient: rfc822; bob@example.com\r\nAction: " + std::string(to_string(action)) + "\r\nStatus: 2.0.0\r\n");
    EXPECT_EQ(read.types[2], "text/rfc822-headers");
    EXPECT_EQ(read.bodies[2], kOriginal.substr(0, kOriginal.find("Hello")));
  }
}

TEST(Dsn, SeveralRecipientsWithDifferentOutcomes) {
  std::vector<DsnRecipient> recipients(300, failure());
  recipients[1].action = DsnAction::delayed;
  recipients[1].final_recipient = "dana@ivory.example";
  recipients[1].status = "4.2.2";
  const auto dsn = compose_dsn(context(), message_of(kOriginal), recipients);
  const Read read(whole(dsn, kOriginal));
  EXPECT_EQ(read.field("Subject"), "Undeliverable: QQ");
  std::size_t groups = 0;
  for (auto i = read.bodies[1].find("\r\n\r\n"); i != std::string::npos; i = read.bodies[1].find("\r\n\r\n", i + 2)) ++groups;
  EXPECT_EQ(groups, 300u);
  EXPECT_NE(read.bodies[0].find("... and 199 more, see the attached report."), std::string::npos);
  EXPECT_TRUE(read.is_sound(dsn));
}

TEST(Dsn, ToThePostmaster) {
  auto c = context();
  c.audience = Audience::postmaster;
  auto m = message_of(kOriginal);
  m.reverse_path.clear();
  const auto dsn = compose_dsn(c, m, std::vector{failure()});
  EXPECT_EQ(dsn.recipient, "postmaster@example.org");
  const Read read(whole(dsn, kOriginal));
  EXPECT_EQ(read.field("To"), "<postmaster@example.org>");
  EXPECT_NE(read.bodies[0].find("without a return address"), std::string::npos);
  EXPECT_EQ(read.bodies[0].find("our message"), std::string::npos) << read.bodies[0];
}

TEST(Dsn, InGerman) {
  auto c = context();
  c.language = Language::german;
  const auto dsn = compose_dsn(c, message_of(kOriginal), std::vector{failure()});
  const Read read(whole(dsn, kOriginal));
  EXPECT_EQ(read.field("Subject"), "Unzustellbar: QQ");
  EXPECT_EQ(dsn.content, Content::seven_bit);
  EXPECT_TRUE(read.is_sound(dsn));
  EXPECT_NE(read.bodies[0].find("Bitte prüfen Sie die Schreibweise"), std::string::npos);
}

TEST(Dsn, TextOfStrangersStaysText) {
  auto m = message_of("Subject: =?utf-8?q?a=0D=0ABcc:_b?= \xE4\r\nMessage-ID: <a\r\n b>\r\n\r\nx\r\n");
  m.envelope_id = "e\r\nAction: delivered";
  m.received_from = "helo (\r\n\r\n--=_0123456789abcdefXYZ";
  DsnRecipient r = failure();
  r.final_recipient = "\"a\r\n b\"@example.com";
  r.original_type = "rfc822\r\nX: y";
  r.original_recipient = "o\x01r\x7F@x\r\n\r\nFinal-Recipient: rfc822; victim@example.com";
  r.status = "2.0.0 ok";
  r.remote_mta = "mta\nX-Evil: 1";
  r.diagnostic = "550-a\r\n\r\n.\r\n--=_0123456789abcdefXYZ\r\n550 \xFF\xC3\xA4\xE2\x80\xAE" + std::string(5000, 'z');
  r.final_log_id = "log\r\nid";
  const auto dsn = compose_dsn(context(), m, std::vector{r});
  const Read read(dsn.head + dsn.tail);
  EXPECT_TRUE(read.is_sound(dsn));
  EXPECT_EQ(read.types, (Strings{"text/plain", "message/delivery-status", "message/rfc822"}));
  EXPECT_EQ(read.field("Bcc"), "none");
  EXPECT_EQ(read.field("In-Reply-To"), "none");
  std::size_t finals = 0;
  for (const auto& field : HeaderView(read.bodies[1].substr(read.bodies[1].find("\r\n\r\n") + 4))) {
    finals += field.name == "Final-Recipient";
    EXPECT_NE(field.name, "X-Evil");
    if (field.name == "Original-Recipient") EXPECT_EQ(field.value, " unknown; o r @x    Final-Recipient: rfc822; victim@example.com");
    if (field.name == "Status") EXPECT_EQ(field.value, " 5.0.0");
    if (field.name == "Remote-MTA") EXPECT_EQ(field.value, " dns; mta?X-Evil:?1");
    if (field.name == "Diagnostic-Code") EXPECT_NE(field.value.find("\\x{FFFD}\\x{E4} zzz"), field.value.npos) << field.value;
  }
  EXPECT_EQ(finals, 1u);
}

TEST(Dsn, WhatIsNoStatus) {
  for (const auto* status : {"", "5", "5.1", "5.1.", "3.1.1", "5.01.1", "5.1.1000", "5.1.1 ", "5.1.1.1", "a.b.c"}) {
    auto r = failure();
    r.status = status;
    EXPECT_NE(compose_dsn(context(), message_of(kOriginal), std::vector{r}).head.find("\r\nStatus: 5.0.0\r\n"), std::string::npos) << status;
  }
}

TEST(Dsn, EightBitComesBackAsItIs) {
  const std::string original = "Subject: x\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xC3\xA4\r\n";
  const auto dsn = compose_dsn(context(), message_of(original), std::vector{failure()});
  EXPECT_EQ(dsn.content, Content::eight_bit);
  const Read read(whole(dsn, original));
  EXPECT_EQ(read.field("Content-Transfer-Encoding"), "8bit");
  EXPECT_EQ(read.bodies[2], original);
  EXPECT_EQ(plan_for(read.text, {.content = Content::seven_bit}).fit, Fit::convert);
  // A header that is not ASCII, without its body.
  auto m = message_of("Subject: \xE4\r\n\r\nx\r\n");
  m.ret = Ret::headers;
  const auto headers = compose_dsn(context(), m, std::vector{failure()});
  EXPECT_TRUE(headers.encode && headers.content == Content::seven_bit);
  EXPECT_EQ(Read(whole(headers, "Subject: \xE4\r\n\r\nx\r\n")).bodies[2], "Subject: \xE4\r\n\r\n");
}

TEST(Dsn, InternationalMailToASenderWhoCannotTakeIt) {
  // [RFC6533 4.5]
  const std::string original = "Subject: \xC3\xA4\r\n\r\n\xC3\xB6\r\n";
  auto m = message_of(original);
  m.smtp_utf8 = true;
  auto r = failure();
  r.final_recipient = "d\xC3\xB6r+te@b\xC3\xBC.example";
  r.original_type = "utf-8";
  r.original_recipient = "d\xC3\xB6r+te@b\xC3\xBC.example";
  r.diagnostic = "550 5.1.1 <d\xC3\xB6rte> \xE4";
  const auto dsn = compose_dsn(context(), m, std::vector{r});
  EXPECT_TRUE(!dsn.smtp_utf8 && dsn.encode && dsn.content == Content::seven_bit);
  const Read read(whole(dsn, original));
  EXPECT_TRUE(read.is_sound(dsn));
  EXPECT_EQ(decode_encoded_words(read.field("Subject")), "Undeliverable: \xC3\xA4");
  EXPECT_EQ(read.types, (Strings{"text/plain", "message/delivery-status", "message/global"}));
  EXPECT_NE(read.bodies[1].find("Original-Recipient: utf-8; d\\x{F6}r\\x{2B}te@b\\x{FC}.example\r\n"
                                "Final-Recipient: utf-8; d\\x{F6}r\\x{2B}te@b\\x{FC}.example\r\n"),
            std::string::npos) << read.bodies[1];
  EXPECT_NE(read.bodies[1].find("smtp; 550 5.1.1 <d\\x{F6}rte> \\x{FFFD}\r\n"), std::string::npos) << read.bodies[1];
  EXPECT_NE(read.bodies[0].find("<d\xC3\xB6r+te@b\xC3\xBC.example>"), std::string::npos);
  EXPECT_EQ(read.bodies[2], original);
  // What came in that form stays.
  r.original_recipient = "d\\x{F6}r\\x{2B}te@x";
  EXPECT_NE(compose_dsn(context(), m, std::vector{r}).head.find("Original-Recipient: utf-8; d\\x{F6}r\\x{2B}te@x\r\n"), std::string::npos);
  m.ret = Ret::headers;
  EXPECT_EQ(Read(whole(compose_dsn(context(), m, std::vector{r}), original)).types[2], "message/global-headers");
}

TEST(Dsn, InternationalMailToASenderWhoIsInternational) {
  const std::string original = "Subject: \xC3\xA4\r\n\r\n\xC3\xB6\r\n";
  auto m = message_of(original);
  m.smtp_utf8 = true;
  m.reverse_path = "\xC3\xA4lice@example.org";
  auto r = failure();
  r.final_recipient = "d\xC3\xB6rte@b.example";
  const auto dsn = compose_dsn(context(), m, std::vector{r});
  EXPECT_TRUE(dsn.smtp_utf8 && !dsn.encode && dsn.content == Content::eight_bit);
  const Read read(whole(dsn, original));
  EXPECT_TRUE(read.is_sound(dsn));
  EXPECT_EQ(read.field("To"), "<\xC3\xA4lice@example.org>");
  EXPECT_EQ(read.types, (Strings{"text/plain", "message/global-delivery-status", "message/global"}));
  EXPECT_NE(read.bodies[1].find("Final-Recipient: utf-8; d\xC3\xB6rte@b.example\r\n"), std::string::npos);
  m.ret = Ret::headers;
  EXPECT_EQ(Read(whole(compose_dsn(context(), m, std::vector{r}), original)).types[2], "message/global-headers");
  // [RFC6533 4.4] Nothing but ASCII: the types that everybody knows.
  auto plain = message_of(kOriginal);
  plain.reverse_path = m.reverse_path;
  const auto plain_dsn = compose_dsn(context(), plain, std::vector{failure()});
  const Read plain_read(whole(plain_dsn, kOriginal));
  EXPECT_TRUE(plain_read.is_sound(plain_dsn));
  EXPECT_EQ(plain_read.types, (Strings{"text/plain", "message/delivery-status", "message/rfc822"}));
}

TEST(Dsn, LargeAndBinaryOriginals) {
  auto c = context();
  c.return_limit = 10;
  const auto large = compose_dsn(c, message_of(kOriginal), std::vector{failure()});
  EXPECT_EQ(large.returned, Returned::headers);
  EXPECT_NE(large.head.find("for it is a large one"), std::string::npos);
  const auto binary = compose_dsn(context(), message_of(kOriginal + "\n"), std::vector{failure()});
  EXPECT_EQ(binary.returned, Returned::headers);
  EXPECT_NE(binary.head.find("content is binary"), std::string::npos);
  auto m = message_of("X: " + std::string(400'000, 'x') + "\r\n\r\n");
  m.ret = Ret::headers;
  const auto header = compose_dsn(context(), m, std::vector{failure()});
  EXPECT_EQ(header.returned_bytes, kMaxReturnedHeader);
  EXPECT_TRUE(header.encode) << "its lines are too long";
}

}  // namespace
}  // namespace posthorn::message
