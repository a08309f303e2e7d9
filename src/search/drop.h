// Taking the index of a mailbox away; it is made anew when the indexer looks at the mailbox.
#pragma once

#include "async/task.h"
#include "store/account.h"

namespace posthorn::search {

// After damage: rows that cannot be read help nobody.  Says so in the log.
Task<> drop_index(store::AccountPtr, MailboxId);

}  // namespace posthorn::search
