#include "server/imap/mailbox_pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace posthorn::imap {
namespace {

TEST(MailboxPattern, Table) {
  struct Case {
    const char* name;
    const char* pattern;
    bool matches;
  };
  const Case cases[] = {
      {"INBOX", "*", true},
      {"INBOX", "%", true},
      {"a/b", "*", true},
      {"a/b", "%", false},
      {"a/b", "%/%", true},
      {"a/b/c", "%/%", false},
      {"a/b/c", "a/*", true},
      {"a", "a/*", false},
      {"a", "a*", true},
      {"a/b", "a*", true},
      {"a/b", "a%", false},
      {"a/b/c", "a/%/c", true},
      {"a/x/y/c", "a/%/c", false},
      {"a/x/y/c", "a/*/c", true},
      {"a/x/y/c", "*c", true},
      {"a/x/y/c", "%/*/c", true},
      {"abcabd", "*abd", true},
      {"abcabd", "%abd", true},
      {"aab/c", "%ab/%", true},
      {"foo", "foo", true},
      {"foo", "Foo", false},  // [RFC3501 5.1] names are case-sensitive, but for INBOX
      {"INBOX", "inbox", true},
      {"INBOX", "InB*", true},
      {"INBOX/Sub", "inbox/%", true},
      {"INBOX/Sub", "inbox/sub", false},
      {"INBOXES", "inboxes", false},
      {"foo", "", false},
      {"", "", true},
      {"", "*", true},
      {"foo", "**%%*foo", true},
      {"foo", "%*%", true},
      {"a/b", "%*", true},
      {"a/b", "%%", false},
      {"\xC3\xA9t\xC3\xA9", "%t%", true},
  };
  for (const auto& c : cases) EXPECT_EQ(matches_mailbox_pattern(c.name, c.pattern), c.matches) << c.name << " " << c.pattern;
}

TEST(MailboxPatterns, SaysWhatToSkip) {
  constexpr auto kAlive = MailboxPatterns::Outcome::kAlive;
  struct Case {
    std::vector<std::string> patterns;
    const char* name;
    std::size_t dead;
  };
  const Case cases[] = {
      {{"%"}, "foo/bar", 4},             // nothing below foo
      {{"foo/%"}, "foo", kAlive},
      {{"foo/%"}, "fax", 2},
      {{"foo/%", "fax/%"}, "fat", 3},    // the one that lives longest
      {{"foo*", "bar"}, "fo", kAlive},
      {{"inbox"}, "INB", kAlive},        // INBOX may come, in whatever case it is asked for
      {{"inbox"}, "IO", kAlive},
      {{"INBOX"}, "IO", 2},
      {{"inbox/a"}, "INBOX/b", 7},
  };
  for (const auto& c : cases) EXPECT_EQ(MailboxPatterns("", c.patterns).match(c.name).dead, c.dead) << c.name << " " << c.patterns.front();
  EXPECT_TRUE(MailboxPatterns("", {"", "a%"}).matches("ab"));
  EXPECT_FALSE(MailboxPatterns("x/", {"", "a%"}).matches("x/"));
  EXPECT_TRUE(MailboxPatterns("", {""}).empty());
}

TEST(MailboxPattern, HostilePatternsEnd) {
  const std::string name(1000, 'a');
  std::string pattern;
  for (int i = 0; i < 500; ++i) pattern += "%a";
  EXPECT_FALSE(matches_mailbox_pattern(name, pattern + "b"));
  for (auto& c : pattern)
    if (c == '%') c = '*';
  EXPECT_FALSE(matches_mailbox_pattern(name, pattern + "b"));
  EXPECT_TRUE(matches_mailbox_pattern(name, pattern));
}

}  // namespace
}  // namespace posthorn::imap
