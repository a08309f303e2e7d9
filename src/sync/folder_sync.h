// One folder and one mailbox, until both are alike.
#pragma once

#include <optional>

#include "async/task.h"
#include "async/worker_pool.h"
#include "client/imap_connection.h"
#include "mailfile/maildir.h"
#include "sync/journal.h"
#include "sync/sync_types.h"

namespace posthorn::sync {

// As both sides were when they were last alike; all 0 when they are not.
struct Agreed {
  std::uint32_t uid_validity = 0, uid_next = 0, messages = 0;
  std::uint64_t mod_seq = 0;
};
struct Alike {
  Agreed agreed;
  std::uint64_t names = 0;  // of the files here then: digest_of()
  std::string mailbox_id;   // empty: the server has none
};

struct FolderJob {
  client::ImapConnection& connection;
  const SyncOptions& options;
  SyncReport& report;
  WorkerPool& pool;  // for the disk
  std::string mailbox;
  mailfile::MaildirFolder folder;
  std::string mailbox_id;  // that it had the last time; with another one nothing that is known concerns it.  Empty: none is known
  bool may_empty = false;  // a folder whose purpose it is to be emptied: trash, junk
};

// Errors are those after which nothing more can be done on this connection or disk; what concerns single messages is in the report.
//
// INVARIANT 1: nothing is deleted on one side unless the other had deleted it, and nothing changed there since both were alike.
// INVARIANT 2: killed at any instant, the next run neither loses nor doubles a message.
// INVARIANT 3: when the UIDVALIDITY is another, nothing is deleted: messages are matched, and what has no match is new.
Task<Result<Alike>> sync_folder(FolderJob);

}  // namespace posthorn::sync
