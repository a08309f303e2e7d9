// What the steps of one folder's run share. Internal to sync.
#pragma once

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "sync/folder_sync.h"
#include "sync/local_folder.h"
#include "sync/plan.h"

namespace posthorn::sync {

struct FolderRun {
  FolderJob& job;
  Journal journal;
  LocalFolder local;
  client::SelectedMailbox mailbox = {};
  bool fresh = false;  // `mailbox` is of a SELECT whose answer nobody has looked at
  RemoteView remote = {};
  bool complete = true;  // all that was to be done was done
  bool again = false;       // somebody has changed something meanwhile
  bool one_by_one = false;  // the server has refused several messages together

  // What another pass finds again is said once.
  void problem(std::string text) {
    complete = false;
    auto line = job.mailbox + ": " + std::move(text);
    auto& said = job.report.problems;
    if (std::ranges::find(said, line) == said.end()) said.push_back(std::move(line));
  }
};

// remote_view.cc.  SELECT; with it comes what has changed since the journal was sealed, where the server can.
Task<Result<client::SelectedMailbox>> select_there(const FolderJob&, const FolderState&);
// What is there or has changed; the journal begins anew when the UIDVALIDITY is another.
Task<Result<void>> look_there(FolderRun&);
// matching.cc.  Files and UIDs of which nobody knows whether they are the same: all of them after a new beginning, else what was being
// transferred when a run ended.
Task<Result<void>> match_unknown(FolderRun&);
// uploads.cc
Task<Result<void>> upload(FolderRun&, std::vector<std::string> uniques);

}  // namespace posthorn::sync
