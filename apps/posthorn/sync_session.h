// What the parts of posthorn sync share.
#pragma once

#include <memory>
#include <optional>

#include "async/task.h"
#include "async/worker_pool.h"
#include "client/imap_connection.h"
#include "mailfile/maildir_tree.h"
#include "progress.h"
#include "sync/sync_types.h"
#include "sync_options.h"

namespace posthorn {

struct SyncSession {
  const SyncCliOptions& options;
  Place server;
  std::optional<client::Credentials> credentials;
  sync::SyncReport report;
  Progress progress;
  WorkerPool pool{2};
};

// Connected; open() comes next.
struct DialedForSync {
  std::unique_ptr<client::ImapConnection> connection;
  std::unique_ptr<net::Connection> stream;
};
Task<Result<DialedForSync>> dial_for_sync(SyncSession&);
sync::SyncOptions options_for_sync(SyncSession&);
// Says what the report has; the exit code.
int tell_of_sync(SyncSession&);

// Before any thread is made: --watch ends by them when nothing is half done.
void block_ending_signals();
void allow_ending_signals();
// --watch: one run after the other, until a signal comes.  sync_watch.cc
int watch_and_sync(SyncSession&, const mailfile::MaildirTree&);

}  // namespace posthorn
