#include "message/summary.h"

#include <gtest/gtest.h>

#include "message/parse_checks.h"

namespace posthorn::message {
namespace {

using Numbers = std::vector<std::uint32_t>;

// The example of [RFC3501 6.4.5], each part with its number as its body:
//   HEADER, 1 text/plain, 2 octet-stream, 3 message/rfc822 (3.1 text/plain, 3.2 octet-stream),
//   4 multipart/mixed (4.1 image/gif, 4.2 message/rfc822 (4.2.1 text/plain, 4.2.2 multipart/alternative
//   (4.2.2.1, 4.2.2.2)))
const std::string kExample =
    "Content-Type: multipart/mixed; boundary=A\r\n\r\n"
    "--A\r\nContent-Type: text/plain\r\n\r\n1\r\n"
    "--A\r\nContent-Type: application/octet-stream\r\n\r\n2\r\n"
    "--A\r\nContent-Type: message/rfc822\r\n\r\n"
    "Subject: three\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n"
    "--B\r\n\r\n3.1\r\n--B\r\nContent-Type: application/octet-stream\r\n\r\n3.2\r\n--B--\r\n"
    "--A\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\n"
    "--C\r\nContent-Type: image/gif\r\n\r\n4.1\r\n"
    "--C\r\nContent-Type: message/rfc822\r\n\r\n"
    "Subject: four\r\nContent-Type: multipart/mixed; boundary=D\r\n\r\n"
    "--D\r\n\r\n4.2.1\r\n--D\r\nContent-Type: multipart/alternative; boundary=E\r\n\r\n"
    "--E\r\n\r\n4.2.2.1\r\n--E\r\nContent-Type: "
    "text/richtext\r\n\r\n4.2.2.2\r\n--E--\r\n--D--\r\n--C--\r\n--A--\r\n";

std::string section_bytes(const std::string& message, const Numbers& numbers, Section section) {
  const Summary s = parse_message(message);
  const auto range = find_section(s, numbers, section);
  return range ? message.substr(range->offset, range->size) : "(none)";
}

TEST(Sections, ExampleOfTheStandard) {
  for (const Numbers& n : {Numbers{1}, {2}, {3, 1}, {3, 2}, {4, 1}, {4, 2, 1}, {4, 2, 2, 1}, {4, 2, 2, 2}}) {
    std::string name;
    for (const auto i : n) name += (name.empty() ? "" : ".") + std::to_string(i);
    EXPECT_EQ(section_bytes(kExample, n, Section::whole), name);
    EXPECT_EQ(section_bytes(kExample, n, Section::header), "(none)");
    EXPECT_EQ(section_bytes(kExample, n, Section::text), "(none)");
  }
  EXPECT_EQ(section_bytes(kExample, {}, Section::whole), kExample);
  EXPECT_EQ(section_bytes(kExample, {}, Section::header),
            "Content-Type: multipart/mixed; boundary=A\r\n\r\n");
  EXPECT_EQ(section_bytes(kExample, {3}, Section::header),
            "Subject: three\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n");
  EXPECT_EQ(section_bytes(kExample, {3}, Section::mime), "Content-Type: message/rfc822\r\n\r\n");
  EXPECT_TRUE(section_bytes(kExample, {3}, Section::whole).starts_with("Subject: three\r\n"));
  EXPECT_TRUE(section_bytes(kExample, {3}, Section::text).starts_with("--B\r\n"));
  EXPECT_EQ(section_bytes(kExample, {4, 2}, Section::header),
            "Subject: four\r\nContent-Type: multipart/mixed; boundary=D\r\n\r\n");
  EXPECT_EQ(section_bytes(kExample, {4, 2, 2}, Section::mime),
            "Content-Type: multipart/alternative; boundary=E\r\n\r\n");
  for (const Numbers& none : {Numbers{0}, {5}, {1, 1}, {3, 3}, {4, 0}, {3, 1, 1}, {4, 2, 2, 3}})
    EXPECT_EQ(section_bytes(kExample, none, Section::whole), "(none)");
  EXPECT_EQ(section_bytes(kExample, {}, Section::mime), "(none)");
}

TEST(Sections, WithoutMultiparts) {
  const std::string plain = "Subject: x\r\n\r\nbody";
  EXPECT_EQ(section_bytes(plain, {1}, Section::whole), "body");
  EXPECT_EQ(section_bytes(plain, {}, Section::text), "body");
  EXPECT_EQ(section_bytes(plain, {1}, Section::mime), "Subject: x\r\n\r\n");
  EXPECT_EQ(section_bytes(plain, {2}, Section::whole), "(none)");
  EXPECT_EQ(section_bytes(plain, {1, 1}, Section::whole), "(none)");
  const std::string embedded = "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody";
  EXPECT_EQ(section_bytes(embedded, {1}, Section::whole), "Subject: in\r\n\r\nbody");
  EXPECT_EQ(section_bytes(embedded, {1}, Section::header), "Subject: in\r\n\r\n");
  EXPECT_EQ(section_bytes(embedded, {1, 1}, Section::whole), "body");
  EXPECT_EQ(section_bytes(embedded, {1, 2}, Section::whole), "(none)");
}

TEST(SummaryCodec, RoundTrips) {
  Summary s = parse_message(kExample);
  check_tree(s);
  check_round_trip(s);
  s.references = "";
  s.sent = text::DateTime{std::chrono::sys_seconds(std::chrono::seconds(-12345)), -330};
  check_round_trip(s);
}

TEST(SummaryCodec, IsSmall) {
  std::string m =
      "Return-Path: <some.sender@example.org>\r\nReceived: from a.example.org (a.example.org [192.0.2.1]) by "
      "b.example.org\r\n"
      "Date: Fri, 21 Nov 1997 09:55:06 -0600\r\nFrom: \"Some Sender\" <some.sender@example.org>\r\nTo: Some "
      "Receiver <some.receiver@example.net>\r\n"
      "Cc: Another <another@example.net>\r\nSubject: Re: the minutes of the meeting of last Thursday\r\n"
      "Message-ID: <20021122095506.ABCDEF0123456789@mail.example.org>\r\nIn-Reply-To: "
      "<20021121095506.ABCDEF0123456789@mail.example.net>\r\n"
      "References: <20021120095506.ABCDEF0123456789@mail.example.net> "
      "<20021121095506.ABCDEF0123456789@mail.example.net>\r\n"
      "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
      "8bit\r\n\r\n";
  for (int i = 0; i < 130; ++i)
    m += "A line of text as people write them, with about seventy-five bytes in it\r\n";
  EXPECT_LT(encode(parse_message(m)).size(), 600U);
}

TEST(SummaryCodec, DamageIsFound) {
  const std::string good = encode(parse_message(kExample));
  for (std::size_t n = 0; n < good.size(); ++n)
    EXPECT_FALSE(decode_summary(std::string_view(good).substr(0, n))) << "cut at " << n;
  EXPECT_FALSE(decode_summary(good + '\0'));
  // No flipped bit may crash, and what is still accepted is a sound tree.
  for (std::size_t i = 0; i < good.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      const auto s = decode_summary(bad);
      if (s) {
        check_tree(*s);
      } else {
        EXPECT_EQ(s.error().code, Errc::corrupt);
      }
    }
}

}  // namespace
}  // namespace posthorn::message
