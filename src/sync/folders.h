// The folders of both sides, and what has to be done with them as a whole. Internal to sync.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "async/worker_pool.h"
#include "client/imap_connection.h"
#include "mailfile/maildir_tree.h"
#include "sync/sync_types.h"
#include "sync/tree_file.h"
#include "sync/tree_sync.h"

namespace posthorn::sync {

struct TreeRun {
  client::ImapConnection& connection;
  const mailfile::MaildirTree& tree;
  const SyncOptions& options;
  WorkerPool& pool;
  SyncReport report = {};
  KnownFolders known = {};
  std::map<std::string, client::MailboxInfo> there = {};       // that can be selected
  std::map<std::string, mailfile::FolderPath> here = {};

  void problem(std::string text) { report.problems.push_back(std::move(text)); }
};

// "Archive/2024" as {"Archive", "2024"}, without the prefix that all personal mailboxes have there; nullopt: it cannot be one.
std::optional<mailfile::FolderPath> path_of(const TreeRun&, const std::string& mailbox);

// Of folders that were being removed when a run was killed.
Result<void> finish_removals(TreeRun&);
Task<Result<void>> list_there(TreeRun&);
Result<void> list_here(TreeRun&);
// Folders that were renamed on one side are renamed on the other.
Task<Result<void>> carry_renames(TreeRun&);
// Those that one side has deleted are deleted on the other, unless something is in them that the side that deleted them did not know;
// those that only one side has are made on the other.
Task<Result<void>> carry_folders(TreeRun&);
// Files that were moved from one folder here to another are moved there too, and not sent again.
Task<Result<void>> carry_moves(TreeRun&, const std::set<std::string>& changed);

}  // namespace posthorn::sync
