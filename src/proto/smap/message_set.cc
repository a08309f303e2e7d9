#include "proto/smap/message_set.h"

#include <algorithm>
#include <optional>

#include "text/ascii.h"

namespace posthorn::smap {
namespace {

constexpr std::size_t kMaxDigits = 18;

std::optional<std::uint64_t> take_number(std::string_view& in) {
  std::uint64_t number = 0;
  std::size_t digits = 0;
  for (; digits < in.size() && text::is_digit(in[digits]); ++digits) {
    if (digits == kMaxDigits) return {};
    number = number * 10 + static_cast<std::uint64_t>(in[digits] - '0');
  }
  in.remove_prefix(digits);
  if (digits == 0 || number == 0) return {};
  return number;
}

std::optional<NumberRange> parse_range(std::string_view word) {
  const auto first = take_number(word);
  if (!first) return {};
  if (word.empty()) return NumberRange{*first, *first};
  if (!word.starts_with('-')) return {};
  word.remove_prefix(1);
  const auto last = take_number(word);
  if (!last || !word.empty() || *last < *first) return {};
  return NumberRange{*first, *last};
}

NumberRanges in_order(NumberRanges ranges) {
  std::ranges::sort(ranges, {}, &NumberRange::first);
  NumberRanges out;
  for (const auto& range : ranges) {
    if (!out.empty() && range.first <= out.back().last) out.back().last = std::max(out.back().last, range.last);
    else out.push_back(range);
  }
  return out;
}

}  // namespace

Result<NumberRanges> take_message_set(Words& words) {
  NumberRanges set;
  while (!words.peek().empty() && text::is_digit(words.peek().front())) {
    const auto range = parse_range(words.take());
    if (!range) return fail(Errc::syntax, "Invalid message number");
    if (!set.empty() && range->first <= set.back().last) return fail(Errc::syntax, "Message numbers must be in increasing order");
    set.push_back(*range);
  }
  return set;
}

Result<SearchScope> parse_search_scope(std::string_view word) {
  using Kind = SearchScope::Kind;
  if (text::iequals(word, "ALL")) return SearchScope{.kind = Kind::all};
  if (text::iequals(word, "MARKED")) return SearchScope{.kind = Kind::marked};
  if (text::iequals(word, "UNMARKED")) return SearchScope{.kind = Kind::unmarked};
  NumberRanges ranges;
  while (true) {
    const auto comma = std::min(word.find(','), word.size());
    const auto range = parse_range(word.substr(0, comma));
    if (!range) return fail(Errc::syntax, "Invalid scope of the search");
    ranges.push_back(*range);
    if (comma == word.size()) break;
    word.remove_prefix(comma + 1);
  }
  return SearchScope{.kind = Kind::numbers, .numbers = in_order(std::move(ranges))};
}

void put_range(std::string& out, std::uint64_t first, std::uint64_t last) {
  out += std::to_string(first);
  if (last != first) out.append("-").append(std::to_string(last));
}

}  // namespace posthorn::smap
