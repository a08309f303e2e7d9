#include "server/imap/mailbox_pattern.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace posthorn::imap {
namespace {

MailboxPatterns made(std::string_view reference, const std::vector<std::string>& patterns) {
  return MailboxPatterns::make(reference, patterns).value();
}

// By the book; without INBOX.
bool plainly_matches(std::string_view name, std::string_view pattern) {
  std::vector<std::vector<char>> matches(name.size() + 1, std::vector<char>(pattern.size() + 1));  // the first i of one, the first k of the other
  matches[0][0] = 1;
  for (std::size_t i = 0; i <= name.size(); ++i) {
    for (std::size_t k = 1; k <= pattern.size(); ++k) {
      const char p = pattern[k - 1];
      if (p != '*' && p != '%') matches[i][k] = i > 0 && name[i - 1] == p && matches[i - 1][k - 1];
      else matches[i][k] = matches[i][k - 1] || (i > 0 && (p == '*' || name[i - 1] != '/') && matches[i - 1][k]);
    }
  }
  return matches[name.size()][pattern.size()];
}

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
  for (const auto& c : cases) EXPECT_EQ(made("", c.patterns).match(c.name).dead, c.dead) << c.name << " " << c.patterns.front();
  EXPECT_TRUE(made("", {"", "a%"}).matches("ab"));
  EXPECT_FALSE(made("x/", {"", "a%"}).matches("x/"));
  EXPECT_TRUE(made("", {""}).empty());
}

TEST(MailboxPatterns, SaysWhichParentsMatch) {
  struct Case {
    std::vector<std::string> patterns;
    const char* name;
    std::vector<std::size_t> parents;
  };
  const Case cases[] = {
      {{"%"}, "foo/bar/baz", {3}},
      {{"*"}, "foo/bar/baz", {3, 7}},
      {{"%/%"}, "foo/bar/baz", {7}},
      {{"foo/b%"}, "foo/bar/baz/x", {7}},
      {{"foo", "*a"}, "foo/baa/x/aa", {3, 7}},
      {{"inbox"}, "INBOX/x", {5}},
      {{"*x"}, "foo/x", {}},
  };
  for (const auto& c : cases) {
    const auto patterns = made("", c.patterns);
    std::vector<std::size_t> parents;
    EXPECT_EQ(patterns.match(c.name, parents).matches, patterns.matches(c.name)) << c.name << " " << c.patterns.front();
    EXPECT_EQ(parents, c.parents) << c.name << " " << c.patterns.front();
    for (std::string_view name = c.name; const auto length : parents) EXPECT_TRUE(patterns.matches(name.substr(0, length)));
  }
}

// Hundreds of patterns, of all lengths, find what one after the other would.
TEST(MailboxPatterns, ManyAtOnce) {
  std::mt19937 random(3);
  const auto pick = [&](std::string_view alphabet, std::size_t longest) {
    std::string out;
    for (auto n = random() % (longest + 1); n > 0; --n) out += alphabet[random() % alphabet.size()];
    return out;
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> patterns;
    for (auto n = 1 + random() % 60; n > 0; --n) patterns.push_back(pick("abN/*%", 5) + pick("ab/*", 80) + pick("iIN%", 3));
    const auto all = made("", patterns);
    for (int i = 0; i < 20; ++i) {
      const auto name = pick("INBOX", 1) + pick("ab/", 60) + pick("IN", 2);
      const bool expected = std::ranges::any_of(patterns, [&](const auto& p) { return !p.empty() && plainly_matches(name, p); });
      ASSERT_EQ(all.matches(name), expected) << name << testing::PrintToString(patterns);
    }
  }
}

TEST(MailboxPatterns, AreBounded) {
  const auto limit = MailboxPatterns::kMaxBytes;
  EXPECT_TRUE(MailboxPatterns::make("", {std::string(limit, '*')}));
  EXPECT_EQ(MailboxPatterns::make("", {std::string(limit + 1, 'a')}).error().code, Errc::limit);
  // The reference counts for each.
  EXPECT_EQ(MailboxPatterns::make(std::string(1000, 'r'), std::vector<std::string>(9, "a")).error().code, Errc::limit);
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
