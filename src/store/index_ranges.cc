#include "store/index_ranges.h"

#include <utility>

namespace posthorn::store {

std::uint32_t index_after(const View& view, Uid uid) {
  return uid.value() == 0xFFFFFFFF ? view.size() : view.lower_bound(Uid(uid.value() + 1));
}

void add(IndexRanges& out, IndexRange range) {
  if (range.from >= range.to) return;
  if (!out.empty() && out.back().to == range.from) out.back().to = range.to;
  else out.push_back(range);
}

IndexRanges indexes_of(const UidSet& uids, const View& view) {
  IndexRanges out;
  for (const auto& range : uids) add(out, {view.lower_bound(range.first), index_after(view, range.last)});
  return out;
}

std::uint64_t count(const IndexRanges& ranges) {
  std::uint64_t n = 0;
  for (const auto& range : ranges) n += range.to - range.from;
  return n;
}

UidSet uids_of(const IndexRanges& ranges, const View& view) {
  std::vector<UidRange> out;
  out.reserve(ranges.size());
  for (const auto& range : ranges) out.push_back({view.at(range.from).uid, view.at(range.to - 1).uid});
  return make_uid_set(std::move(out));
}

std::uint64_t count_gone(const IndexRanges& ranges, const View& told, const View& now) {
  std::uint64_t still_there = 0;
  for (const auto& range : ranges)
    still_there += index_after(now, told.at(range.to - 1).uid) - now.lower_bound(told.at(range.from).uid);
  return count(ranges) - still_there;
}

}  // namespace posthorn::store
