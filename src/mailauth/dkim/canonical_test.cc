#include "mailauth/dkim/canonical.h"

#include <gtest/gtest.h>

#include <random>

#include "crypto/base64.h"
#include "mailauth/dkim/by_the_book.h"
#include "text/splits.h"

namespace posthorn::mailauth::dkim {
namespace {

using enum Canonicalization;

// As an incremental decoder.
struct ToString {
  BodyCanonicalizer canonicalizer;
  void feed(std::string_view in, std::string& out) {
    const std::string copy(in);  // so that ASan sees a view that is kept
    canonicalizer.feed(copy, [&out](std::string_view s) { out += s; });
  }
  void finish(std::string& out) {
    canonicalizer.finish([&out](std::string_view s) { out += s; });
  }
};

void expect_body(Canonicalization form, std::string_view body, std::string_view expected) {
  text::expect_same_at_every_split([form] { return std::make_unique<ToString>(BodyCanonicalizer(form)); }, body, expected);
}

TEST(DkimCanonical, ExamplesOfTheStandard) {  // [RFC6376 3.4.5]
  EXPECT_EQ(canonical_field(relaxed, "A: X\r\n"), "a:X");
  EXPECT_EQ(canonical_field(relaxed, "B : Y\t\r\n\tZ  \r\n"), "b:Y Z");
  EXPECT_EQ(canonical_field(simple, "A: X\r\n"), "A: X");
  EXPECT_EQ(canonical_field(simple, "B : Y\t\r\n\tZ  \r\n"), "B : Y\t\r\n\tZ  ");
  const std::string body = " C \r\nD \t E\r\n\r\n\r\n";
  expect_body(relaxed, body, " C\r\nD E\r\n");
  expect_body(simple, body, " C \r\nD \t E\r\n");
}

TEST(DkimCanonical, Fields) {
  for (const auto& [field, expected] : {std::pair{"Subject:", "subject:"},
                                        {"SUBJECT \t: \t\r\n", "subject:"},
                                        {"a:b:c : d", "a:b:c : d"},
                                        {"a:\r\n b\r\n \r\n\t\r\n c\r\n", "a:b c"},
                                        {"a: b\r\n", "a:b"},
                                        {"a: B \rC\n D", "a:B \rC\n D"},  // not line ends
                                        {"a: \xc3\xa4\xff\t\t\xff", "a:\xc3\xa4\xff \xff"},
                                        {"nocolon ", "nocolon"}})
    EXPECT_EQ(canonical_field(relaxed, field), expected) << field;
}

TEST(DkimCanonical, Bodies) {
  struct Case {
    std::string_view in, simple_out, relaxed_out;
  };
  const Case cases[] = {
      {"", "\r\n", ""},
      {"\r\n", "\r\n", ""},
      {"\r\n\r\n\r\n", "\r\n", ""},
      {" ", " \r\n", ""},
      {" \r\n\t\r\n", " \r\n\t\r\n", ""},
      {"a", "a\r\n", "a\r\n"},
      {"a\r\n", "a\r\n", "a\r\n"},
      {"a\r\n\r\nb", "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n"},
      {"\r\n\r\na \r\n", "\r\n\r\na \r\n", "\r\n\r\na\r\n"},
      {"a  b\t\tc \t\r\n  \r\n\t\r\n", "a  b\t\tc \t\r\n  \r\n\t\r\n", "a b c\r\n"},
      {"a\r\n \r\n b\r\n", "a\r\n \r\n b\r\n", "a\r\n\r\n b\r\n"},
      // CR and LF by themselves are content
      {"a\n\n", "a\n\n\r\n", "a\n\n\r\n"},
      {"a\r", "a\r\r\n", "a\r\r\n"},
      {"\r", "\r\r\n", "\r\r\n"},
      {"a \r b\r\r\n\r\n", "a \r b\r\r\n", "a \r b\r\r\n"},
      {"a\r\n\rb\r\n\r\n\r\r", "a\r\n\rb\r\n\r\n\r\r\r\n", "a\r\n\rb\r\n\r\n\r\r\r\n"},
      {"a \n b", "a \n b\r\n", "a \n b\r\n"},
  };
  for (const auto& c : cases) {
    expect_body(simple, c.in, c.simple_out);
    expect_body(relaxed, c.in, c.relaxed_out);
  }
}

TEST(DkimCanonical, HashesOfEmptyBodies) {  // [RFC6376 3.4.3] [RFC6376 3.4.4]
  const auto hash = [](Canonicalization form) {
    const auto digest = BodyHash(form).finish();
    return crypto::encode_base64(crypto::view(digest), crypto::Padding::equals);
  };
  EXPECT_EQ(hash(simple), "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
  EXPECT_EQ(hash(relaxed), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

TEST(DkimCanonical, RandomBodiesInRandomPieces) {
  std::mt19937 random(1);
  constexpr std::string_view kAtoms[] = {"\r\n", "\r\n", "\r\n\r\n", " ", "  ", "\t", "\r", "\n", "a", "word", "\xff"};
  for (int round = 0; round < 20'000; ++round) {
    std::string body;
    for (auto n = random() % 24; n > 0; --n) body += kAtoms[random() % std::size(kAtoms)];
    for (const auto form : {simple, relaxed}) {
      ToString to{BodyCanonicalizer(form)};
      std::string out;
      for (std::string_view rest = body; !rest.empty();) {
        const auto n = std::min<std::size_t>(1 + random() % 6, rest.size());
        to.feed(rest.substr(0, n), out);
        rest.remove_prefix(n);
      }
      to.finish(out);
      ASSERT_EQ(out, by_the_book(form, body)) << testing::PrintToString(body);
    }
  }
}

TEST(DkimCanonical, LongLinesAndLongEmptinessCostNoMemory) {
  for (const auto form : {simple, relaxed}) {
    BodyCanonicalizer canonicalizer(form);
    std::size_t total = 0, longest = 0;
    const BodyCanonicalizer::Sink sink = [&](std::string_view s) {
      total += s.size();
      longest = std::max(longest, s.size());
    };
    std::string empty_lines, blanks(100'000, ' ');
    for (int i = 0; i < 50'000; ++i) empty_lines += "\r\n";
    for (int i = 0; i < 20; ++i) canonicalizer.feed(empty_lines, sink);
    for (int i = 0; i < 20; ++i) canonicalizer.feed(blanks, sink);
    EXPECT_LE(total, form == simple ? 4'000'000u : 0u);
    canonicalizer.feed("x", sink);
    canonicalizer.finish(sink);
    EXPECT_EQ(total, 2'000'000u + (form == simple ? 2'000'000u : 1u) + 3u);
    EXPECT_LE(longest, 100'000u);  // a piece as it came, or the buffer
  }
}

}  // namespace
}  // namespace posthorn::mailauth::dkim
