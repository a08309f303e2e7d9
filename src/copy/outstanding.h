// Which messages of a source were to come to a folder with their UIDs and have not, though the target gives higher ones since. [docs/formats/copy.md]
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "async/worker_pool.h"
#include "base/result.h"
#include "copy/mail_place.h"
#include "proto/imap/sequence_set.h"

namespace posthorn::copy {

// INVARIANT: before anything is copied into a folder all of it stands here, and all UIDs above the last one at the source; what came is taken out when
// the folder is done.  So a UID that the target lacks, below its UIDNEXT, was there and has been deleted if the folder is known and the UID does not
// stand here.
// Threads: one reactor's; files are written on the pool.
class Outstanding {
 public:
  // `path`: of the file about the target; empty: nothing is known, and nothing kept.  `source`: two may have the same UIDVALIDITY, and are kept apart
  // by what they are called.  Reads it; blocking.
  static Result<Outstanding> open(std::string path, std::string source, WorkerPool&);

  // nullptr: nobody has kept count of what goes from that folder to that one under that UIDVALIDITY.  Valid until the next set().
  const imap::NumberSet* find(const FolderPath& from, const FolderPath& to, std::uint32_t uid_validity) const;
  // On the disk when it returns.
  Task<Result<void>> set(FolderPath from, FolderPath to, std::uint32_t uid_validity, imap::NumberSet);

 private:
  Outstanding(std::string path, std::string source, WorkerPool& workers) : path_(std::move(path)), source_(std::move(source)), workers_(workers) {}
  std::string key_of(const FolderPath& from, const FolderPath& to) const;
  void take_line(std::string_view line);
  std::string text() const;

  struct Folder {
    std::uint32_t uid_validity = 0;
    imap::NumberSet uids;
  };
  const std::string path_, source_;
  WorkerPool& workers_;
  std::map<std::string, Folder> folders_;  // by key_of(): names may hold anything
};

}  // namespace posthorn::copy
