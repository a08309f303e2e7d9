#include "proto/imap/sequence_set.h"

#include <algorithm>

#include "base/result.h"

namespace posthorn::imap {

NumberSet::NumberSet(std::vector<NumberRange> ranges) : ranges_(std::move(ranges)) {
  std::sort(ranges_.begin(), ranges_.end(), [](NumberRange a, NumberRange b) { return a.first < b.first; });
  std::size_t used = 0;
  for (const auto r : ranges_) {
    // Touching ranges become one; 64 bits, because last may be 2^32-1.
    if (used > 0 && r.first <= std::uint64_t{ranges_[used - 1].last} + 1)
      ranges_[used - 1].last = std::max(ranges_[used - 1].last, r.last);
    else
      ranges_[used++] = r;
  }
  ranges_.resize(used);
}

std::uint64_t NumberSet::size() const {
  std::uint64_t n = 0;
  for (const auto r : ranges_) n += std::uint64_t{r.last} - r.first + 1;
  return n;
}

bool NumberSet::contains(std::uint32_t number) const {
  const auto it = std::lower_bound(ranges_.begin(), ranges_.end(), number,
                                   [](NumberRange r, std::uint32_t n) { return r.last < n; });
  return it != ranges_.end() && it->first <= number;
}

void NumberSet::push_back(NumberRange range) {
  CHECK(range.first <= range.last && (ranges_.empty() || range.first > ranges_.back().last));
  if (!ranges_.empty() && range.first == ranges_.back().last + 1)
    ranges_.back().last = range.last;
  else
    ranges_.push_back(range);
}

bool SequenceSet::has_star() const {
  return std::any_of(items_.begin(), items_.end(),
                     [](Item i) { return i.first == kStar || i.last == kStar; });
}

std::uint32_t SequenceSet::max_number() const {
  std::uint32_t max = 0;  // kStar is 0 and so never the largest
  for (const auto i : items_) max = std::max({max, i.first, i.last});
  return max;
}

NumberSet SequenceSet::resolve(std::uint32_t star) const {
  std::vector<NumberRange> ranges;
  ranges.reserve(items_.size());
  for (const auto item : items_) {
    auto first = item.first == kStar ? star : item.first;
    auto last = item.last == kStar ? star : item.last;
    // Only "*" in an empty mailbox is 0 here.
    if (first == 0) first = last;
    if (last == 0) last = first;
    if (first == 0) continue;
    ranges.push_back({std::min(first, last), std::max(first, last)});
  }
  return NumberSet(std::move(ranges));
}

NumberSet intersect(const NumberSet& set, NumberRange bounds) {
  NumberSet out;
  for (const auto r : set.ranges()) {
    const NumberRange cut{std::max(r.first, bounds.first), std::min(r.last, bounds.last)};
    if (cut.first <= cut.last) out.push_back(cut);
  }
  return out;
}

void put_number_set(std::string& out, const NumberSet& set) {
  CHECK(!set.empty());
  bool first = true;
  for (const auto r : set.ranges()) {
    if (!first) out += ',';
    first = false;
    out += std::to_string(r.first);
    if (r.last == r.first) continue;
    out += ':';
    out += std::to_string(r.last);
  }
}

void put_sequence_set(std::string& out, const SequenceSet& set) {
  const auto put = [&out](std::uint32_t n) { out += n == SequenceSet::kStar ? "*" : std::to_string(n); };
  if (set.is_saved_result()) out += '$';
  bool first = true;
  for (const auto i : set.items()) {
    if (!first) out += ',';
    first = false;
    put(i.first);
    if (i.last == i.first) continue;
    out += ':';
    put(i.last);
  }
}

}  // namespace posthorn::imap
