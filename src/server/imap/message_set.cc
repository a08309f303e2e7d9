#include "server/imap/message_set.h"

#include <algorithm>

namespace posthorn::imap {
namespace {

std::uint32_t index_after(const store::View& view, Uid uid) {
  return uid.value() == 0xFFFFFFFF ? view.size() : view.lower_bound(Uid(uid.value() + 1));
}

// Adds a range behind the others; touching ones become one.
void add(IndexRanges& out, IndexRange range) {
  if (range.from >= range.to) return;
  if (!out.empty() && out.back().to == range.from) out.back().to = range.to;
  else out.push_back(range);
}

}  // namespace

IndexRanges indexes_of(const store::UidSet& uids, const store::View& told) {
  IndexRanges out;
  for (const auto& range : uids) add(out, {told.lower_bound(range.first), index_after(told, range.last)});
  return out;
}

Result<IndexRanges> resolve(const SequenceSet& set, Numbers numbers, const Selected& selected) {
  const auto& told = *selected.told;
  if (set.is_saved_result()) return indexes_of(selected.saved, told);
  IndexRanges out;
  if (numbers == Numbers::sequence) {
    if (set.max_number() > told.size() || (told.empty() && set.has_star()))
      return fail(Errc::syntax, "There is no message with that number");
    for (const auto& range : set.resolve(told.size()).ranges()) out.push_back({range.first - 1, range.last});
    return out;
  }
  if (told.empty()) return out;
  for (const auto& range : set.resolve(told.last_uid().value()).ranges())
    add(out, {told.lower_bound(Uid(range.first)), index_after(told, Uid(range.last))});
  return out;
}

IndexRanges resolve_for_search(const SequenceSet& set, Numbers numbers, const Selected& selected) {
  const auto& told = *selected.told;
  if (numbers == Numbers::uid || set.is_saved_result()) return resolve(set, numbers, selected).value_or(IndexRanges{});
  IndexRanges out;
  if (told.empty()) return out;
  for (const auto& range : set.resolve(told.size()).ranges())
    if (range.first <= told.size()) out.push_back({range.first - 1, std::min(range.last, told.size())});
  return out;
}

std::uint64_t count(const IndexRanges& ranges) {
  std::uint64_t n = 0;
  for (const auto& range : ranges) n += range.to - range.from;
  return n;
}

store::UidSet uids_of(const IndexRanges& ranges, const store::View& told) {
  std::vector<store::UidRange> out;
  out.reserve(ranges.size());
  for (const auto& range : ranges) out.push_back({told.at(range.from).uid, told.at(range.to - 1).uid});
  return store::make_uid_set(std::move(out));
}

std::uint64_t count_gone(const IndexRanges& ranges, const store::View& told, const store::View& now) {
  std::uint64_t still_there = 0;
  for (const auto& range : ranges)
    still_there += index_after(now, told.at(range.to - 1).uid) - now.lower_bound(told.at(range.from).uid);
  return count(ranges) - still_there;
}

}  // namespace posthorn::imap
