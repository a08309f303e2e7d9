// Entries of a view, by their places in it.
#pragma once

#include <cstdint>
#include <vector>

#include "store/view.h"

namespace posthorn::store {

// Indexes [from, to) of a view.
struct IndexRange {
  std::uint32_t from = 0, to = 0;
  friend bool operator==(const IndexRange&, const IndexRange&) = default;
};
using IndexRanges = std::vector<IndexRange>;  // ascending, disjoint, none empty

// Adds a range behind the others; touching ones become one, empty ones nothing.
void add(IndexRanges&, IndexRange);

IndexRanges indexes_of(const UidSet&, const View&);

std::uint64_t count(const IndexRanges&);

// The UIDs of those entries.  A range of entries is one range of UIDs: nothing is ever put between them.
UidSet uids_of(const IndexRanges&, const View&);

// How many of those entries are gone from `now`.
std::uint64_t count_gone(const IndexRanges&, const View& told, const View& now);

// The index of the first entry with a higher UID.
std::uint32_t index_after(const View&, Uid);

}  // namespace posthorn::store
