#include "proto/smap/reply_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace posthorn::smap {
namespace {

using Kind = ReplyEvent::Kind;

// Everything that is read of a text, in one line each; content is put together.
std::string read(std::string_view text, std::size_t piece, ReplyLimits limits = {}) {
  ReplyReader reader(limits);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    auto in = text.substr(at, piece);
    for (;;) {
      const auto event = reader.next(in);
      if (!event) return out + "error " + std::string(to_string(event.error().code));
      if (!*event) break;
      const auto& e = **event;
      std::string words;
      for (const auto& word : e.words) words += '[' + word + ']';
      switch (e.kind) {
        case Kind::status: out += (e.ok ? "ok " : "err ") + e.text + '\n'; break;
        case Kind::data: out += "data " + words + '\n'; break;
        case Kind::go_ahead: out += "go " + e.text + '\n'; break;
        case Kind::content_begin: out += "content " + words + ' '; break;
        case Kind::content: out += e.bytes; break;
        case Kind::content_end: out += "<end>\n"; break;
        case Kind::content_void: out += "<void> " + e.text + '\n'; break;
      }
    }
    EXPECT_TRUE(in.empty());
  }
  return out;
}

TEST(ReplyReader, TakesEveryReply) {
  struct Case {
    std::string_view in, out;
  };
  for (const auto& c : {
           Case{"+OK done\n", "ok done\n"},
           Case{"+OK\n-ERR no way\r\n", "ok \nerr no way\n"},
           Case{"* FETCH 1 FLAGS=SEEN \"UID=1 \"\"2\"\"\"\r\n+OK x\n", "data [FETCH][1][FLAGS=SEEN][UID=1 \"2\"]\nok x\n"},
           Case{"> Go ahead\n", "go Go ahead\n"},
           Case{"{.10} FETCH 1 HEADERS\nA: 1\r\n..x\n...\n.\n+OK\n", "content [FETCH][1][HEADERS] A: 1\n.x\n..\n<end>\nok \n"},
           Case{"{.0} FETCH 1\n. \r\n+OK\n", "content [FETCH][1] <end>\nok \n"},
           Case{"{5/9} FETCH 1 CONTENTS\nab\ncd 4 \r\n.\n\n+\n+OK done\n", "content [FETCH][1][CONTENTS] ab\ncd.\n\n+<end>\nok done\n"},
           Case{"{.0} FETCH 1\n.\r\n..\r\n.\t \n", "content [FETCH][1] <end>\nerror syntax"},
           Case{"{.9} X\n\r\na\rb\r\n..\r\r\n\r.\n.x\n.\r\r\n", "content [X] \na\rb\n.\r\n\r.\nx\n<end>\n"},
           Case{"{0/0} X\n2\nab\n+OK\n", "content [X] ab<end>\nok \n"},
           Case{"{2/2} X\nab0\n0\n1\nc\n", "content [X] abc<end>\n"},
           Case{"{2/9} X\nab3\n-ER-ERR Cannot read it\r\n+OK\n", "content [X] ab-ER<void> Cannot read it\nok \n"},
           Case{"{2/9} X\nab-ERROR\n", "content [X] aberror syntax"},
           Case{"HELLO\n", "error syntax"},
           Case{"\n", "error syntax"},
           Case{"{x} A\n", "error syntax"},
           Case{"{5} A\n", "error syntax"},
           Case{"{.x} A\n", "error syntax"},
           Case{"{-1/2} A\n", "error syntax"},
           Case{"{1/x} A\n", "error syntax"},
           Case{"{1/1 A\n", "error syntax"},
           Case{"{1/1} A\naxx\n", "content [A] aerror syntax"},
           Case{"{99999999999999999999/1} A\n", "error syntax"},
           Case{"{9999999999/1} A\n", "error too large"},
       })
    for (const std::size_t piece : {1, 2, 3, 1000}) EXPECT_EQ(read(c.in, piece), c.out) << c.in << " by " << piece;
}

TEST(ReplyReader, HasLimits) {
  const ReplyLimits limits{.line = 20, .content = 30};
  for (const std::size_t piece : {1, 3, 1000}) {
    EXPECT_EQ(read("+OK " + std::string(17, 'x'), piece, limits), "error too large");
    EXPECT_EQ(read("{31/31} A\n", piece, limits), "error too large");
    EXPECT_EQ(read("{28/31} A\n" + std::string(28, 'x') + "2\n", piece, limits), "content [A] " + std::string(28, 'x') + "error too large");
    EXPECT_TRUE(read("{.1} A\n1234567890\n1234567890\n1234567890\n", piece, limits).ends_with("error too large"));
    std::string endless = "{0/0} A\n";
    for (int i = 0; i < 100; ++i) endless += "0\n";
    EXPECT_EQ(read(endless, piece, limits), "content [A] error too large");
  }
}

// Lines of content may be longer than any other line, and are never held.
TEST(ReplyReader, TakesContentOfAnyLength) {
  const std::string longest(1000, 'y');
  for (const std::size_t piece : {1, 63, 64, 65, 66, 67, 1000})
    for (const std::size_t length : {62, 63, 64, 65, 66, 67, 300}) {
      const auto line = std::string(length, 'x');
      const auto spaces = "." + std::string(length, ' ');
      const ReplyLimits limits{.line = 100, .content = 5000};
      EXPECT_EQ(read("{.1} A\n" + line + "\r\n.." + longest + "\n.\n", piece, limits), "content [A] " + line + "\n." + longest + "\n<end>\n");
      if (length >= 64) EXPECT_EQ(read("{.1} A\n" + spaces + "\n.\n", piece, limits), "content [A] " + spaces.substr(1) + "\n<end>\n");
      else EXPECT_EQ(read("{.1} A\n" + spaces + "\n+OK\n", piece, limits), "content [A] <end>\nok \n");
    }
}

TEST(ReplyReader, BeginsAnew) {
  ReplyReader reader;
  std::string_view in = "{9/9} A\nhal";
  while (reader.next(in).value()) {
  }
  reader.reset();
  in = "+OK there\n";
  const auto event = reader.next(in).value();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->text, "there");
}

}  // namespace
}  // namespace posthorn::smap
