// From the sets a client names to entries of the told view.
#pragma once

#include "base/result.h"
#include "proto/imap/sequence_set.h"
#include "server/imap/selected.h"
#include "store/index_ranges.h"

namespace posthorn::imap {

using store::IndexRange;
using store::IndexRanges;

enum class Numbers : bool { sequence, uid };

// UIDs that nobody has are passed over [RFC3501 6.4.8]; a sequence number above EXISTS is Errc::syntax [RFC3501 9] seq-number.
// [RFC5182 2.1] "$" is what of the saved result is still there, sequence or UID set alike.
Result<IndexRanges> resolve(const SequenceSet&, Numbers, const Selected&);
// [RFC3501 9] Departure: as a search key, numbers that no message has match nothing; clients search 1:* in empty mailboxes.
IndexRanges resolve_for_search(const SequenceSet&, Numbers, const Selected&);

}  // namespace posthorn::imap
