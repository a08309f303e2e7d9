// What is known of one folder: which message there is which file here, and what both sides had when they were last alike.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "mailfile/file.h"
#include "mailfile/maildir_name.h"
#include "sync/lines.h"

namespace posthorn::sync {

using mailfile::MaildirFlags;

struct KnownMessage {
  MaildirFlags flags;  // of both sides, when they were last alike
  std::string unique;  // of its file
};

struct FolderState {
  std::string mailbox;             // there, in UTF-8; empty: nothing is known
  std::uint32_t uid_validity = 0;
  std::uint64_t mod_seq = 0;       // 0: nothing is sealed
  std::unordered_map<std::uint32_t, KnownMessage> messages;   // by UID
  std::unordered_map<std::string, std::uint32_t> by_unique;   // the UIDs of their files
  std::map<std::uint32_t, KnownMessage> downloads;            // begun: their files may be there, or not
  std::unordered_set<std::string> uploads;                    // begun: they may be there, or not
  std::unordered_set<std::string> taken;                      // those of them that are there, under UIDs that nobody has told
};

// The file `.posthorn-sync` of a folder. docs/formats/sync.md
// Blocking.  Threads: one at a time.
//
// INVARIANT 1: what a line says is in state() at once, in the file after write(), and on the disk after sync().
// INVARIANT 2: each UID has one file and each file one UID.
// INVARIANT 3: nothing is ever written behind a line that is not whole.
class Journal {
 public:
  // No file, or one that is damaged anywhere but at its end: nothing is known.  denied: it belongs to another account.
  static Result<Journal> open(const std::string& folder, std::string account);

  const FolderState& state() const { return state_; }
  // Forgets everything; the file is written anew, durably.
  Result<void> begin(std::string mailbox, std::uint32_t uid_validity);
  // The mailbox is called otherwise now; durable.  REQUIRES: its messages have the UIDs that they had.
  Result<void> rename(std::string mailbox);
  // The file is as state() says, with all that was put, or as before: for what must not be known in part.  Durable.
  Result<void> replace();

  void put_message(std::uint32_t uid, MaildirFlags flags, std::string unique);
  void put_gone(std::uint32_t uid);
  void put_download(std::uint32_t uid, MaildirFlags flags, std::string unique);
  void put_upload(std::string unique);
  void put_taken(std::string unique);
  void put_no_upload(std::string unique);
  void put_seal(std::uint64_t mod_seq);

  Result<void> write();
  Result<void> sync();
  // For who syncs it together with other files.  REQUIRES: write() came before.
  int fd() const { return file_.fd(); }
  // Replaces the file by a short one, when it is worth it.
  Result<void> tidy();

  static constexpr std::string_view kName = ".posthorn-sync";

 private:
  Journal(std::string path, std::string account) : path_(std::move(path)), account_(std::move(account)) {}
  Result<void> read();
  bool take(const Fields& fields);
  Result<void> reopen();
  void set(std::uint32_t uid, KnownMessage);
  void erase(std::uint32_t uid);
  void erase_upload(const std::string& unique);

  std::string path_, account_;
  FolderState state_;
  mailfile::File file_;
  std::string pending_;      // not written yet
  std::size_t lines_ = 0;    // in the file
};

}  // namespace posthorn::sync
