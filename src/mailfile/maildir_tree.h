// The folders of a Maildir tree, and where they lie.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mailfile/maildir.h"

namespace posthorn::mailfile {

// From the top: {"Archive", "2024"}.  UTF-8, without a separator; {"INBOX"} (in capitals, alone) is the
// INBOX.
using FolderPath = std::vector<std::string>;

enum class MaildirLayout : std::uint8_t {
  maildir_pp,  // the root is the INBOX, "ROOT/.Archive.2024"; modified UTF-7, as Dovecot and Courier have it
  maildir_pp_utf8,  // the same in UTF-8 (mailbox_list_utf8 of Dovecot)
  nested,           // "ROOT/Archive/2024", "ROOT/INBOX" ("Verbatim" of mbsync); UTF-8
};

// INVARIANT 1: no name leads out of the root, or to anything but one component of ours below it: "", ".",
// "..", "/", control characters,
//              leading dots, cur, new, tmp and (in Maildir++) "." are written as %XX, with capitals; "%"
//              itself where two hexadecimal digits follow.
// INVARIANT 2: what was written so is read as the same name again.
// Errc::limit: longer than a file name may be (255 bytes), deeper than 32.
Result<std::string> folder_to_path(const FolderPath&,
                                   MaildirLayout);  // relative to the root; "" is the INBOX of Maildir++
Result<FolderPath> path_to_folder(std::string_view relative, MaildirLayout);

// Blocking.  Threads: any.  Symbolic links are followed for opening, never for removing.
class MaildirTree {
 public:
  // The layout of a tree that is there is found out; `if_new` is for one that is empty or missing, unless it is known
  // how it lay `before`: where all folders have gone it lies so still.  Makes the root.
  static Result<MaildirTree> open(std::string root, MaildirLayout if_new = MaildirLayout::maildir_pp,
                                  std::optional<MaildirLayout> before = {});

  const std::string& root() const { return root_; }
  MaildirLayout layout() const { return layout_; }

  // Those that are Maildirs, in the order of their paths; at most 100,000 (limit).  What cannot be looked at is an
  // error; links to nothing are left out.
  Result<std::vector<FolderPath>> list() const;
  bool exists(const FolderPath&) const;
  // What is left where it would be, or on the way there: half of it, a link that leads nowhere, an empty directory
  // (what a disk may be mounted on).  nullopt: nothing, it is gone.
  Result<std::optional<std::string>> find_rest(const FolderPath&) const;
  Result<MaildirFolder> open_folder(const FolderPath&) const;  // not_found
  Result<MaildirFolder> create(const FolderPath&) const;       // as it is, when it exists
  // With all that are below it.  not_found; exists: the new name or one below it is taken; invalid: INBOX, or
  // into itself.
  Result<void> rename(const FolderPath& from, const FolderPath& to) const;
  // With its messages and what is kept about them (keywords, `.posthorn-*`), without those below it.  `may_go`
  // is asked when nobody can put anything into it any more; busy: it may not, and is where it was.  invalid: the
  // INBOX.
  using MayGo = std::function<Result<bool>(const MaildirFolder&)>;
  Result<void> remove(const FolderPath&, const MayGo& may_go = {}) const;
  // What removals have left that were cut off goes, if it may; those directories that may not, or cannot.  `may_go`
  // gets a folder as remove() gives it.
  Result<std::vector<std::string>> finish_removals(const MayGo& may_go) const;
  Result<std::string> path_of(const FolderPath&) const;

 private:
  Result<void> hide(const std::string& path, const std::string& going) const;
  Result<void> put_back(const std::string& going, const std::string& path) const;
  MaildirTree(std::string root, MaildirLayout layout) : root_(std::move(root)), layout_(layout) {}
  std::string root_;
  MaildirLayout layout_;
};

}  // namespace posthorn::mailfile
