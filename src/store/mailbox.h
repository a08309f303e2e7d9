// What is known of a mailbox without opening it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/entry.h"
#include "store/rights.h"

namespace posthorn::store {

// [RFC6154 2]
enum class SpecialUse : std::uint8_t { none, all, archive, drafts, flagged, junk, sent, trash };

// Immutable.  Counters describe the committed state.
struct MailboxState {
  MailboxId id;
  std::string name;  // UTF-8, levels separated by '/'; "INBOX" in capitals
  UidValidity uid_validity;
  Uid uid_next{1};
  std::uint32_t messages = 0;
  std::uint32_t unseen = 0;    // without \Seen
  std::uint32_t deleted = 0;   // with \Deleted
  std::uint64_t bytes = 0;     // sum of sizes
  std::optional<std::uint64_t> deleted_bytes = 0;  // of those with \Deleted; none: written by an older version, see Account::deleted_bytes
  ModSeq highest_mod_seq{1};
  Uid recent_from{1};          // UIDs from here on no session has been told as \Recent
  SpecialUse special_use = SpecialUse::none;
  std::vector<std::string> keywords;  // bit i of Entry::keywords; only ever appended to
  std::uint32_t overlay_rows = 0;     // rows in the overlay, for folding
  Uid paged_until{0};                 // entries up to this UID have a page on disk
  Acl acl;

  // The owner has every right; others what is granted to anyone and to them, less what is taken from either [RFC4314 2].
  Rights rights_of(AccountId who, AccountId owner, const AnyoneIn& = {}) const;
};
using MailboxStatePtr = std::shared_ptr<const MailboxState>;

// The system flags that someone with these rights may set and clear: s \Seen, t \Deleted, w everything else, keywords too [RFC4314 4].
std::uint8_t changeable_flags(Rights);

// A mailbox name is valid when: not empty, at most 1,000 bytes, valid UTF-8 without control characters, no empty level (no leading,
// trailing or doubled '/'), no level longer than 255 bytes, at most 100 levels.  "inbox" in any case becomes "INBOX" (as first level too), and characters
// take Normalization Form C, whichever way a client composes them [RFC9051 5.1].
Result<std::string> normal_mailbox_name(std::string_view name);
// For a mailbox that is to get the name: U+0080-U+009F, U+2028 and U+2029 are not valid either [RFC6855 3]; older mailboxes may have them.
Result<std::string> new_mailbox_name(std::string_view name);

}  // namespace posthorn::store
