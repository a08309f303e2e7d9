#include "server/imap/sort_keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace posthorn::imap {
namespace {

std::vector<std::uint32_t> first_order(std::size_t count) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  return order;
}

TEST(SortKeys, NumbersAscendAndAreStableBothWays) {
  SortKeys keys(5);
  for (std::size_t i = 0; const std::int64_t n : {7, -3, 7, 0, -3}) keys.set(i++, n);
  auto order = first_order(5);
  keys.sort(order, false);
  EXPECT_EQ(order, (std::vector<std::uint32_t>{1, 4, 3, 0, 2}));
  order = first_order(5);
  keys.sort(order, true);
  EXPECT_EQ(order, (std::vector<std::uint32_t>{0, 2, 3, 1, 4}));
}

TEST(SortKeys, TextsAsBytesAtRandom) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    std::vector<std::string> texts(random() % 40), others(texts.size());
    for (auto* list : {&texts, &others})
      for (auto& text : *list)
        for (auto n = random() % (round % 3 ? 14 : 40); n > 0; --n) text += "A\xC3"[random() % 8 == 0];
    SortKeys keys(texts.size()), other_keys(texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      keys.set(i, texts[i]);
      other_keys.set(i, others[i]);
    }
    auto order = first_order(texts.size()), want = order;
    const bool reverse = round % 2;
    other_keys.sort(order, false);
    keys.sort(order, reverse);  // the last one counts most
    std::ranges::sort(want, [&](auto a, auto b) {
      if (texts[a] != texts[b]) return reverse ? texts[b] < texts[a] : texts[a] < texts[b];
      if (others[a] != others[b]) return others[a] < others[b];
      return a < b;
    });
    ASSERT_EQ(order, want);
  }
}

}  // namespace
}  // namespace posthorn::imap
