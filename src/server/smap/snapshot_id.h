// The name of a snapshot, which is all that is kept of it. [SMAP1 5.6]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace posthorn::smap {

struct Snapshot {
  AccountId owner;  // of the mailbox
  MailboxId mailbox;
  UidValidity uid_validity;
  ModSeq mod_seq;   // the client knew every change up to it
  std::uint32_t messages = 0;
  Uid last_uid;     // of them; 0: none
  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

// Letters and digits only; clients make names of files of it.  `secret`: of this server, at least 16 bytes.
std::string snapshot_id(const Snapshot&, AccountId user, std::string_view secret);
// nullopt: it was not made here for this user.
std::optional<Snapshot> parse_snapshot_id(std::string_view id, AccountId user, std::string_view secret);

}  // namespace posthorn::smap
