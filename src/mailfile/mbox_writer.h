// Appending to an mbox file that others may use, too.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mailfile/file.h"

namespace posthorn::mailfile {

// An mbox file that nobody else may change: fcntl (an open file description's), and PATH.lock, as mail
// programs have it.  Where the directory may not be written the latter is left out.  A PATH.lock that has not
// been touched for five minutes is taken for left behind.
//
// INVARIANT 1: what was there before is never changed.
// INVARIANT 2: commit() has all that was put on the disk; whoever goes without it leaves the file as it was.
// What a kill leaves in the
//              middle is taken back by cut_back() of who has written down start().
// INVARIANT 3: what is written to is the file that has the name while the locks are held, and still has it at commit().
// Blocking.  Threads: one.
class MboxAppend {
 public:
  // Makes the file, 0600.  busy: others hold it for longer than `patience`.
  static Result<MboxAppend> begin(const std::string& path,
                                  std::chrono::milliseconds patience = std::chrono::seconds(30));
  MboxAppend(MboxAppend&&) noexcept;
  MboxAppend& operator=(MboxAppend&&) = delete;
  ~MboxAppend();

  // Ends what others have left without an empty line, so that a message may follow.  It stays when nothing
  // follows, and harms nobody.
  Result<void> separate();
  // Where the next byte goes that is put, until commit().
  std::uint64_t start() const { return start_; }
  std::uint64_t length() const { return length_; }
  int fd() const { return file_.fd(); }
  // As MboxEncoder gives it.  REQUIRES: separate().
  Result<void> put(std::string_view encoded);
  Result<void> commit();
  // REQUIRES: nothing was put.
  Result<void> cut_back(std::uint64_t length);

 private:
  explicit MboxAppend(std::string path) : path_(std::move(path)) {}
  Result<void> lock(std::chrono::milliseconds patience);
  Result<bool> open_and_lock();
  Result<bool> take_dot_lock(const std::string& dot);

  std::string path_;
  File file_;
  bool dot_locked_ = false;
  bool is_new_ = false;  // it was empty: perhaps its name is not on the disk yet
  std::uint64_t start_ = 0, length_ = 0;
};

}  // namespace posthorn::mailfile
