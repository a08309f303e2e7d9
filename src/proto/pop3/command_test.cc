#include "proto/pop3/command.h"

#include <gtest/gtest.h>

#include "proto/pop3/top.h"

namespace posthorn::pop3 {
namespace {

std::string show(std::optional<std::uint32_t> n) { return n ? " " + std::to_string(*n) : ""; }

struct Show {
  std::string operator()(const User& c) const { return "USER [" + c.name + "]"; }
  std::string operator()(const Pass& c) const { return "PASS [" + c.password + "]"; }
  std::string operator()(const Apop& c) const { return "APOP [" + c.name + "] " + c.digest; }
  std::string operator()(const Stat&) const { return "STAT"; }
  std::string operator()(const List& c) const { return "LIST" + show(c.number); }
  std::string operator()(const Uidl& c) const { return "UIDL" + show(c.number); }
  std::string operator()(const Retr& c) const { return "RETR" + show(c.number); }
  std::string operator()(const Dele& c) const { return "DELE" + show(c.number); }
  std::string operator()(const Top& c) const { return "TOP" + show(c.number) + show(c.lines); }
  std::string operator()(const Noop&) const { return "NOOP"; }
  std::string operator()(const Rset&) const { return "RSET"; }
  std::string operator()(const Quit&) const { return "QUIT"; }
  std::string operator()(const Capa&) const { return "CAPA"; }
  std::string operator()(const Stls&) const { return "STLS"; }
  std::string operator()(const Auth& c) const {
    return "AUTH " + c.mechanism + (c.initial_response ? " [" + *c.initial_response + "]" : "");
  }
  std::string operator()(const Utf8&) const { return "UTF8"; }
  std::string operator()(const Lang& c) const { return "LANG [" + c.range + "]"; }
};

std::string parse(std::string_view line) {
  const auto got = parse_command(line);
  return got ? std::visit(Show{}, *got) : "-ERR";
}

TEST(Pop3Command, Commands) {
  struct Case {
    std::string_view line, expected;
  };
  const Case cases[] = {
      {"USER mrose", "USER [mrose]"},
      {"user a b", "USER [a b]"},
      {"USER", "-ERR"},
      {"PASS secret", "PASS [secret]"},
      {"pass  two  spaces ", "PASS [ two  spaces ]"},
      {"PASS ", "PASS []"},
      {"PASS", "-ERR"},
      {"PASSWORD x", "-ERR"},
      {"APOP mrose c4c9334bac560ecc979e58001b3e22fb", "APOP [mrose] c4c9334bac560ecc979e58001b3e22fb"},
      {"apop a b  C4C9334BAC560ECC979E58001B3E22FB", "APOP [a b ] c4c9334bac560ecc979e58001b3e22fb"},
      {"APOP mrose c4c9", "-ERR"},
      {"APOP mrose x4c9334bac560ecc979e58001b3e22fb", "-ERR"},
      {"APOP c4c9334bac560ecc979e58001b3e22fb", "-ERR"},
      {"APOP", "-ERR"},
      {"STAT", "STAT"},
      {"stat ", "STAT"},
      {"STAT 1", "-ERR"},
      {"LIST", "LIST"},
      {"LIST 2", "LIST 2"},
      {"LIST 0", "-ERR"},
      {"LIST x", "-ERR"},
      {"LIST 1 2", "-ERR"},
      {"UIDL 4294967295", "UIDL 4294967295"},
      {"UIDL 4294967296", "-ERR"},
      {"RETR 1", "RETR 1"},
      {"RETR", "-ERR"},
      {"RETR -1", "-ERR"},
      {"DELE 00000000001", "-ERR"},
      {"TOP 1 10", "TOP 1 10"},
      {"TOP 1 0", "TOP 1 0"},
      {"TOP 1", "-ERR"},
      {"TOP 0 1", "-ERR"},
      {"TOP 1 2 3", "-ERR"},
      {"NOOP", "NOOP"},
      {"RSET", "RSET"},
      {"QUIT", "QUIT"},
      {"CAPA", "CAPA"},
      {"STLS", "STLS"},
      {"AUTH", "AUTH "},
      {"AUTH PLAIN", "AUTH PLAIN"},
      {"auth plain dGVzdA==", "AUTH PLAIN [dGVzdA==]"},
      {"AUTH EXTERNAL =", "AUTH EXTERNAL []"},
      {"AUTH a b c", "-ERR"},
      {"", "-ERR"},
      {"LAST", "-ERR"},
      {"UTF8", "UTF8"},
      {"utf8 x", "-ERR"},
      {"LANG", "LANG []"},
      {"LANG *", "LANG [*]"},
      {"lang DE-at-1901", "LANG [de-at-1901]"},
      {"LANG de_AT", "-ERR"},
      {"LANG -", "-ERR"},
      {"LANG de--at", "-ERR"},
      {"LANG de-", "-ERR"},
      {"LANG abcdefghi", "-ERR"},
      {"LANG en de", "-ERR"},
      {"USER a\rb", "-ERR"},
  };
  for (const auto& c : cases) EXPECT_EQ(parse(c.line), c.expected) << c.line;
  EXPECT_EQ(parse("USER " + std::string(600, 'x')), "-ERR");
  EXPECT_EQ(parse("AUTH PLAIN " + std::string(9000, 'x')), "AUTH PLAIN [" + std::string(9000, 'x') + "]");
}

TEST(Pop3Top, CutsBehindTheWantedLinesAtEverySplit) {
  struct Case {
    std::string_view message;
    std::uint32_t lines;
    std::string_view expected;
    bool done;
  };
  const Case cases[] = {
      {"A: b\r\nC: d\r\n\r\none\r\ntwo\r\nthree\r\n", 0, "A: b\r\nC: d\r\n\r\n", true},
      {"A: b\r\nC: d\r\n\r\none\r\ntwo\r\nthree\r\n", 2, "A: b\r\nC: d\r\n\r\none\r\ntwo\r\n", true},
      {"A: b\r\n\r\none\r\ntwo", 9, "A: b\r\n\r\none\r\ntwo", false},
      {"A: b\n\none\n\ntwo\n", 2, "A: b\n\none\n\n", true},
      {"\r\nbody\r\nmore", 1, "\r\nbody\r\n", true},
      {"A: no body\r\n", 3, "A: no body\r\n", false},
  };
  for (const auto& c : cases)
    for (std::size_t i = 0; i <= c.message.size(); ++i) {
      TopFilter filter(c.lines);
      std::string out(filter.take(c.message.substr(0, i)));
      out += filter.take(c.message.substr(i));
      EXPECT_EQ(out, c.expected) << i;
      EXPECT_EQ(filter.done(), c.done);
    }
}

}  // namespace
}  // namespace posthorn::pop3
