// A mailbox's entries from its rows.
#pragma once

#include "kv/store.h"
#include "store/view.h"

namespace posthorn::store {

// Pages, with the overlay laid over them, of the UIDs before `end`, which is UIDNEXT: from there on are at most rows of a copy that
// is not done (staged_copy.h).  corrupt: a row is damaged.
Task<Result<ViewPtr>> read_view(kv::Store&, AccountId, MailboxId, Uid end, kv::SnapshotPtr at);

}  // namespace posthorn::store
