// Reports to senders: which are due, and the messages that they are. [RFC3461] [RFC3464] [RFC5321 6.1]
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "blob/blob.h"
#include "message/dsn.h"
#include "queue/work.h"

namespace posthorn::delivery {

// A recipient as he is after the attempt, and what has become of him.
struct Report {
  const queue::Recipient* recipient = nullptr;
  message::DsnAction action = message::DsnAction::failed;
  queue::Answer answer;
};

struct BounceContext {
  std::string reporting_mta;    // our name
  std::string postmaster;       // mailbox of ours
  std::uint64_t return_limit = 0;
};

// Who is told: the sender, the postmaster (of what comes back from the null reverse-path), or nobody: a report about a report to the postmaster
// ends the chain.
message::Audience audience_of(const queue::Entry&, const queue::Recipient&, message::DsnAction);

// The messages that tell them, to be queued in the commit that settles the attempt: none when nobody is to be told, one for the
// sender, one for the postmaster.  `will_retry_until`: for delays.  Errors: the message cannot be read, or there is no room.
Task<Result<std::vector<queue::NewEntry>>> compose_reports(blob::Blobs&, BounceContext, queue::EntryId, const queue::Entry&, std::vector<Report>,
                                                           std::optional<SysTime> will_retry_until);

}  // namespace posthorn::delivery
