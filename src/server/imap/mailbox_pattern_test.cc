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
