#include "copy/difference.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace posthorn::copy {
namespace {

// "a10 b20@7": fields a, size 10, no date; fields b, size 20, date 7 ...; "-": no fields.  UIDs count from 1.
std::vector<MessageInfo> folder(std::string_view text) {
  std::vector<MessageInfo> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(' ', at), text.size());
    MessageInfo info;
    info.uid = static_cast<std::uint32_t>(out.size() + 1);
    if (text[at] != '-') info.fields = text.substr(at, 1);
    const auto date = text.substr(at, end - at).find('@');
    if (date != text.npos) info.date = text::DateTime{std::chrono::sys_seconds(std::chrono::seconds(std::stoi(std::string(text.substr(at + date + 1, end - at - date - 1))))), 0};
    info.size = static_cast<std::uint64_t>(std::stoi(std::string(text.substr(at + 1, end - at - 1))));
    out.push_back(std::move(info));
    at = end + 1;
  }
  return out;
}
std::string text(const Difference& d) {
  std::string out = "missing";
  for (auto s : d.missing()) out += ' ' + std::to_string(s);
  out += "; same";
  auto same = d.same();
  std::ranges::sort(same);
  for (auto [s, t] : same) out += ' ' + std::to_string(s) + '=' + std::to_string(t);
  return out;
}

TEST(Difference, ByFields) {
  const struct {
    const char *source, *target, *expected;
  } kCases[] = {
      {"", "", "missing; same"},
      {"a1 b2", "", "missing 0 1; same"},
      {"a1 b2", "b2 a1", "missing; same 0=1 1=0"},
      {"a1 a1 a1", "a1", "missing 1 2; same 0=0"},            // copies are counted
      {"a1", "a1 a1", "missing; same 0=0"},
      {"a1 a2", "a2", "missing 0; same 1=0"},
      {"a1@5", "a3@5", "missing; same 0=0"},                  // another way of counting octets is no other message
      {"a1@5", "a3@6", "missing 0; same"},                    // a draft that was saved again
      {"a1", "a3", "missing 0; same"},                        // without a date the octets have to tell
      {"-1 -1", "-1", "missing 0 1; same"},                   // nothing is known of them
  };
  for (const auto& c : kCases) {
    Difference d(folder(c.source), folder(c.target));
    d.pair_by_fields();
    EXPECT_EQ(text(d), c.expected) << c.source << " | " << c.target;
  }
}

TEST(Difference, WhereSizesTellNothingOnlyOneOfAKindIsKnownByItsDate) {
  const struct {
    const char *source, *target, *expected;
  } kCases[] = {
      {"a1@5 b1@5", "b2@5 a3@5", "missing; same 0=1 1=0"},
      {"a1@5 a2@5", "a1@5", "missing 0 1; same"},  // which of two drafts of one second is it?
      {"a1@5", "a1@5 a2@5", "missing 0; same"},
      {"a1@5 a2@6", "a3@6", "missing 0; same 1=0"},
      {"a1", "a1", "missing 0; same"},
  };
  for (const auto& c : kCases) {
    Difference d(folder(c.source), folder(c.target));
    d.pair_by_fields(false);
    EXPECT_EQ(text(d), c.expected) << c.source << " | " << c.target;
  }
}

TEST(Difference, AUidAloneProvesNothing) {
  // The third one came to the target by itself, and got the UID that the source's third one has.
  Difference d(folder("a1@1 b2@2 c3@3"), folder("a1@1 b2@2 x9@7"));
  d.pair_by_uid();
  EXPECT_EQ(text(d), "missing 2; same 0=0 1=1");
  d.pair_by_fields();
  EXPECT_EQ(text(d), "missing 2; same 0=0 1=1");
}

TEST(Difference, WhatIsDoubtfulIsDecidedByItsOctets) {
  Difference d(folder("a1 a2 b1 -5"), folder("a7 c1"));
  d.pair_by_fields();
  EXPECT_EQ(d.doubtful().first, (std::vector<std::uint32_t>{1, 2}));
  EXPECT_EQ(d.doubtful().second, (std::vector<std::uint32_t>{1}));
  d.source()[0].fields = std::string(32, 'x');
  d.source()[1].fields = d.target()[0].fields = std::string(32, 'y');
  d.pair_by_octets();
  EXPECT_EQ(text(d), "missing 0 2 3; same 1=0");
}

TEST(Identity, IsThatOfTheHeaderHoweverItComes) {
  const auto whole = identity_of("Received: x\r\nFrom: a@b\r\nSubject: s0\r\nMessage-ID: <0@x>\r\nDate: Mon,\r\n 23 Nov 2026\r\n\r\nFrom: body\r\n");
  EXPECT_EQ(whole, identity_of("From: a@b\r\nSubject: s0\r\nMessage-ID: <0@x>\r\nDate: Mon,\r\n 23 Nov 2026\r\n\r\n"));  // as IMAP gives it
  EXPECT_EQ(whole, identity_of("Date:   Mon, 23 Nov 2026\r\nmessage-id:<0@x>\r\nfrom: a@b\r\nSubject: s0\r\n"));
  EXPECT_EQ(identity_of("To: x\r\nSubject:\r\n\r\nFrom: body\r\n"), "");
  EXPECT_NE(whole, identity_of("From: a@b\r\nSubject: s1\r\nMessage-ID: <0@x>\r\nDate: Mon, 23 Nov 2026\r\n\r\n"));
}

}  // namespace
}  // namespace posthorn::copy
