#include "message/header_lines.h"

#include <gtest/gtest.h>

#include "message/lf_lines.h"
#include "text/ascii.h"

namespace posthorn::message {
namespace {

const WantsField kAll = [](std::string_view) { return true; };

std::string run(std::string_view block, const WantsField& choice, Folding folding, std::size_t piece) {
  HeaderLines lines(choice, folding);
  std::string out;
  for (std::size_t at = 0; at < block.size(); at += piece) lines.feed(block.substr(at, piece), out);
  lines.finish(out);
  return out;
}

TEST(HeaderLines, FieldsAsLines) {
  struct Case {
    std::string_view block, undone, kept;
  };
  for (const auto& c : {
           Case{"", "", ""},
           Case{"\r\nBody: no\r\n", "", ""},
           Case{"Subject: hi\r\n\r\nBody: no\r\n", "Subject: hi\n", "Subject: hi\n"},
           Case{"Subject: hi", "Subject: hi\n", "Subject: hi\n"},
           Case{"Subject:hi\nFrom : \t a@b \n", "Subject: hi\nFrom: a@b\n", "Subject: hi\nFrom: a@b \n"},
           Case{"X: one\r\n  two\r\n\tthree  \r\nY: 1\r\n\r\n", "X: one two three\nY: 1\n", "X: one\n  two\n\tthree  \nY: 1\n"},
           Case{"X:\r\n one\r\n\r\n", "X: one\n", "X: \n one\n"},
           Case{"X: one\r\n \r\n two\r\n", "X: one two\n", "X: one\n \n two\n"},
           Case{"X: a  b\t\tc\r\n", "X: a  b\t\tc\n", "X: a  b\t\tc\n"},
           Case{"X:\r\nY:  \r\n", "X: \nY: \n", "X: \nY: \n"},
           Case{"From ann Mon\r\nno field\r\n with more\r\nA: 1\r\n", "A: 1\n", "A: 1\n"},
           Case{" lost\r\nA: 1\r\n: none\r\nB B: 2\r\nC: 3\r\n", "A: 1\nC: 3\n", "A: 1\nC: 3\n"},
           Case{"A: 1\r2\rB\r\n", "A: 1\r2\rB\n", "A: 1\r2\rB\n"},
           Case{"A: 1\nA: 2\na: 3\n", "A: 1\nA: 2\na: 3\n", "A: 1\nA: 2\na: 3\n"},
       }) {
    for (const std::size_t piece : {1, 2, 3, 1000}) {
      EXPECT_EQ(run(c.block, kAll, Folding::undone, piece), c.undone) << c.block << " by " << piece;
      EXPECT_EQ(run(c.block, kAll, Folding::kept, piece), c.kept) << c.block << " by " << piece;
    }
  }
}

TEST(HeaderLines, OnlyWhatIsChosen) {
  const std::string_view block = "SUBJECT: s\r\n of two lines\r\nX-A: 1\r\n 2\r\nContent-Type: text/plain\r\ncontent-id: 3\r\nContent: 4\r\n\r\n";
  EXPECT_EQ(run(block, [](auto name) { return text::iequals(name, "subject"); }, Folding::undone, 1), "SUBJECT: s of two lines\n");
  EXPECT_EQ(run(block, [](auto name) { return text::to_lower(name).starts_with("content-"); }, Folding::undone, 7), "Content-Type: text/plain\ncontent-id: 3\n");
  EXPECT_EQ(run(block, [](auto) { return false; }, Folding::undone, 7), "");
}

TEST(HeaderLines, LongThingsAreNotHeld) {
  const std::string value(100'000, 'v'), blank(100'000, ' '), name(2000, 'n');
  EXPECT_EQ(run("A: " + value + "\r\n", kAll, Folding::undone, 999), "A: " + value + "\n");
  EXPECT_EQ(run("A: x" + blank + "y\r\n", kAll, Folding::undone, 999), "A: x" + blank + "y\n");
  EXPECT_EQ(run(name + ": 1\r\nA: 2\r\n", kAll, Folding::undone, 999), "A: 2\n");
}

TEST(LfLines, EveryCrlfBecomesLf) {
  struct Case {
    std::string_view in, out;
  };
  for (const auto& c : {Case{"", ""}, Case{"a\r\nb\r\n", "a\nb\n"}, Case{"a\nb", "a\nb"}, Case{"\r\r\n\r", "\r\n\r"}, Case{"a\rb", "a\rb"}}) {
    for (const std::size_t piece : {1, 2, 100}) {
      LfLines lines;
      std::string out;
      for (std::size_t at = 0; at < c.in.size(); at += piece) lines.feed(c.in.substr(at, piece), out);
      lines.finish(out);
      EXPECT_EQ(out, c.out);
    }
  }
  std::string out;
  put_crlf_lines(out, "a\n\nb");
  EXPECT_EQ(out, "a\r\n\r\nb");
}

}  // namespace
}  // namespace posthorn::message
