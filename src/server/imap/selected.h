// The selected mailbox as the session has told it to its client.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"
#include "store/account.h"
#include "store/mailbox.h"
#include "store/view.h"

namespace posthorn::imap {

// INVARIANT 1: sequence number n of the client is entry n-1 of `told`.  `told` may hold entries that are gone, until an EXPUNGE may be
//              told [RFC3501 7.4.1].
// INVARIANT 2: every change up to mod_seq is in `told`.
struct Selected {
  store::AccountPtr account;  // the owner's: not the user's own when the mailbox is shared
  MailboxId id;
  bool read_only = false;
  store::Rights rights = store::kAllRights;  // the user's, as the client has been told
  store::AnyoneIn anyone = {};    // they were looked up by
  store::ViewPtr told;
  store::UidSet recent;           // \Recent in this session [RFC3501 2.3.2]
  std::size_t keywords_told = 0;  // how many of MailboxState::keywords the client knows by FLAGS
  ModSeq mod_seq;
  bool holds_back = false;        // `told` has entries that are gone
  store::UidSet saved;            // "$": the result of the last SEARCH (SAVE) [RFC5182]; may name UIDs that have gone

  store::Rights changeable() const { return read_only ? store::Rights() : rights; }
  bool is_recent(Uid uid) const { return store::contains(recent, uid); }
  std::uint32_t count_recent() const;
  void add_recent(store::UidRange range);  // REQUIRES: above all others
};

enum class WithUid : bool { no, yes };
enum class WithModSeq : bool { no, yes };

// "(\Seen $Forwarded)"
void put_flags(std::string& out, const store::Entry&, bool recent, const store::MailboxState&);
// "* FLAGS (...)", and "* OK [PERMANENTFLAGS (...)]" as far as these rights go [RFC4314 5.1.1].
void put_flags_lines(std::string& out, const store::MailboxState&, store::Rights changeable);

}  // namespace posthorn::imap
