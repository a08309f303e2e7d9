#include "server/imap/search_result.h"

#include <gtest/gtest.h>

namespace posthorn::imap {
namespace {

// [RFC5182 2.4] [RFC9394 3.2] The tables of what "$" stands for.
TEST(SearchResult, WhatIsMeant) {
  struct Case {
    SearchReturn options;
    std::vector<std::uint32_t> meant;
  };
  const std::vector<std::uint32_t> results{1, 3, 5, 7, 9}, ends{1, 9};
  const ResultRange second{2, 2}, first_two{1, 2}, last_two{1, 2, true}, beyond{6, 9};
  for (const auto& c : {
           Case{{.save = true}, results},
           Case{{.min = true}, {1}},
           Case{{.max = true}, {9}},
           Case{{.min = true, .max = true}, ends},
           Case{{.min = true, .all = true}, results},
           Case{{.max = true, .count = true}, results},
           Case{{.partial = second}, {3}},
           Case{{.min = true, .partial = second}, {1, 3}},
           Case{{.max = true, .partial = second}, {3, 9}},
           Case{{.min = true, .max = true, .partial = second}, {1, 3, 9}},
           Case{{.min = true, .max = true, .partial = first_two}, {1, 3, 9}},
           Case{{.min = true, .max = true, .partial = last_two}, {1, 7, 9}},
           Case{{.partial = beyond}, {}},
           Case{{.min = true, .max = true, .partial = beyond}, ends},
           Case{{.count = true, .partial = second}, results},
       })
    EXPECT_EQ(results_meant(c.options, results), c.meant);
  EXPECT_EQ(results_meant({.min = true, .max = true}, {4}), (std::vector<std::uint32_t>{4}));
  EXPECT_TRUE(results_meant({.min = true, .max = true, .partial = second}, {}).empty());
}

TEST(SearchResult, Positions) {
  struct Case {
    ResultRange range;
    std::size_t results, begin, end;
  };
  for (const auto& c : {Case{{1, 3}, 5, 0, 3}, Case{{4, 8}, 5, 3, 5}, Case{{6, 8}, 5, 0, 0}, Case{{1, 3, true}, 5, 2, 5}, Case{{4, 8, true}, 5, 0, 2},
                        Case{{6, 8, true}, 5, 0, 0}, Case{{1, 1}, 0, 0, 0}, Case{{1, 1, true}, 1, 0, 1}}) {
    const auto p = positions_of(c.range, c.results);
    EXPECT_EQ(p.begin, c.begin);
    EXPECT_EQ(p.end, c.end);
  }
}

// [RFC5267 3.2] Ranges ascend, whatever the order is.
TEST(SearchResult, Ranges) {
  std::string out;
  RangeWriter ranges(out);
  for (const auto n : {7U, 8U, 9U, 3U, 2U, 1U, 4U, 5U, 4294967295U}) ranges.add(n);
  ranges.finish();
  EXPECT_EQ(out, "7:9,3,2,1,4:5,4294967295");
}

}  // namespace
}  // namespace posthorn::imap
