// COPY of more messages than one commit should hold, within an account. [RFC9051 6.4.7] All or none of them, whatever fails and whenever
// the process ends; and nobody sees some of them only.
//
//   1. Slice by slice, pages of entries with UIDs from UIDNEXT on, with the references to their messages, are committed.  Nobody reads so
//      far; the account's row says in which mailbox they are (Account::Core::staging).
//   2. One small commit moves UIDNEXT behind them.
//   3. What is there from UIDNEXT on after a failure or a crash is taken back, slice by slice, before anything else is changed.
//
// The account's lock is held all the time.
#pragma once

#include "store/change.h"

namespace posthorn::store {

// All but the last commit.  After an error the change is to be given up.
// REQUIRES: room and UIDs have been looked at; change.edit(to) is not null.
Task<Result<CopyResult>> stage_copy(Change&, const MailboxState& source, ViewPtr from, UidSet, MailboxId to, Rights at_target);

// Step 3.  REQUIRES: nothing has been done with the change.
Task<Result<void>> take_back_staged(Change&);

}  // namespace posthorn::store
