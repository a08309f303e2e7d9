#include "proto/imap/command_reader.h"

#include <gtest/gtest.h>

namespace posthorn::imap {
namespace {

using namespace std::string_literals;
using Event = CommandReader::Event;

constexpr std::uint32_t kNever = 0xFFFFFFFF;

// What a session would see, one event a line. It takes every message of APPEND up to the one to refuse.
class Player {
 public:
  explicit Player(const ReaderLimits& limits, std::uint32_t refuse = kNever)
      : reader_(limits), refuse_(refuse) {}

  void feed(std::string_view input) {
    if (streaming_ > 0) stream(input);
    while (!over_ && streaming_ == 0) {
      const auto event = reader_.feed(input);
      if (event == Event::need_more) {
        EXPECT_TRUE(input.empty());
        return;
      }
      show(event);
      if (event == Event::append) begin_append(input);
    }
  }

  std::string log;
  CommandReader& reader() { return reader_; }

 private:
  void begin_append(std::string_view& input) {
    if (reader_.append().number >= refuse_) return reader_.refuse_append();
    reader_.accept_append();
    streaming_ = reader_.append().size;
    stream(input);
  }

  void stream(std::string_view& input) {
    const auto n = std::min<std::uint64_t>(streaming_, input.size());
    log += input.substr(0, n);
    input.remove_prefix(n);
    streaming_ -= n;
    if (streaming_ > 0) return;
    log += '\n';
    reader_.append_streamed();
  }

  void show(Event event) {
    const auto& r = reader_.rejection();
    const std::string why =
        r.tag + (r.bad ? " BAD" : " NO") + (r.code.empty() ? "" : " [" + std::string(r.code) + "]");
    switch (event) {
      case Event::need_more:
        break;
      case Event::continuation:
        log += "+\n";
        break;
      case Event::command:
        log += "command <" + std::string(reader_.command()) + ">\n";
        if (reader_.command().find("AUTHENTICATE") != std::string_view::npos) reader_.expect_line();
        break;
      case Event::line:
        log += "line <" + std::string(reader_.command()) + ">\n";
        break;
      case Event::append: {
        const auto& a = reader_.append();
        log += a.tag + (a.append.replaced ? " replace " : " append ") + a.append.mailbox + " ";
        if (a.number > 0) log += "#" + std::to_string(a.number) + " ";
        if (a.append.binary) log += a.append.utf8 ? "utf8 " : "binary ";
        if (a.append.flags.has(SystemFlag::seen)) log += "seen ";
        log += std::to_string(a.size) + (a.synchronising ? " +\n" : "\n");
        break;
      }
      case Event::append_done:
        log += "done\n";
        break;
      case Event::append_refused:
        log += "refused\n";
        break;
      case Event::rejected:
        log += "rejected " + why + "\n";
        break;
      case Event::fatal:
        log += "fatal " + why + "\n";
        over_ = true;
        break;
    }
  }

  CommandReader reader_;
  std::uint32_t refuse_;
  bool over_ = false;
  std::uint64_t streaming_ = 0;
};

struct Case {
  std::string stream, expected;
  std::uint32_t refuse = kNever;
};

const ReaderLimits kSmall{.line = 100, .literals = 20, .skip = 60, .literal_minus = false};

void expect_same_at_every_split(const Case& c, const ReaderLimits& limits) {
  for (std::size_t i = 0; i <= c.stream.size(); ++i) {
    Player player(limits, c.refuse);
    const std::string first = c.stream.substr(0, i), second = c.stream.substr(i);
    player.feed(first);
    player.feed(second);
    EXPECT_EQ(player.log, c.expected) << c.stream << "\nsplit at " << i;
  }
  Player player(limits, c.refuse);
  for (char byte : c.stream) {
    const std::string one(1, byte);
    player.feed(one);
  }
  EXPECT_EQ(player.log, c.expected) << c.stream << "\nbyte by byte";
}

TEST(CommandReader, Commands) {
  const Case cases[] = {
      {"a NOOP\r\nb LOGOUT\r\n", "command <a NOOP>\ncommand <b LOGOUT>\n"},
      {"a NOOP\nb", "command <a NOOP>\n"},
      {"\r\n", "command <>\n"},
      {"a LOGIN {4}\r\nfred {3}\r\nx\ny\r\n", "+\n+\ncommand <a LOGIN {4}\r\nfred {3}\r\nx\ny>\n"},
      {"a LOGIN {11+}\r\nFRED FOOBAR {7+}\r\nfat man\r\nb NOOP\r\n",
       "command <a LOGIN {11+}\r\nFRED FOOBAR {7+}\r\nfat man>\ncommand <b NOOP>\n"},
      {"a X {0}\r\n\r\nb X {0+}\r\n\r\n", "+\ncommand <a X {0}\r\n>\ncommand <b X {0+}\r\n>\n"},
      {"a X {4}\r\n{9+}\r\n", "+\ncommand <a X {4}\r\n{9+}>\n"},  // no mark inside of a literal,
      {"a X {2+}\r\n{9}\r\n", "command <a X {2+}\r\n{9}>\n"},     // nor one that begins in it,
      {"a X {1+}\r\n\r\n", "command <a X {1+}\r\n\r>\n"},         // nor a CR of it at the line end
      {"a X {5-}\r\n", "command <a X {5-}>\n"},
      {"a X {}\r\n", "command <a X {}>\n"},
      {"a X }\r\n}\r\n", "command <a X }>\ncommand <}>\n"},
      {"a X {5} \r\n", "command <a X {5} >\n"},
      {"a AUTHENTICATE X\r\nab{5+}\r\nb NOOP\r\n",
       "command <a AUTHENTICATE X>\nline <ab{5+}>\ncommand <b NOOP>\n"},
  };
  for (const auto& c : cases) expect_same_at_every_split(c, {});
}

TEST(CommandReader, Append) {
  const Case cases[] = {
      {"a APPEND inbox (\\Seen) {5}\r\nhello\r\nb NOOP\r\n",
       "a append INBOX seen 5 +\nhello\ndone\ncommand <b NOOP>\n"},
      {"a APPEND x {5+}\r\nhello\r\n", "a append x 5\nhello\ndone\n"},
      {"a append {1}\r\nx {3}\r\nabc\r\n", "+\na append x 3 +\nabc\ndone\n"},
      {"a append {1+}\r\nx {3+}\r\nabc\nb NOOP\n", "a append x 3\nabc\ndone\ncommand <b NOOP>\n"},
      {"a APPEND x {0}\r\n\r\n", "a append x 0 +\n\ndone\n"},
      {"a APPEND x {1}\r\nm (\\Seen)\r\nb NOOP\r\n", "a append x 1 +\nm\nrejected a BAD\ncommand <b NOOP>\n"},
      {"a APPEND x {1}\r\nm\r\r\nb NOOP\r\n", "a append x 1 +\nm\nrejected a BAD\ncommand <b NOOP>\n"},
      {"a APPEND (x {5}\r\nb NOOP\r\n", "rejected a BAD\ncommand <b NOOP>\n"},
      {"a APPEND (x {5+}\r\nhello\r\nb NOOP\r\n", "rejected a BAD\ncommand <b NOOP>\n"},
      {"a APPEND ~{5+}\r\nhello\r\nb NOOP\r\n", "rejected a BAD\ncommand <b NOOP>\n"},
      {"a APPEND x~{5+}\r\nhello\r\nb NOOP\r\n", "rejected a BAD\ncommand <b NOOP>\n"},
      {"a LOGIN x ~{5+}\r\nhello\r\n", "command <a LOGIN x ~{5+}\r\nhello>\n"},  // the parser says no
      {"a APPEND x \"foo\"\r\n", "command <a APPEND x \"foo\">\n"},
      {"a APPEND x {4294967296}\r\n", "a append x 4294967296 +\n"},
      {"a APPEND x {99999999999999999999}\r\nb NOOP\r\n", "rejected a NO [TOOBIG]\ncommand <b NOOP>\n"},
      {"a APPEND x {5}\r\nb NOOP\r\n", "a append x 5 +\ncommand <b NOOP>\n", 0},
      {"a APPEND x {5+}\r\nhello\r\nb NOOP\r\n", "a append x 5\nrefused\ncommand <b NOOP>\n", 0},
      {"a APPEND x {5+}\r\nhello {2+}\r\nmo\r\nb NOOP\r\n", "a append x 5\nrefused\ncommand <b NOOP>\n", 0},
      {"a APPEND x {61+}\r\nhello", "a append x 61\nfatal a BAD [TOOBIG]\n", 0},
  };
  for (const auto& c : cases) expect_same_at_every_split(c, kSmall);
}

// [RFC3502]
TEST(CommandReader, SeveralMessages) {
  auto limits = kSmall;
  limits.messages = 3;
  const Case cases[] = {
      {"a APPEND x (\\Seen) {1}\r\nm {1+}\r\nn (\\Seen) \" 7-Feb-1994 22:43:04 -0800\" {0}\r\n\r\nb NOOP\r\n",
       "a append x seen 1 +\nm\na append x #1 1\nn\na append x #2 seen 0 +\n\ndone\ncommand <b NOOP>\n"},
      {"a append {1}\r\nx {1+}\r\nm ~{1+}\r\nn\r\n", "+\na append x 1\nm\na append x #1 binary 1\nn\ndone\n"},
      // the fourth is one too many
      {"a APPEND x {1+}\r\n1 {1+}\r\n2 {1+}\r\n3 {1+}\r\n4 {1+}\r\n5\r\nb NOOP\r\n",
       "a append x 1\n1\na append x #1 1\n2\na append x #2 1\n3\nrejected a NO [LIMIT]\ncommand <b NOOP>\n"},
      {"a APPEND x {1+}\r\n1 {1+}\r\n2 {1+}\r\n3 {1}\r\nb NOOP\r\n",
       "a append x 1\n1\na append x #1 1\n2\na append x #2 1\n3\nrejected a NO [LIMIT]\ncommand <b NOOP>\n"},
      // refused in the middle
      {"a APPEND x {1+}\r\n1 {1+}\r\n2 (\\Seen) {1+}\r\n3\r\nb NOOP\r\n",
       "a append x 1\n1\na append x #1 1\nrefused\ncommand <b NOOP>\n", 1},
      {"a APPEND x {1+}\r\n1 {1+}\r\n2 {1}\r\nb NOOP\r\n",
       "a append x 1\n1\na append x #1 1\nrefused\ncommand <b NOOP>\n", 1},
      {"a APPEND x {1}\r\n1 {9}\r\nb NOOP\r\n", "a append x 1 +\n1\na append x #1 9 +\ncommand <b NOOP>\n",
       1},
      // bad options
      {"a APPEND x {1}\r\n1 (\\Foo) {2+}\r\nxx {1+}\r\n3\r\nb NOOP\r\n",
       "a append x 1 +\n1\nrejected a BAD\ncommand <b NOOP>\n"},
      {"a APPEND x {1}\r\n1 y {2}\r\nb NOOP\r\n", "a append x 1 +\n1\nrejected a BAD\ncommand <b NOOP>\n"},
      {"a APPEND x {1}\r\n1{2}\r\nb NOOP\r\n", "a append x 1 +\n1\nrejected a BAD\ncommand <b NOOP>\n"},
      {"a APPEND x {1}\r\n1 {99999999999999999999}\r\nb NOOP\r\n",
       "a append x 1 +\n1\nrejected a NO [TOOBIG]\ncommand <b NOOP>\n"},
      {"a APPEND x {1+}\r\n1 {61+}\r\n", "a append x 1\n1\na append x #1 61\nfatal a BAD [TOOBIG]\n", 1},
  };
  for (const auto& c : cases) expect_same_at_every_split(c, limits);
  auto long_skip = kSmall;
  long_skip.skip = 1000;
  const Case line = {"a APPEND x {1+}\r\n1 (" + std::string(110, 'f') + ") {4+}\r\nb X\n\r\nc NOOP\r\n",
                     "a append x 1\n1\nrejected a BAD\ncommand <c NOOP>\n"};
  expect_same_at_every_split(line, long_skip);
}

// [RFC3516] [RFC6855 4] [RFC8508]
TEST(CommandReader, BinaryUtf8AndReplace) {
  const Case cases[] = {
      {"a APPEND x ~{3}\r\n\0\r\n\r\nb NOOP\r\n"s,
       "a append x binary 3 +\n\0\r\n\ndone\ncommand <b NOOP>\n"s},
      {"a APPEND x (\\Seen) ~{2+}\r\nhi\r\n", "a append x binary seen 2\nhi\ndone\n"},
      {"a APPEND x UTF8 (~{2+}\r\nhi)\r\nb NOOP\r\n", "a append x utf8 2\nhi\ndone\ncommand <b NOOP>\n"},
      {"a APPEND x UTF8 (~{1}\r\n1) (\\Seen) UTF8 (~{1+}\r\n2) {1+}\r\n3\r\n",
       "a append x utf8 1 +\n1\na append x #1 utf8 seen 1\n2\na append x #2 1\n3\ndone\n"},
      {"a APPEND x UTF8 (~{1+}\r\n1\r\nb NOOP\r\n",
       "a append x utf8 1\n1\nrejected a BAD\ncommand <b NOOP>\n"},
      {"a APPEND x UTF8 (~{1+}\r\n1 {1+}\r\n2\r\nb NOOP\r\n",
       "a append x utf8 1\n1\nrejected a BAD\ncommand <b NOOP>\n"},
      {"a APPEND x ~{1+}\r\n1)\r\nb NOOP\r\n", "a append x binary 1\n1\nrejected a BAD\ncommand <b NOOP>\n"},
      {"a APPEND x UTF8 ({1+}\r\n1)\r\nb NOOP\r\n", "rejected a BAD\ncommand <b NOOP>\n"},
      {"a APPEND x UTF8 (~{1+}\r\n1)\r\nb NOOP\r\n", "a append x utf8 1\nrefused\ncommand <b NOOP>\n", 0},
      {"a REPLACE 4 x (\\Seen) {2}\r\nhi\r\nb NOOP\r\n",
       "a replace x seen 2 +\nhi\ndone\ncommand <b NOOP>\n"},
      {"a uid replace 4 {1}\r\nx ~{2+}\r\nhi\r\n", "+\na replace x binary 2\nhi\ndone\n"},
      {"a REPLACE 4 x {1+}\r\n1 {1+}\r\n2\r\nb NOOP\r\n",
       "a replace x 1\n1\nrejected a BAD\ncommand <b NOOP>\n"},
      {"a REPLACE 4:5 x {1+}\r\n1\r\nb NOOP\r\n", "rejected a BAD\ncommand <b NOOP>\n"},
      {"a REPLACE 4 x\r\n", "command <a REPLACE 4 x>\n"},
  };
  for (const auto& c : cases) expect_same_at_every_split(c, kSmall);
}

TEST(CommandReader, Limits) {
  const std::string x90(90, 'x'), x110(110, 'x');
  const Case cases[] = {
      {"a X {21}\r\nb NOOP\r\n", "rejected a NO [TOOBIG]\ncommand <b NOOP>\n"},
      {"a X {4294967296}\r\nb NOOP\r\n", "rejected a NO [TOOBIG]\ncommand <b NOOP>\n"},
      {"a X {99999999999999999999999}\r\nb NOOP\r\n", "rejected a NO [TOOBIG]\ncommand <b NOOP>\n"},
      {"a X {18446744073709551616}\r\nb NOOP\r\n", "rejected a NO [TOOBIG]\ncommand <b NOOP>\n"},
      {"a X {20+}\r\n01234567890123456789 {1}\r\nb NOOP\r\n", "rejected a NO [TOOBIG]\ncommand <b NOOP>\n"},
      {"a X {21+}\r\n012345678901234567890\r\nb NOOP\r\n", "rejected a BAD [TOOBIG]\ncommand <b NOOP>\n"},
      {"a X {21+}\r\n012345678901234567890 y {3+}\r\nabc {7}\r\nb NOOP\r\n",
       "rejected a BAD [TOOBIG]\ncommand <b NOOP>\n"},
      {"a X {61+}\r\n", "fatal a BAD [TOOBIG]\n"},
      {"a X {30+}\r\n012345678901234567890123456789{31+}\r\n", "fatal a BAD [TOOBIG]\n"},
      {"a X {99999999999999999999999+}\r\n", "fatal a BAD [TOOBIG]\n"},
  };
  for (const auto& c : cases) expect_same_at_every_split(c, kSmall);
  auto long_skip = kSmall;
  long_skip.skip = 1000;
  const Case lines[] = {
      {"a " + x110 + "\r\nb NOOP\r\n", "rejected a BAD\ncommand <b NOOP>\n"},
      {x110 + " NOOP\r\nb NOOP\r\n", "rejected * BAD\ncommand <b NOOP>\n"},
      {"a " + x110 + " {5+}\r\nb X\r\n\r\nc NOOP\r\n", "rejected a BAD\ncommand <c NOOP>\n"},
      {"a " + x110 + " {5}\r\nc NOOP\r\n", "rejected a BAD\ncommand <c NOOP>\n"},
      {"a " + x90 + " {3+}\r\nabc" + "more text\r\nc NOOP\r\n", "rejected a BAD\ncommand <c NOOP>\n"},
      {"a AUTHENTICATE X\r\n" + x110 + "{5+}\r\nc NOOP\r\n",
       "command <a AUTHENTICATE X>\nrejected * BAD\ncommand <c NOOP>\n"},
      {"a " + std::string(2000, 'x'), "fatal a BAD [TOOBIG]\n"},
  };
  for (const auto& c : lines) expect_same_at_every_split(c, long_skip);
}

TEST(CommandReader, LiteralMinus) {
  ReaderLimits limits;
  limits.literal_minus = true;
  const std::string body(4097, 'm');
  const auto log = [&](std::string_view stream) {
    Player player(limits);
    player.feed(stream);
    return player.log;
  };
  EXPECT_EQ(log("a APPEND x {4097+}\r\n" + body + "\r\nb NOOP\r\n"),
            "rejected a BAD [TOOBIG]\ncommand <b NOOP>\n");
  EXPECT_EQ(log("a APPEND x {4097}\r\n").substr(0, 15), "a append x 4097");
  EXPECT_EQ(log("a APPEND x {4096+}\r\n").substr(0, 15), "a append x 4096");
  EXPECT_EQ(log("a APPEND x {1+}\r\nm {4097+}\r\n" + body + "\r\nb NOOP\r\n"),
            "a append x 1\nm\nrejected a BAD [TOOBIG]\ncommand <b NOOP>\n");
}

TEST(CommandReader, AWholeCommandIsNotCopiedAndIdleIsEmpty) {
  CommandReader reader;
  std::string_view input = "a NOOP\r\n";
  const char* const begin = input.data();
  EXPECT_TRUE(reader.idle());
  ASSERT_EQ(reader.feed(input), Event::command);
  EXPECT_EQ(reader.command().data(), begin);
  EXPECT_TRUE(reader.idle());
  input = "b NO";
  EXPECT_EQ(reader.feed(input), Event::need_more);
  EXPECT_FALSE(reader.idle());
  input = "OP\r\n";
  ASSERT_EQ(reader.feed(input), Event::command);
  EXPECT_EQ(reader.command(), "b NOOP");
  EXPECT_TRUE(reader.idle());
  reader.release();
  EXPECT_EQ(reader.command(), "");
}

}  // namespace
}  // namespace posthorn::imap
