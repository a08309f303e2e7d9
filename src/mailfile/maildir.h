// One folder of a Maildir: cur, new and tmp. [https://cr.yp.to/proto/maildir.html]
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "mailfile/file.h"
#include "mailfile/maildir_name.h"

namespace posthorn::mailfile {

struct MaildirEntry {
  MaildirName name;
  bool is_new = false;  // in "new": no reader has seen it
  friend bool operator==(const MaildirEntry&, const MaildirEntry&) = default;
};

class MaildirDraft;

// Blocking: a reactor calls it on a WorkerPool.  Threads: any, one call at a time for one entry; other
// programs may change the folder meanwhile.
//
// INVARIANT 1: a message is seen by readers whole, or not at all.
// INVARIANT 2: what MaildirBatch has delivered is there after a crash, with its flags.
// INVARIANT 3: no other message is ever overwritten or removed.
// INVARIANT 4: a message that another program has renamed meanwhile (flags; from new to cur) is found again
// by its unique part, and the
//              entry is put right.
class MaildirFolder {
 public:
  // not_found: it has no cur or no new.  A missing tmp is made.
  static Result<MaildirFolder> open(std::string path);
  // Makes what is missing, durably.
  static Result<MaildirFolder> create(std::string path);

  const std::string& path() const { return path_; }
  std::string path_of(const MaildirEntry&) const;

  // All messages, in the order of their unique parts.  When a message is renamed during the listing it may be
  // missing or there twice (what readdir does); a unique part stands in the answer once.
  Result<std::vector<MaildirEntry>> list() const;
  // The messages of a changed folder need not be listed again when neither time is different.  Coarse: names
  // changed within the last second of it may not show.
  struct Changed {
    std::int64_t cur_ns = 0, new_ns = 0;
    friend bool operator==(const Changed&, const Changed&) = default;
  };
  Result<Changed> changed() const;
  // not_found: it is gone.
  Result<MaildirEntry> find(std::string_view unique) const;

  // --- a message.  not_found: somebody has removed it; invalid: it is no regular file.
  Result<File> open_message(MaildirEntry&) const;
  struct Facts {
    std::uint64_t size = 0;   // of the file
    SysTime internal_date{};  // its modification time
  };
  Result<Facts> facts(MaildirEntry&) const;
  // Into "cur", with these flags.  Durable after sync().
  Result<void> set_flags(MaildirEntry&, MaildirFlags) const;
  // The same with other fields, such as a UID.  REQUIRES: to.unique is the entry's.
  Result<void> rename(MaildirEntry&, MaildirName to) const;
  Result<void> remove(MaildirEntry&) const;
  // The same for one that nobody has renamed.  false: nothing has that very name any more.
  Result<bool> set_flags_as(MaildirEntry&, MaildirFlags) const;
  Result<bool> remove_as(const MaildirEntry&) const;
  // Moves it into another folder of the same file system, under a name that is free there.  Durable after
  // sync() of both.
  Result<MaildirEntry> move_to(MaildirEntry&, const MaildirFolder& target, MaildirName name) const;

  // Names in cur and new that were made, changed and removed are durable.
  Result<void> sync() const;

  // Removes what lies in tmp for more than 36 hours, as Maildir says.
  void clean_tmp(SysTime now) const;

 private:
  explicit MaildirFolder(std::string path) : path_(std::move(path)) {}
  // Calls act(path) until it does not say ENOENT; looks where the message is now between the tries.
  template <class Act>
  Result<void> on_file(MaildirEntry&, std::string_view what, Act act) const;

  std::string path_;
};

// A message that is being written, in tmp, where no reader looks.  Removed when it goes, unless it was
// delivered or kept.
class MaildirDraft {
 public:
  // `name`: as it will be called, with fields and flags.
  static Result<MaildirDraft> begin(const MaildirFolder&, MaildirName name = make_maildir_name());
  MaildirDraft(MaildirDraft&&) noexcept = default;
  MaildirDraft& operator=(MaildirDraft&&) noexcept;
  ~MaildirDraft();

  Result<void> put(std::string_view bytes);
  // No more bytes; the file gets this time as INTERNALDATE (nullopt: now).
  Result<void> finish(std::optional<SysTime> internal_date = {});
  std::uint64_t size() const { return size_; }
  const MaildirName& name() const { return name_; }
  // May be changed until it is delivered (",S=" is known only now).
  void set_name(MaildirName name) { name_ = std::move(name); }

 private:
  friend class MaildirBatch;
  MaildirDraft(std::string path, MaildirName name, File file);

  std::string path_;  // in tmp; empty: nothing to remove
  MaildirName name_;
  File file_;
  std::uint64_t size_ = 0;
  std::string buffer_;
};

// Messages that are delivered together: one wait for the disk, not one for each.
class MaildirBatch {
 public:
  explicit MaildirBatch(const MaildirFolder& folder) : folder_(folder) {}

  enum class Into { new_mail, cur };  // with flags it is always cur
  // REQUIRES: finished.
  void add(MaildirDraft, Into);
  std::size_t size() const { return drafts_.size(); }

  // The steps, for who writes something down between them.  After a failure nothing of the following steps
  // may be done. The bytes are on the disk, and so are those of another file (a journal, say) when it is
  // given.
  Result<Synced> sync(int also = -1);
  // Readers see them; durable after MaildirFolder::sync().  The names that they have now, in the order of
  // add().  After a failure some may be delivered: those whose names are in `delivered`.
  Result<void> deliver(std::vector<MaildirEntry>& delivered);

  // Those that are not delivered stay in tmp: for who has written down that they are there
  // (deliver_left_over).
  void leave_in_tmp();

  // All steps and the folder's sync(): INVARIANT 2 holds afterwards.
  Result<std::vector<MaildirEntry>> commit();

 private:
  struct One {
    MaildirDraft draft;
    Into into;
  };
  MaildirFolder folder_;
  std::vector<One> drafts_;
};

// A draft that an earlier process left in tmp (under the unique part of this name) is delivered as it is,
// durably after sync(). not_found: there is none.  REQUIRES: its bytes are known to be whole.
Result<MaildirEntry> deliver_left_over(const MaildirFolder&, const MaildirName&, MaildirBatch::Into);

}  // namespace posthorn::mailfile
