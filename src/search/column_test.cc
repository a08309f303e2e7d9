#include "search/column.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "search/index_state.h"
#include "search/stored.h"
#include "search/words.h"

namespace posthorn::search {
namespace {

TEST(Block, RoundTrip) {
  std::mt19937 random(2);
  for (int i = 0; i < 200; ++i) {
    BlockBuilder builder;
    std::vector<std::optional<std::string>> rows;
    std::uint32_t uid = 0;
    for (auto n = random() % 40; n > 0; --n) {
      uid += 1 + (random() % 4 == 0 ? static_cast<std::uint32_t>(random() % 100'000'000) : 0);
      rows.push_back(random() % 5 ? std::optional(std::string(random() % 300, static_cast<char>('a' + random() % 3))) : std::nullopt);
      rows.back() ? builder.add(Uid(uid), *rows.back()) : builder.add_not_held(Uid(uid));
    }
    const auto block = Block::decode(builder.encode());
    ASSERT_TRUE(block) << block.error().text;
    ASSERT_EQ(block->size(), rows.size());
    for (std::uint32_t row = 0; row < rows.size(); ++row) {
      EXPECT_EQ(block->holds(row), rows[row].has_value());
      EXPECT_EQ(block->at(row), rows[row].value_or(""));
    }
    if (!rows.empty()) EXPECT_EQ(block->uid(block->size() - 1), Uid(uid));
  }
}

TEST(Stored, DamageShows) {
  for (const auto& plain : {std::string("short"), std::string(5000, 'x') + "compressible", std::string()}) {
    const auto stored = pack(plain);
    EXPECT_EQ(*unpack(stored), plain);
    for (std::size_t i = 0; i < stored.size(); ++i) {
      auto damaged = stored;
      damaged[i] ^= 0x40;
      const auto got = unpack(damaged);
      // Of the flags only one bit means something.
      EXPECT_TRUE(i == 1 || !got) << i;
      EXPECT_FALSE(unpack(stored.substr(0, i)));
    }
  }
}

TEST(IndexState, RoundTrip) {
  const IndexState state{.until = Uid(4'000'000'000), .rows = 77, .rebuilding = true, .words = true, .small = {{Uid(1), 2}, {Uid(513), 400'000}}};
  const auto got = IndexState::decode(state.encode());
  ASSERT_TRUE(got);
  EXPECT_EQ(got->encode(), state.encode());
  EXPECT_EQ(got->small.size(), 2U);
  const auto encoded = state.encode();
  for (std::size_t i = 0; i < encoded.size(); ++i) EXPECT_FALSE(IndexState::decode(encoded.substr(0, i)));
  EXPECT_FALSE(IndexState::decode(encoded + "x"));
}

struct Built {
  Dictionary dictionary;
  std::vector<Postings> postings;

  explicit Built(const WordsBuilder& builder) {
    const auto stored = builder.encode();
    dictionary = Dictionary::decode(stored.dictionary).value();
    for (const auto& p : stored.postings) postings.push_back(Postings::decode(p).value());
  }
  std::vector<std::uint32_t> rows_with(std::string_view needle) const {
    std::vector<bool> has(dictionary.uids().size());
    for (const auto word : dictionary.find(needle)) {
      const auto p = dictionary.postings_of(word);
      postings.at(p).for_each(word - dictionary.first_word(p), [&](std::uint32_t row) { has.at(row) = true; });
    }
    std::vector<std::uint32_t> rows;
    for (std::uint32_t row = 0; row < has.size(); ++row)
      if (has[row]) rows.push_back(row);
    return rows;
  }
};

TEST(Words, ANeedleOfWordBytesIsFoundExactly) {
  std::mt19937 random(4);
  const auto text = [&](std::size_t size) {
    static constexpr std::string_view kLetters = "ABC17\xC3\xA9 \n-._";
    std::string out;
    // Long words too, so that pieces overlap.
    while (out.size() < size) out += random() % 8 ? std::string(1, kLetters[random() % kLetters.size()]) : std::string(random() % 600, 'Q') + "Z";
    return out;
  };
  std::vector<std::string> texts;
  WordsBuilder first, second, whole;
  for (std::uint32_t i = 0; i < 300; ++i) {
    texts.push_back(i % 50 == 0 ? "" : text(random() % 900));
    (i < 100 ? first : second).add(Uid(i + 1), texts.back());
  }
  const Built a(first), b(second);
  ASSERT_TRUE(whole.merge(a.dictionary, a.postings));
  ASSERT_TRUE(whole.merge(b.dictionary, b.postings));
  const Built all(whole);
  EXPECT_EQ(all.dictionary.uids().size(), 300U);
  for (int i = 0; i < 3000; ++i) {
    const auto& from = texts[random() % texts.size()];
    if (from.empty()) continue;
    const auto needle = from.substr(random() % from.size(), 1 + random() % (i % 2 ? 5 : kMaxNeedle));
    const auto words = words_of_needle(needle);
    std::vector<std::uint32_t> expected;
    for (std::uint32_t row = 0; row < texts.size(); ++row)
      if (texts[row].find(needle) != std::string::npos) expected.push_back(row);
    for (const auto& piece : words.pieces) {
      const auto rows = all.rows_with(piece);
      if (words.is_exact) EXPECT_EQ(rows, expected) << needle;
      else EXPECT_TRUE(std::ranges::includes(rows, expected)) << needle;
    }
  }
}

TEST(Words, OfANeedle) {
  const auto pieces = [](std::string_view needle) {
    std::string out;
    for (const auto& piece : words_of_needle(needle).pieces) out += piece + "|";
    return out;
  };
  EXPECT_EQ(pieces("WORD"), "WORD|");
  EXPECT_TRUE(words_of_needle("WORD").is_exact);
  EXPECT_EQ(pieces("THE MEETING-1"), "MEETING|THE|1|");
  EXPECT_FALSE(words_of_needle("WORD ").is_exact);
  EXPECT_EQ(pieces("-- "), "");
  EXPECT_EQ(pieces("A B C D E F").size(), 2 * kMaxPieces);
  EXPECT_EQ(pieces(std::string(100, 'X')).size(), kMaxNeedle + 1);
  EXPECT_FALSE(words_of_needle(std::string(100, 'X')).is_exact);
}

TEST(Words, TooManyWordsOfAMessageAreLookedAt) {
  WordsBuilder builder;
  std::string text;
  for (int i = 0; i < 30'000; ++i) text += "W" + std::to_string(i) + " ";
  builder.add(Uid(5), "FEW");
  builder.add(Uid(7), text);
  builder.add_unread(Uid(9));
  const Built built(builder);
  EXPECT_EQ(built.dictionary.unread(), (std::vector<std::uint32_t>{1, 2}));
  EXPECT_EQ(built.rows_with("FEW"), std::vector<std::uint32_t>{0});
}

}  // namespace
}  // namespace posthorn::search
