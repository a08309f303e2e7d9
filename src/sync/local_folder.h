// One folder here: its files, their flags as IMAP has them, and their bytes for sending.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "client/imap_types.h"
#include "client/message_source.h"
#include "mailfile/maildir.h"
#include "mailfile/maildir_keywords.h"
#include "sync/match.h"
#include "sync/plan.h"

namespace posthorn::sync {

// Blocking.  Threads: one at a time.
class LocalFolder {
 public:
  static Result<LocalFolder> open(mailfile::MaildirFolder folder);

  const mailfile::MaildirFolder& folder() const { return folder_; }
  const LocalView& view() const { return view_; }
  bool has(const std::string& unique) const { return entries_.contains(unique); }
  std::size_t size() const { return entries_.size(); }
  std::uint64_t octets_of(const std::string& unique);  // of the file; 0: it has vanished
  void add(mailfile::MaildirEntry entry);
  std::uint64_t names() const;  // digest_of() all

  // Letters of file names as flags of IMAP, and back.  "P" is $Forwarded.  A keyword for which there is no letter left is left out.
  imap::FlagList flags_of(MaildirFlags) const;
  Result<MaildirFlags> letters_of(const imap::FlagList&);
  // The letters that can be kept there.
  MaildirFlags kept_by(const client::SelectedMailbox&) const;

  // What came since; false: nothing.  While files are renamed a listing may leave some out [readdir(3)]: it is made again until nothing is,
  // a few times at most.  Who wants to be sure that one is gone looks twice.
  Result<bool> look_again();
  // Makes sure, where that can be done within a second or three: lists when nothing has changed for a while.
  Result<bool> look_in_peace();
  // What no listing shows may be here all the same: files were renamed meanwhile, or so shortly before that times of directories do not tell.
  bool is_doubtful() const { return doubtful_; }

  // What is wanted of a message that has vanished meanwhile is nothing.  A flag that somebody has changed since it was listed stays so;
  // false: there is such a one.
  Result<bool> set_flags(const std::string& unique, MaildirFlags to);
  // false: somebody has changed its flags meanwhile; it is still there.
  Result<bool> remove(const std::string& unique);

  // not_found: it has vanished.
  Result<client::MessageToAppend> to_append(const std::string& unique);
  Result<Fingerprint> fingerprint(const std::string& unique);

 private:
  LocalFolder(mailfile::MaildirFolder folder, mailfile::MaildirKeywords keywords) : folder_(std::move(folder)), keywords_(std::move(keywords)) {}
  void follow(const mailfile::MaildirEntry&);  // its flags may be others now
  mailfile::MaildirFolder folder_;
  mailfile::MaildirKeywords keywords_;
  std::unordered_map<std::string, mailfile::MaildirEntry> entries_;
  LocalView view_;  // of the same
  Result<bool> list();
  bool doubtful_ = true;
};

}  // namespace posthorn::sync
