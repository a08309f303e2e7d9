// Signing in, and a message to oneself: sent, seen, deleted.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "check/finding.h"
#include "check/probe.h"
#include "check/world.h"
#include "client/sasl_client.h"

namespace posthorn::check {

struct Login {
  client::Credentials credentials;                                // with allow_plaintext also where there is no TLS
  std::vector<std::string> hosts;                                 // where the user wants to sign in whoever names them
  std::string address;                                            // to which the message goes
  std::chrono::milliseconds patience = std::chrono::seconds(60);  // for the message to arrive
};

struct SignedIn {
  Service service = Service::imap;
  std::string place;  // "mail.example.org:993"
  bool ok = false;
  std::string by;  // the mechanism
  std::chrono::milliseconds took{0};
  std::string why;  // not ok
};

struct RoundTrip {
  std::vector<SignedIn> sign_ins;
  bool sent = false;
  std::string sent_by, seen_by_imap, seen_by_pop3;         // places; empty: not
  std::string mailbox;                                     // where IMAP had it
  std::chrono::milliseconds sending{0}, imap{0}, pop3{0};  // the last two: from when it was accepted
  bool deleted = false;
  Findings findings;
};

// Signs in on every port that is_usable(), the best first; after one refusal on no other: accounts get locked.  Then one message is
// submitted, looked for by IMAP (INBOX, and the mailbox for junk) and by POP3, and deleted, by its Message-ID and nothing else.
//
// 1. The password goes over a connection that probe_port() and, again, this one found to be believed; without TLS with allow_plaintext
// only.
// 2. It goes to hosts only that the domain vouches for, or the user: whoever forges records may have a good certificate for his own name
// [RFC6186 6].
// 3. No other message is changed: without UIDPLUS the message is only marked as deleted, and that is said.
Task<RoundTrip> make_round_trip(World&, const std::vector<PortReport>&, Login);

}  // namespace posthorn::check
