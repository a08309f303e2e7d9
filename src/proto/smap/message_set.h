// Which messages a client means: the sets of commands [SMAP1 1.5] and the scope of SEARCH [SMAP1 9.1].
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "proto/smap/words.h"

namespace posthorn::smap {

// Numbers from 1; they may be far beyond the last message.
struct NumberRange {
  std::uint64_t first = 0, last = 0;  // first <= last
  friend bool operator==(const NumberRange&, const NumberRange&) = default;
};
using NumberRanges = std::vector<NumberRange>;  // ascending, disjoint; may touch

// Takes words as long as they begin with a digit; there may be none.  syntax: no range, or not in strictly increasing order.
Result<NumberRanges> take_message_set(Words&);

struct SearchScope {
  enum class Kind { all, marked, unmarked, numbers } kind = Kind::all;
  NumberRanges numbers = {};
};
// syntax: none of the names (in any case), nor a list of numbers and ranges; those may come in any order.
Result<SearchScope> parse_search_scope(std::string_view word);

// Appends "3" or "3-7".
void put_range(std::string& out, std::uint64_t first, std::uint64_t last);

}  // namespace posthorn::smap
