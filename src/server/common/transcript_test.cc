#include <gtest/gtest.h>

#include "server/common/transcript_testing.h"

namespace posthorn::server {
namespace {

TEST(Transcript, PatternsMatch) {
  struct Case {
    std::string_view line, pattern;
    bool matches;
  };
  for (const auto& c : {Case{"a1 OK done", "a1 OK *", true}, Case{"a1 OK ", "a1 OK *", true},
                        Case{"a1 NO", "a1 OK *", false}, Case{"* 3 EXISTS", "* 3 EXISTS", true},
                        Case{"x 3 EXISTS", "* 3 EXISTS", false}, Case{"anything", "*", true}, Case{"", "*", true},
                        Case{"* FLAGS (\\*)", "* FLAGS (\\*)", true}, Case{"* FLAGS (\\x)", "* FLAGS (\\*)", false},
                        Case{"abcabd", "*ab*d", true}, Case{"abcabd", "*ab*c", false}, Case{"a\tb", "a\\tb", true},
                        Case{"", "", true}, Case{"x", "", false}})
    EXPECT_EQ(matches_pattern(c.line, c.pattern), c.matches) << c.line << " / " << c.pattern;
}

TEST(Transcript, EscapesAreUndone) {
  bool no_line_end = false;
  EXPECT_EQ(unescape("a\\r\\n\\x41\\\\n\\Seen\\c", &no_line_end), "a\r\nA\\n\\Seen");
  EXPECT_TRUE(no_line_end);
  EXPECT_EQ(unescape("AUTH PLAIN ${base64:\\0ann\\0secret}"), "AUTH PLAIN AGFubgBzZWNyZXQ=");
}

Task<> echo(SessionContext context) {
  auto& connection = context.connection;
  connection.put("* hello\r\n");
  for (;;) {
    auto sent = co_await connection.flush(after(std::chrono::seconds(10)));
    if (!sent) co_return;
    auto line = co_await connection.read_line(100, net::LineEnd::crlf, after(std::chrono::seconds(10)));
    if (!line || *line == "quit") co_return;
    connection.put("you said " + std::string(*line) + "\r\n");
  }
}

TEST(Transcript, RunsAndComplains) {
  const std::string good =
      "@account ann@example.test secret\n@message ann@example.test INBOX \\Seen\n| Subject: x\n|\n| y\n"
      "== echo\nS: * hello\nC: a\nC: b\nS: you said a\nS: you said b\nC2: c\nS2: * hello\nS2: you said c\n"
      "C: quit\nS!: closed\nX: stored ann@example.test INBOX 1\nX: flags ann@example.test INBOX 1 \\Seen\n"
      "X: message ann@example.test INBOX 1\n| Subject: x\n|\n| *\n"
      "== groups\nS: *\nC: a\nC: b\nC: c\nS~: you said b\nS~: you said a\nS?: you said x\nS: you said c\nS!: silent\n"
      "C: skipped\nC: found\nS-: you said found\n";
  EXPECT_EQ(run_transcript(good, "good", echo, config::Protocol::smtp), std::vector<std::string>{});
  EXPECT_EQ(run_transcript("S: * bye\n", "bad", echo, config::Protocol::smtp).size(), 1u);
  EXPECT_EQ(run_transcript("S: *\nC: a\nS!: closed\n", "bad", echo, config::Protocol::smtp).size(), 1u);
  EXPECT_EQ(run_transcript("what\n", "bad", echo, config::Protocol::smtp).size(), 1u);
}

}  // namespace
}  // namespace posthorn::server
