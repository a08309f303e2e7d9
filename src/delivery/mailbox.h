// Queued recipients that are here: reports to our users, mail that came back to a domain that is ours now.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "auth/directory.h"
#include "base/result.h"
#include "delivery/attempt.h"
#include "delivery/forwarder.h"
#include "queue/queue.h"
#include "store/mail_store.h"

namespace posthorn::delivery {

// Where the mail of a queued local recipient goes now.
struct LocalWay {
  std::vector<AccountId> accounts;
  std::vector<std::string> outside;
  // Nowhere, for now or for good.
  std::optional<Verdict> verdict;
};
// `size`: of the message; an account without room is a reason to wait.
Task<LocalWay> find_local(auth::Directory&, store::MailStore&, const Forwarder&, const queue::Entry&, std::string address);

// Why none of them may get a message of this size now; nullopt: all may.
Task<std::optional<Verdict>> room_for(store::MailStore&, const std::vector<AccountId>&, std::uint64_t size);

// Copies the message, with a Return-Path of `reverse_path` in place of what it has, for `incoming`.
Task<Result<store::Incoming>> copy_for_mailbox(store::MailStore&, blob::Blobs&, queue::EntryId, const queue::Entry&);

// The same message for recipients elsewhere, as an entry of its own: [RFC3461 5.2.7] an alias that leads there.  `several`: it leads to
// more than one.
Task<Result<queue::NewEntry>> copy_for_outside(blob::Blobs&, queue::EntryId, const queue::Entry&, const queue::Recipient&,
                                               std::vector<std::string> outside, bool several);

}  // namespace posthorn::delivery
