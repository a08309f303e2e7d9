#include "search/rows.h"

#include <gtest/gtest.h>

#include <random>

#include "message/header.h"
#include "message/parser.h"
#include "search/fields.h"
#include "message/message_ids.h"
#include "search/row_maker.h"
#include "text/casemap.h"

namespace posthorn::search {
namespace {

struct Parsed {
  explicit Parsed(const std::string& bytes) : encoded(message::encode(message::parse_message(bytes))) {}
  std::string row(Column column) const { return make_row(column, {.summary = encoded}).value(); }
  std::string encoded;
};

TEST(MessageIds, OneForm) {
  struct Case {
    std::string_view value;
    std::vector<std::string> ids;
  };
  const Case cases[] = {
      {"<a@b>", {"a@b"}},
      {"<a@b> <c@d>\r\n\t<e@f>", {"a@b", "c@d", "e@f"}},
      {"<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>", {"01KF8JCEOCBS0045PS@xxx.yyy.com"}},  // [RFC5256 3]
      {"<\"a>b\\\"c\"@d>", {"a>b\"c@d"}},
      {"Your message of Monday <a@b> (comment)", {"a@b"}},
      {"<never closed", {}},
      {"<lost <a@b>", {"a@b"}},
      {"<a @\r\n b>", {"a@b"}},
      {"<>", {}},
      {"", {}},
  };
  for (const auto& c : cases) EXPECT_EQ(message::message_ids(c.value), c.ids) << c.value;
}

TEST(Rows, Sent) {
  const auto sent = sent_of_row(Parsed("Date: Mon, 2 Nov 2026 10:00:00 +0130\r\n\r\n").row(Column::sent));
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->offset_minutes, 90);
  EXPECT_EQ(sent->time, std::chrono::sys_days(std::chrono::year(2026) / 11 / 2) + std::chrono::minutes(510));
  EXPECT_FALSE(sent_of_row(Parsed("Date: nonsense\r\n\r\n").row(Column::sent)));
  EXPECT_FALSE(sent_of_row("\x01"));
}

TEST(Rows, Subject) {
  const auto row = Parsed("Subject: Re: =?utf-8?q?Caf=C3=A9?=\r\n\r\n").row(Column::base_subject);
  EXPECT_EQ(subject_of_row(row).base, text::casemap("caf\u00e9"));
  EXPECT_TRUE(subject_of_row(row).is_reply_or_forward);
  EXPECT_FALSE(subject_of_row(Parsed("Subject: plain\r\n\r\n").row(Column::base_subject)).is_reply_or_forward);
  EXPECT_EQ(subject_of_row(Parsed("From: a@b\r\n\r\n").row(Column::base_subject)).base, "");
}

TEST(Rows, Addresses) {
  const auto row = Parsed("From: =?utf-8?q?J=C3=BCrgen?= <Jay@b.test>, other@b.test\r\nTo: list: one@b.test, two@b.test;\r\nCc: (c) three@b.test\r\n\r\n")
                       .row(Column::addresses);
  const auto got = addresses_of_row(row);
  EXPECT_EQ(got.from, "JAY");
  EXPECT_EQ(got.to, "LIST");  // a group: its name
  EXPECT_EQ(got.cc, "THREE");
  EXPECT_EQ(got.display_from, text::casemap("J\u00fcrgen"));  // [RFC5957 3]
  EXPECT_EQ(got.display_to, "LIST");
  EXPECT_EQ(addresses_of_row("").from, "");
}

TEST(Rows, References) {
  const auto row = [](const std::string& header) { return references_of_row(Parsed(header + "\r\n").row(Column::references)); };
  const auto a = row("Message-ID: <a@x>\r\n"), b = row("Message-ID: <b@x>\r\nReferences: <a@x>\r\nIn-Reply-To: <z@x>\r\n");
  EXPECT_TRUE(a.references.empty());
  ASSERT_EQ(b.references.size(), 1U);
  EXPECT_EQ(b.references[0], a.message_id);
  const auto c = row("Message-ID: none\r\nReferences: rubbish\r\nIn-Reply-To: <\"a\"@x> <b@x>\r\n");
  EXPECT_EQ(c.message_id, 0U);
  EXPECT_EQ(c.references, std::vector<std::uint64_t>{a.message_id});  // only the first of In-Reply-To
}

TEST(Fields, AreAsFromTheWholeHeader) {
  std::mt19937 random(9);
  static const std::string names[] = {"From", "SUBJECT", "date", "Received", "X-Nobody", "To ", "message-id", "no field", "References", "Subject"};
  for (int i = 0; i < 2000; ++i) {
    std::string header;
    for (auto n = random() % 8; n > 0; --n) {
      header += names[random() % std::size(names)] + ": value" + std::to_string(random() % 100);
      header += random() % 4 ? "" : "\r\n\tfolded: more";
      header += random() % 9 ? "\r\n" : "\n";
    }
    if (random() % 8) header += "\r\n";
    else if (random() % 2 && !header.empty()) header.pop_back();
    const auto row = fields_row(header);
    ASSERT_TRUE(row);
    for (const auto& wanted : std::vector<std::vector<std::string>>{{"From", "SUBJECT", "Date"}, {"message-id"}, {"to", "cc"}, {"References", "reply-to"}}) {
      ASSERT_TRUE(holds_fields(wanted));
      EXPECT_EQ(message::select_header_fields(*row, wanted, message::Select::listed),
                message::select_header_fields(header, wanted, message::Select::listed))
          << header;
    }
  }
  EXPECT_FALSE(holds_fields(std::vector<std::string>{"from", "Received"}));
  EXPECT_FALSE(fields_row("From: " + std::string(9000, 'x') + "\r\n\r\n"));
}

TEST(Fields, TextRows) {
  const std::string header = "Subject: =?utf-8?q?Caf=C3=A9?=\r\nsubject: two\r\nFrom: a (note)\r\nBcc:\r\n\r\nSubject: body\r\n";
  const std::string mark(1, kValueMark);
  EXPECT_EQ(text_row(header, Column::subject), mark + text::casemap("caf\u00e9") + mark + "TWO");
  EXPECT_EQ(text_row(header, Column::from), mark + "A (NOTE)");
  EXPECT_EQ(text_row(header, Column::bcc), mark);
  EXPECT_EQ(text_row(header, Column::cc), "");
  EXPECT_FALSE(text_row("To: " + std::string(40'000, 'x') + "\r\n\r\n", Column::to));
}

TEST(RowMaker, HeaderAtStart) {
  EXPECT_EQ(header_at_start("A: b\r\n\r\nbody", false), "A: b\r\n\r\n");
  EXPECT_EQ(header_at_start("A: b\n\nbody", false), "A: b\n\n");
  EXPECT_EQ(header_at_start("\r\nbody", false), "\r\n");
  EXPECT_EQ(header_at_start("A: b\r\n", true), "A: b\r\n");
  EXPECT_FALSE(header_at_start("A: b\r\n", false));
}

}  // namespace
}  // namespace posthorn::search
