// A mailbox's entries from its rows.
#pragma once

#include "kv/store.h"
#include "store/view.h"

namespace posthorn::store {

// Pages, with the overlay laid over them.  corrupt: a row is damaged.
Task<Result<ViewPtr>> read_view(kv::Store&, AccountId, MailboxId, kv::SnapshotPtr at);

}  // namespace posthorn::store
