// An APPEND or REPLACE under way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/imap/session.h"
#include "store/mail_store.h"

namespace posthorn::imap {

// INVARIANT: nothing of it is in the mailbox before all of it has come [RFC3502].
struct Session::AppendJob {
  std::string tag;
  MailboxRef target;                        // once the first message has been accepted
  std::optional<Uid> replaced;              // REPLACE: in the selected mailbox
  bool frees = false;                       // that one counts for the target's quota, too
  std::uint64_t freed = 0;                  // bytes, by that
  std::vector<store::NewMessage> messages;  // that have come
  std::uint64_t bytes = 0;                  // of all of them
  std::size_t held = 0;                     // of memory, by all of them
  std::optional<Reply> failure;             // the answer, as soon as it cannot be OK any more
};

// not_found names the target.
Reply append_failed(const Error&, std::string_view mailbox);

}  // namespace posthorn::imap
