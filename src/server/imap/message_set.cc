#include "server/imap/message_set.h"

#include <algorithm>

namespace posthorn::imap {

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

}  // namespace posthorn::imap
