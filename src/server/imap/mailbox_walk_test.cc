#include "server/imap/mailbox_walk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

namespace posthorn::imap {
namespace {

MailboxTree tree_of(const std::vector<std::string>& names) {
  std::vector<store::MailboxStatePtr> states;
  for (const auto& name : names) {
    auto state = std::make_shared<store::MailboxState>();
    state->name = name;
    states.push_back(std::move(state));
  }
  return MailboxTree(nullptr, "P/", std::move(states));
}

struct Met {
  std::vector<std::string> matching;  // with + behind when they have children
  std::size_t steps = 0;
};

Met walk(const MailboxTree& tree, const std::vector<std::string>& given) {
  const auto patterns = MailboxPatterns::make("P/", given).value();
  MailboxWalk walk(tree, patterns);
  Met met;
  for (MailboxWalk::Step step; walk.next(step); ++met.steps)
    if (step.matches) met.matching.push_back(step.name + (step.has_children ? "+" : ""));
  return met;
}

TEST(MailboxWalk, ChildrenWithNamesBetween) {
  const auto tree = tree_of({"a/b", "a", "a-b", "a0", "b/c/d", "INBOX", "INBOX/x"});
  using Names = std::vector<std::string>;
  EXPECT_EQ(walk(tree, {"%"}).matching, (Names{"P/INBOX+", "P/a+", "P/a-b", "P/a0"}));
  EXPECT_EQ(walk(tree, {"*"}).matching, (Names{"P/INBOX+", "P/INBOX/x", "P/a+", "P/a-b", "P/a/b", "P/a0", "P/b/c/d"}));
  EXPECT_EQ(walk(tree, {"a%", "*d"}).matching, (Names{"P/a+", "P/a-b", "P/a0", "P/b/c/d"}));
}

TEST(MailboxWalk, SkipsWhatCannotMatch) {
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) {
    const auto top = "top" + std::to_string(i);
    names.push_back(top);
    for (int k = 0; k < 100; ++k) names.push_back(top + "/sub" + std::to_string(k));
  }
  const auto tree = tree_of(names);
  const auto top = walk(tree, {"%"});
  EXPECT_EQ(top.matching.size(), 100u);
  EXPECT_LE(top.steps, 201u);
  const auto one = walk(tree, {"top7/sub99%"});
  EXPECT_EQ(one.matching.size(), 1u);
  EXPECT_LE(one.steps, 60u);
  EXPECT_EQ(walk(tree, {"nothing*"}).matching.size(), 0u);
}

TEST(MailboxWalk, FindsWhatAPlainLoopFinds) {
  std::mt19937 random(7);
  const auto pick = [&](std::string_view alphabet, std::size_t longest) {
    std::string out;
    for (auto n = random() % (longest + 1); n > 0; --n) out += alphabet[random() % alphabet.size()];
    return out;
  };
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> names;
    for (int i = 0; i < 12; ++i) {
      const auto name = store::normal_mailbox_name(pick("ab-/", 6));
      if (name && std::ranges::find(names, *name) == names.end()) names.push_back(*name);
    }
    names.push_back("INBOX");
    std::ranges::sort(names);
    std::vector<std::string> patterns;
    for (auto n = random() % 3 + 1; n > 0; --n) patterns.push_back(pick("ab-/*%", 5));
    std::vector<std::string> expected;
    for (const auto& name : names) {
      const auto matches = [&](const std::string& p) { return !p.empty() && matches_mailbox_pattern("P/" + name, "P/" + p); };
      if (std::ranges::none_of(patterns, matches)) continue;
      const bool parent = std::ranges::any_of(names, [&](const std::string& other) { return other.starts_with(name + "/"); });
      expected.push_back("P/" + name + (parent ? "+" : ""));
    }
    ASSERT_EQ(walk(tree_of(names), patterns).matching, expected) << testing::PrintToString(patterns) << testing::PrintToString(names);
  }
}

}  // namespace
}  // namespace posthorn::imap
