#include "copy/maildir_text.h"

#include <gtest/gtest.h>

#include "mailfile/line_ends.h"

namespace posthorn::copy {
namespace {

std::string read_back(std::string_view file, std::size_t cut) {
  MaildirText text;
  std::string out;
  for (std::size_t at = 0; at < file.size(); at += cut) text.put(out, file.substr(at, cut));
  return out;
}

TEST(MaildirText, IsTheMessageAgain) {
  const std::pair<std::string, std::string> kCases[] = {
      {"a\nb\n", "a\r\nb\r\n"}, {"a\r\nb\nc\r\n", "a\r\nb\nc\r\n"}, {"", ""}, {"a", "a"}, {"a\rb\nc\r\n", "a\rb\r\nc\r\n"}, {"\n\n", "\r\n\r\n"}, {"a\r\r\n\n", "a\r\r\n\n"},
  };
  for (const auto& [file, message] : kCases)
    for (const std::size_t cut : {1u, 2u, 100u}) EXPECT_EQ(read_back(file, cut), message) << file;
}

// All short messages of these letters come back octet by octet, but for those whose first LF stands alone.
TEST(MaildirText, EveryMessageComesBack) {
  constexpr std::string_view kLetters = "a\r\n";
  int exact = 0;
  for (int length = 0; length <= 7; ++length) {
    int count = 1;
    for (int i = 0; i < length; ++i) count *= 3;
    for (int number = 0; number < count; ++number) {
      std::string message;
      for (int i = 0, rest = number; i < length; ++i, rest /= 3) message += kLetters[static_cast<std::size_t>(rest % 3)];
      Spool spool;
      for (const char c : message) ASSERT_TRUE(spool.write({&c, 1}));
      Spool whole;
      ASSERT_TRUE(whole.write(message));
      EXPECT_EQ(spool.has_plain_lines(), whole.has_plain_lines()) << testing::PrintToString(message);
      mailfile::ToLf lines;
      std::string file;
      if (lies_as_it_is(spool)) file = message;
      else lines.put(file, message), lines.finish(file);
      const auto first = message.find('\n');
      if (first != message.npos && (first == 0 || message[first - 1] != '\r')) continue;
      EXPECT_EQ(read_back(file, 2), message) << testing::PrintToString(message);
      ++exact;
    }
  }
  EXPECT_GT(exact, 1000);
}

TEST(Spool, ALargeMessageIsInAFile) {
  Spool spool;
  std::string all;
  for (int i = 0; i < 20; ++i) {
    const std::string piece(40'000, static_cast<char>('a' + i));
    ASSERT_TRUE(spool.write(piece));
    all += piece;
  }
  std::string back;
  for (;;) {
    const auto piece = spool.read(back.size());
    ASSERT_TRUE(piece);
    if (piece->empty()) break;
    back += *piece;
  }
  EXPECT_EQ(back, all);
  EXPECT_EQ(spool.digest(), crypto::sha256(all));
}

}  // namespace
}  // namespace posthorn::copy
