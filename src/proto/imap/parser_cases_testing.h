// Tables of commands, and what the parser makes of them.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "proto/imap/command_shown_testing.h"
#include "proto/imap/parser.h"

namespace posthorn::imap {

inline std::string parse(std::string_view text, const ParserLimits& limits = {}) {
  const auto got = parse_command("a " + std::string(text), limits);
  if (!got) return got.error().unknown_command ? "unknown" : "bad";
  EXPECT_EQ(got->tag, "a");
  return shown(*got);
}

struct ParserCase {
  std::string_view text, expected;
};

inline void expect_all(std::initializer_list<ParserCase> cases) {
  for (const auto& c : cases) EXPECT_EQ(parse(c.text), c.expected) << c.text;
}

}  // namespace posthorn::imap
