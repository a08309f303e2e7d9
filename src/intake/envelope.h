// Who a message is from and for. [RFC5321 2.3.1]
#pragma once

#include <string>
#include <vector>

#include "base/ids.h"
#include "queue/envelope.h"

namespace posthorn::smtp {

// Whom a recipient leads to: accounts here, addresses elsewhere, or both (an alias).
// REQUIRES: at least one of them.
struct ForwardPath {
  std::string address;               // as it is written between < and >
  std::vector<AccountId> accounts;
  // As they are written between < and >.  Of a recipient that is not ours: exactly `address`.  Others are where an alias or a
  // forwarding leads, and are marked as forwarded for `address`.
  std::vector<std::string> remote;
  queue::RecipientOptions options;
};

struct Envelope {
  std::string reverse_path;  // as it is written between < and >; empty: the null reverse-path
  std::vector<ForwardPath> forward_paths;
  queue::MailOptions options;
  AccountId submitter;       // who signed in; 0: nobody
  bool ours = false;         // queue::Origin::ours
};

}  // namespace posthorn::smtp
