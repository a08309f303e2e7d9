#include "copy/maildir_text.h"

#include <gtest/gtest.h>

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

TEST(Spool, KnowsBareLineEnds) {
  for (const auto& [octets, as_it_is] : {std::pair<std::string_view, bool>{"a\r\nb\r\n", false}, {"a\r\nb\n", true}, {"a\nb\r\n", false}, {"a", false}}) {
    Spool spool;
    for (const char c : octets) ASSERT_TRUE(spool.write({&c, 1}));
    EXPECT_EQ(lies_as_it_is(spool), as_it_is) << octets;
  }
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
