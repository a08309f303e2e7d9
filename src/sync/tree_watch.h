// Hears of changes in a Maildir tree. [inotify(7)]
#pragma once

#include <set>
#include <string>

#include "base/result.h"
#include "mailfile/file.h"
#include "mailfile/maildir_tree.h"

namespace posthorn::sync {

// Threads: one at a time; fd() may be polled by another.
class TreeWatch {
 public:
  static Result<TreeWatch> open();
  // All folders that are there now, and the root for new ones.  Again after each run: what is watched already stays so.
  // limit: the system gives no more watches.
  Result<void> cover(const mailfile::MaildirTree&);
  // Readable when something has happened.
  int fd() const { return file_.fd(); }
  // Takes what has happened; true: a message or folder came, went or was renamed.  Waits for nothing.
  bool drain();

 private:
  explicit TreeWatch(mailfile::File file) : file_(std::move(file)) {}
  Result<void> add(const std::string& path);
  mailfile::File file_;
  std::set<int> folders_;  // watches of cur and new; others are of directories that hold folders
};

}  // namespace posthorn::sync
