// A whole Maildir tree and an account.
#pragma once

#include "async/task.h"
#include "client/imap_connection.h"
#include "mailfile/maildir_tree.h"
#include "sync/sync_types.h"

namespace posthorn::sync {

// Do the options take this mailbox?
bool is_wanted(const SyncOptions&, std::string_view mailbox);

// As it was laid out the last time, unless what is in it plainly says otherwise: sync_tree() refuses that.
Result<mailfile::MaildirTree> open_tree(const std::string& root, mailfile::MaildirLayout if_new);

// Makes both sides alike: folders first (new, renamed, deleted), then the messages of each that has changed.  A tree of any size in which
// nothing has changed costs one round trip, where the server has CONDSTORE and LIST-STATUS.
// Errors are those that end the run: busy: another run is at work on this tree; denied: it belongs to another account, or is not laid out
// as it was; those of the connection; no_space and io of the disk.  What was done until then stays done; the next run goes on.
// REQUIRES: the connection is open.  Blocks on the disk.
Task<Result<SyncReport>> sync_tree(client::ImapConnection&, const mailfile::MaildirTree&, const SyncOptions&);

}  // namespace posthorn::sync
