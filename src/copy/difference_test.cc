#include "copy/difference.h"

#include <gtest/gtest.h>

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
std::vector<MessageInfo> uids(std::initializer_list<std::uint32_t> numbers) {
  std::vector<MessageInfo> out;
  for (auto n : numbers) out.push_back({.uid = n});
  return out;
}
std::string text(const Difference& d) {
  std::string out = "missing";
  for (auto s : d.missing) out += ' ' + std::to_string(s);
  out += "; same";
  for (auto [s, t] : d.same) out += ' ' + std::to_string(s) + '=' + std::to_string(t);
  out += "; gone";
  for (auto s : d.gone) out += ' ' + std::to_string(s);
  return out;
}

TEST(Difference, ByFields) {
  const struct {
    const char *source, *target, *expected;
  } kCases[] = {
      {"", "", "missing; same; gone"},
      {"a1 b2", "", "missing 0 1; same; gone"},
      {"a1 b2", "b2 a1", "missing; same 0=1 1=0; gone"},
      {"a1 a1 a1", "a1", "missing 1 2; same 0=0; gone"},                 // copies are counted
      {"a1", "a1 a1", "missing; same 0=0; gone"},
      {"a1 a2", "a2", "missing 0; same 1=0; gone"},                      // the size decides first
      {"a1", "a3", "missing; same 0=0; gone"},                           // another way of counting octets is no other message
      {"a1 a2", "a3 a2", "missing; same 0=0 1=1; gone"},
      {"a1@5", "a3@5", "missing; same 0=0; gone"},
      {"a1@5", "a3@6", "missing 0; same; gone"},                         // a draft that was saved again
      {"-1 -1", "-1", "missing 0 1; same; gone"},                        // nothing is known of them
  };
  for (const auto& c : kCases) EXPECT_EQ(text(difference_by_fields(folder(c.source), folder(c.target))), c.expected) << c.source << " | " << c.target;
}

TEST(Difference, ByUid) {
  EXPECT_EQ(text(difference_by_uid(uids({3, 7, 9}), uids({}), 0)), "missing 0 1 2; same; gone");
  EXPECT_EQ(text(difference_by_uid(uids({3, 7, 9}), uids({3, 8}), 9)), "missing 2; same 0=0; gone 1");
  EXPECT_EQ(text(difference_by_uid(uids({3}), uids({1, 2, 3, 4}), 5)), "missing; same 0=2; gone");
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
