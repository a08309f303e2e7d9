// What a server tells of all its mailboxes, and whether it is new.
#pragma once

#include "client/imap_types.h"
#include "sync/sync_types.h"

namespace posthorn::sync {

// Servers tell things twice, and things that do not matter here: what is as it was known, and mailboxes that are not wanted, are no news.
// Threads: one at a time.
class RemoteWatch {
 public:
  // All mailboxes as they are now; true: not as they were known.
  bool look(const client::MailboxStates&, const SyncOptions&);
  // What has been told since; true: something was not known.
  bool hear(const client::Unsolicited&, const SyncOptions&);
  // So many are wanted.
  std::size_t size() const { return known_.size(); }

 private:
  bool hear_status(const imap::MailboxStatusResponse&);
  bool hear_list(const imap::ListResponse&, bool wanted);
  client::MailboxStates known_;  // that are wanted
};

}  // namespace posthorn::sync
