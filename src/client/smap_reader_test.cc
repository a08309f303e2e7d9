#include "client/smap_reader.h"

#include <gtest/gtest.h>

#include "async/reactor.h"
#include "client/smap_client.h"

namespace posthorn::client {
namespace {

using Kind = SmapEvent::Kind;

// Everything that is read of a text, in one line each; content is put together.
std::string read(std::string_view text, std::size_t piece, SmapReaderLimits limits = {}) {
  SmapReader reader(limits);
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
      }
    }
    EXPECT_TRUE(in.empty());
  }
  return out;
}

TEST(SmapReader, TakesEveryReply) {
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
           Case{"{0/0} X\n2\nab\n+OK\n", "content [X] ab<end>\nok \n"},
           Case{"{2/2} X\nab0\n0\n1\nc\n", "content [X] abc<end>\n"},
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

TEST(SmapReader, HasLimits) {
  const SmapReaderLimits limits{.line = 20, .content = 30};
  EXPECT_EQ(read("+OK " + std::string(17, 'x'), 3, limits), "error too large");
  EXPECT_EQ(read("{.1} A\n" + std::string(21, 'x'), 3, limits), "content [A] error too large");
  EXPECT_EQ(read("{31/31} A\n", 3, limits), "error too large");
  EXPECT_EQ(read("{30/31} A\n" + std::string(30, 'x') + "1\n", 3, limits), "content [A] " + std::string(30, 'x') + "error too large");
  EXPECT_TRUE(read("{.1} A\n1234567890\n1234567890\n1234567890\n", 3, limits).ends_with("error too large"));
}

TEST(SmapClient, CommandsAndUploads) {
  run_task([]() -> Task<> {
    auto pair = net::make_connection_pair();
    std::vector<std::string> heard;
    SmapClient client(*pair.first);
    const auto deadline = after(std::chrono::seconds(30));
    // What the server will say stands in the client's input already: neither has to wait for the other.
    pair.second->put("* OK [CAPABILITY IMAP4rev1 SMAP1] ready\r\n");
    (void)co_await pair.second->flush(deadline);
    EXPECT_TRUE(co_await client.greeting(deadline));
    pair.second->put("* EXISTS 1\n{3/3} FETCH 1 CONTENTS\nabc\n+OK done\n-ERR no\n> go\n* ADD \"UID=1/2\"\n+OK saved\n");
    (void)co_await pair.second->flush(deadline);
    const auto fetched = co_await client.command("FETCH 1 CONTENTS=ALL", deadline);
    CHECK(fetched.has_value());
    EXPECT_TRUE(fetched->ok);
    EXPECT_EQ(fetched->data, (std::vector<std::vector<std::string>>{{"EXISTS", "1"}}));
    CHECK(fetched->contents.size() == 1);
    EXPECT_EQ(fetched->contents[0].bytes, "abc");
    const auto refused = co_await client.command("BOGUS", deadline);
    CHECK(refused.has_value());
    EXPECT_FALSE(refused->ok);
    EXPECT_EQ(refused->text, "no");
    const auto added = co_await client.add("FOLDER INBOX " + smap_quoted(""), "A: 1\n\nx\n", deadline);
    CHECK(added.has_value());
    EXPECT_TRUE(added->ok);
    const auto split = co_await client.command("NOOP\nLOGOUT", deadline);
    EXPECT_EQ(split.error().code, Errc::invalid);
    for (int i = 0; i < 3; ++i) {
      const auto line = co_await pair.second->read_line(1000, net::LineEnd::any_lf, deadline);
      heard.push_back(line ? std::string(*line) : "gone");
    }
    EXPECT_EQ(heard, (std::vector<std::string>{"FETCH 1 CONTENTS=ALL", "BOGUS", "ADD FOLDER INBOX \"\" {8/8}"}));
    EXPECT_EQ(pair.second->input(), "A: 1\n\nx\n\n");
  }());
}

}  // namespace
}  // namespace posthorn::client
