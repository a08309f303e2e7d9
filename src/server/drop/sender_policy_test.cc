// Users send as themselves, some as anybody.
#include "server/drop/sender_policy.h"

#include <gtest/gtest.h>

#include "text/ascii.h"

namespace posthorn::drop {
namespace {

TEST(SenderPolicy, Chooses) {
  const SenderRules rules{.origin = "example.test",
                          .is_ours = [](std::string_view d) { return text::iequals(d, "example.test") || d == "mail.example.test"; }};
  const LocalUser ann{.name = "ann"}, root{.name = "root", .trusted = true};
  const struct {
    LocalUser user;
    std::optional<std::string> asked_for;
    std::string gets;
    bool replaced;
  } cases[] = {
      {ann, {}, "ann@example.test", false},
      {ann, "", "", false},
      {ann, "ann", "ann@example.test", false},
      {ann, "Ann+lists@mail.example.test", "Ann+lists@mail.example.test", false},
      {ann, "ann@elsewhere.test", "ann@example.test", true},
      {ann, "boss@example.test", "ann@example.test", true},
      {ann, "annette", "ann@example.test", true},
      {ann, "not <an> address", "ann@example.test", true},
      {root, "boss@elsewhere.test", "boss@elsewhere.test", false},
      {root, "postmaster", "postmaster@example.test", false},
      {root, "a b", "root@example.test", true},
      {{.name = "odd name"}, {}, "\"odd name\"@example.test", false},
  };
  for (const auto& c : cases) {
    const auto chosen = choose_sender(c.user, c.asked_for, rules);
    EXPECT_EQ(chosen.reverse_path, c.gets) << c.user.name << ' ' << c.asked_for.value_or("-");
    EXPECT_EQ(chosen.replaced, c.replaced) << c.user.name << ' ' << c.asked_for.value_or("-");
  }
}

TEST(SenderPolicy, FromFields) {
  EXPECT_EQ(from_field("", "ann@example.test"), "<ann@example.test>");
  EXPECT_EQ(from_field("Ann \"A\"", "ann@example.test"), "\"Ann \\\"A\\\"\" <ann@example.test>");
  // Neither a character nor an escape is cut in two.
  EXPECT_EQ(from_field(std::string(199, 'a') + "\xc3\xbc", "x"), '"' + std::string(199, 'a') + "\" <x>");
  EXPECT_EQ(from_field(std::string(199, 'a') + "\"b", "x"), '"' + std::string(199, 'a') + "\\\"\" <x>");
}

TEST(SenderPolicy, ListsOfUsers) {
  EXPECT_TRUE(is_among("ann", "root ann"));
  EXPECT_TRUE(is_among("ann", " * "));
  EXPECT_FALSE(is_among("ann", "anne  an"));
  EXPECT_FALSE(is_among("ann", ""));
}

}  // namespace
}  // namespace posthorn::drop
