// The open folder as the session has shown it to its client. [SMAP1 5]
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/ids.h"
#include "proto/smap/message_set.h"
#include "store/account.h"
#include "store/index_ranges.h"
#include "store/mailbox.h"
#include "store/view.h"

namespace posthorn::smap {

// INVARIANT 1: message n of the client is entry n-1 of `told`, which only the five commands of [SMAP1 5.2] bring up to date.  The session's own
//              changes of flags are in it at once.  Entries may be gone from the store.
// INVARIANT 2: every change up to mod_seq is in `told`.
struct OpenFolder {
  store::AccountPtr account;  // the owner's: not the user's own when the folder is shared
  MailboxId id;
  store::Rights rights;       // the user's; looked at again before every command
  store::AnyoneIn anyone = {};
  store::ViewPtr told;
  ModSeq mod_seq = {};

  bool makes_snapshots = false;         // opened by SOPEN [SMAP1 5.6]
  std::optional<ModSeq> snapshot = {};  // the client has one of this moment

  // Null: the mailbox has been deleted.
  store::MailboxStatePtr state() const { return account->mailbox(id); }
};

// The entries of `told` that a set names; numbers that no message has are passed over [SMAP1 1.5].
store::IndexRanges indexes_of(const NumberRanges&, const store::View& told);

// "1700000000/42" [SMAP1 15]
std::string uid_word(UidValidity, Uid);

// "FLAGS=SEEN,MARKED", and "\"KEYWORDS=a,b\"", without a space before.
void put_flags(std::string& out, const store::Entry&);
void put_keywords(std::string& out, const store::Entry&, const store::MailboxState&);

}  // namespace posthorn::smap
