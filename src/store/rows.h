// The rows of an account: their keys and values (docs/formats/store.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/mailbox.h"
#include "store/object_id.h"
#include "store/view.h"

namespace posthorn::store {

// Keys
std::string mailbox_key(MailboxId);
std::string entry_key(MailboxId, Uid);     // of Space::entry and Space::entry_page (the page's first UID when it was made)
std::string message_key(MessageId);
std::string after_mailbox_key(MailboxId);  // the first key behind all of a mailbox's entries
std::string share_key(AccountId owner, MailboxId);
Result<MailboxId> mailbox_of_key(std::string_view);
Result<Uid> uid_of_key(std::string_view);  // of an entry key

// Values.  Every decode answers `corrupt` on damage.
std::string encode_mailbox(const MailboxState&);
Result<MailboxState> decode_mailbox(MailboxId, std::string_view);
std::string encode_entry(const Entry&);                      // overlay row; an empty value is a tombstone
Result<Entry> decode_entry(Uid, std::string_view);
std::string encode_message(ThreadId, std::string_view summary);  // of an encoded summary
struct MessageRow {
  ThreadId thread;
  std::string_view summary;  // in the row
};
Result<MessageRow> decode_message(MessageId, std::string_view);
std::string encode_uids(const UidSet&);
Result<UidSet> decode_uids(std::string_view);

std::string encode_refs(std::uint64_t count);                  // Space::message_refs; a message without a row has one entry
std::uint64_t decode_refs(std::string_view);                 // REQUIRES: 8 bytes

// The change log: key (mod-sequence, mailbox, kind), value the UIDs, or nothing for changes of the mailbox itself.
enum class ChangeKind : std::uint8_t { added = 1, flags = 2, removed = 3, created = 4, deleted = 5, renamed = 6, subscription = 7, rights = 8 };
std::string change_key(ModSeq, MailboxId, ChangeKind);

}  // namespace posthorn::store
