// From the sets a client names to entries of the told view.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "proto/imap/sequence_set.h"
#include "server/imap/selected.h"
#include "store/view.h"

namespace posthorn::imap {

// Indexes [from, to) of a view.
struct IndexRange {
  std::uint32_t from = 0, to = 0;
  friend bool operator==(const IndexRange&, const IndexRange&) = default;
};
using IndexRanges = std::vector<IndexRange>;  // ascending, disjoint, none empty

enum class Numbers : bool { sequence, uid };

// UIDs that nobody has are passed over [RFC3501 6.4.8]; a sequence number above EXISTS is Errc::syntax [RFC3501 9] seq-number.
// [RFC5182 2.1] "$" is what of the saved result is still there, sequence or UID set alike.
Result<IndexRanges> resolve(const SequenceSet&, Numbers, const Selected&);
// [RFC3501 9] Departure: as a search key, numbers that no message has match nothing; clients search 1:* in empty mailboxes.
IndexRanges resolve_for_search(const SequenceSet&, Numbers, const Selected&);

IndexRanges indexes_of(const store::UidSet&, const store::View& told);

std::uint64_t count(const IndexRanges&);

// The UIDs of those entries.  A range of entries is one range of UIDs: nothing is ever put between them.
store::UidSet uids_of(const IndexRanges&, const store::View& told);

// How many of those entries are gone from `now`.
std::uint64_t count_gone(const IndexRanges&, const store::View& told, const store::View& now);

}  // namespace posthorn::imap
