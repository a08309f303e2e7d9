#include "server/imap/search_result.h"

#include <algorithm>
#include <charconv>

namespace posthorn::imap {
namespace {

void put_number(std::string& out, std::uint32_t number) {
  char digits[10];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

}  // namespace

Positions positions_of(ResultRange range, std::size_t results) {
  const std::size_t low = std::min(range.first, range.last), high = std::min<std::size_t>(std::max(range.first, range.last), results);
  if (low > high) return {};
  if (range.from_end) return {results - high, results - low + 1};
  return {low - 1, high};
}

std::vector<std::uint32_t> results_meant(const SearchReturn& options, const std::vector<std::uint32_t>& results) {
  const bool some = options.min || options.max || options.partial;
  if (options.all || options.count || !some || results.empty()) return results;
  Positions part;
  if (options.partial) part = positions_of(*options.partial, results.size());
  const auto last = results.size() - 1;
  std::vector<std::uint32_t> out;
  if (options.min && (part.begin == part.end || part.begin > 0)) out.push_back(results.front());
  out.insert(out.end(), results.begin() + static_cast<std::ptrdiff_t>(part.begin), results.begin() + static_cast<std::ptrdiff_t>(part.end));
  const bool has_last = part.end > last || (options.min && last == 0);
  if (options.max && !has_last) out.push_back(results.back());
  return out;
}

store::UidSet saved_set(std::vector<std::uint32_t> indexes, const store::View& view) {
  std::ranges::sort(indexes);
  IndexRanges ranges;
  for (const auto index : indexes) {
    if (!ranges.empty() && ranges.back().to == index) ++ranges.back().to;
    else ranges.push_back({index, index + 1});
  }
  return uids_of(ranges, view);
}

void RangeWriter::finish() {
  if (first_ == 0) return;
  if (!is_first_) out_ += ',';
  is_first_ = false;
  put_number(out_, first_);
  if (last_ != first_) {
    out_ += ':';
    put_number(out_, last_);
  }
  first_ = 0;
}

}  // namespace posthorn::imap
