// A mailbox of an IMAP server, or of the local store, as the place of fetched messages.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "client/imap_connection.h"
#include "fetch/target.h"

namespace posthorn::fetch {

// How the server is reached, again if need be.
class ImapRoad {
 public:
  virtual ~ImapRoad() = default;
  // Opened and signed in.
  virtual Task<Result<std::unique_ptr<client::ImapConnection>>> connect(WorkerPool&) = 0;
};

struct ImapTargetOptions {
  std::unique_ptr<ImapRoad> road;
  std::string mailbox = "INBOX";  // made if it is not there
  // After a run that was killed the server may still be reading what it had sent: a mailbox is looked through
  // only when it has not grown for so long.
  std::chrono::milliseconds quiet = std::chrono::seconds(1);
  std::function<void(const std::string&)> on_note;
};

// Messages get the flags and dates that they have, and the keywords if the mailbox keeps them; lines end with
// CRLF.  One that the server refuses is not stored: it stays where it was, and later runs try again.
//
// INVARIANT: before a batch is sent the journal says, durably, what it has and where the mailbox ends (its
// UIDNEXT).  What became of a batch that was interrupted is found out by the next run, which compares the
// octets of what has appeared behind that with digests.  A message is sent twice only where that cannot tell:
// it was moved or deleted there meanwhile, or the server keeps other octets than it was given.
std::unique_ptr<Target> make_imap_target(ImapTargetOptions);

}  // namespace posthorn::fetch
