// The identifiers of RFC 8474 as text.  They never change and are never used again.
#pragma once

#include <string>

#include "base/ids.h"

namespace posthorn::store {

// The id of the first message of the conversation that was seen in the account.
using ThreadId = StrongId<struct ThreadIdTag, std::uint64_t>;

// [RFC8474 7] objectid: letters, digits, "-" and "_"; the first letter keeps the kinds apart.
std::string mailbox_object_id(AccountId, MailboxId);  // MAILBOXID, unique in the whole store
std::string email_object_id(MessageId);               // EMAILID
std::string thread_object_id(ThreadId);               // THREADID

}  // namespace posthorn::store
