// Keywords of a folder: which small letter in a file name is which.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mailfile/maildir.h"

namespace posthorn::mailfile {

// The file "dovecot-keywords" of the folder, as Dovecot has it: lines "0 $Forwarded", number 0 is "a", 25 is
// "z". INVARIANT: a letter that has a name keeps it, because file names say it.  So a folder has at most 26
// keywords; further ones fail with
//            Errc::limit, and who copies says so (Dovecot keeps them in its index only).
// Blocking.  Threads: one at a time.
class MaildirKeywords {
 public:
  // No file: no keywords.
  static Result<MaildirKeywords> read(const MaildirFolder&);
  // Empty: the letter has no name.
  const std::string& name(char letter) const;
  // '\0': none; compared without case [RFC9051 2.3.2].
  char find(std::string_view keyword) const;
  // Gives it a letter if it has none, and writes the file, durably.  What others have written since read()
  // counts, but there is no lock: two at the same instant may give the same letter.
  // invalid: no keyword (empty, a space or control character in it).
  Result<char> letter_for(std::string_view keyword);

 private:
  explicit MaildirKeywords(std::string file) : file_(std::move(file)) {}
  Result<void> read_names();
  std::string file_;
  std::array<std::string, 26> names_;
};

}  // namespace posthorn::mailfile
