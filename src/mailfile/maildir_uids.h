// Which UID the messages of a Maildir folder have: "dovecot-uidlist", as Dovecot keeps it (version 3), or
// Courier's "courierimapuiddb".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "mailfile/maildir.h"

namespace posthorn::mailfile {

// Blocking.  Threads: one at a time.
struct MaildirUids {
  std::uint32_t uid_validity = 0, uid_next = 0;         // 0: nobody has given numbers
  std::unordered_map<std::string, std::uint32_t> uids;  // by the unique part of the name

  // No file: nothing in it.  corrupt: it cannot be understood; limit: more than 512 MiB.
  static Result<MaildirUids> read(const MaildirFolder&);
  // "dovecot-uidlist", durably.  REQUIRES: uid_validity is not 0.
  Result<void> write(const MaildirFolder&) const;
};

// The text of such a file.  corrupt: it is none.
Result<MaildirUids> parse_dovecot_uids(std::string_view);
Result<MaildirUids> parse_courier_uids(std::string_view);

}  // namespace posthorn::mailfile
