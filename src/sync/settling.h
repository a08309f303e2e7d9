// When the times of a folder's directories may be believed: the next run then need not list them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "async/task.h"
#include "mailfile/maildir.h"
#include "sync/tree_file.h"

namespace posthorn::sync {

// A sum of all names, whatever their order.
std::uint64_t digest_of(const std::vector<mailfile::MaildirEntry>&);
std::uint64_t digest_of(const mailfile::MaildirEntry&);

// Times are coarse: what changes a directory twice within one tick of its file system's clock may leave one time.  So a folder is listed once
// more, after that clock has gone on: when it holds what it held when both sides were alike, whatever comes later shows.
// Blocking.  Threads: one at a time.
class Settling {
 public:
  // `digest`: of all names that the folder had when both sides were alike.
  void add(std::string mailbox, mailfile::MaildirFolder folder, std::uint64_t digest);
  // Sets the times of those folders that are as they were; waits for some ticks.  `probe`: a file of ours in that file system; its time is changed.
  Task<> finish(KnownFolders&, int probe);

 private:
  struct One {
    std::string mailbox;
    mailfile::MaildirFolder folder;
    std::uint64_t digest;
    mailfile::MaildirFolder::Changed changed = {};
  };
  std::vector<One> folders_;
};

}  // namespace posthorn::sync
