// posthorn fetch: what it was told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client_options.h"
#include "commands.h"

namespace posthorn {

struct FetchCliOptions {
  Common common;  // its configuration: for a target in the local store
  ClientOptions client;
  PlaceOptions source, target;
  bool keep = false;
  std::optional<int> keep_days;
  std::string state;    // the file; empty: the usual one of this source and target
  bool adopt_state = false;  // the file is of this account, though it says another
  std::string mailbox;  // IMAP; empty: that of the URL, or INBOX
  std::string target_mailbox;  // likewise, of a target
  std::string to;       // for a target that is a server of SMTP or LMTP
  std::string from;     // likewise; empty: <>
  double timeout = 0;   // seconds; 0: as the protocol has it
  bool apop = false;
};

int fetch_command(const FetchCliOptions&);  // fetch_command.cc

// "joe@mail.example.org-0123456789abcdef" below ~/.local/state/posthorn/fetch: one for each source and
// target.  `more`: what the target's URL does not say of where mail goes.
Result<std::string> usual_state_file(const client::MailUrl& source, const std::string& mailbox,
                                     const client::MailUrl& target, const std::string& more);

// Whose mail a state file is about, and where it went, as it stands in it: "pop3:joe@mail.example.org>maildir:/home/joe/Mail".
std::string owner_of_state(const client::MailUrl& source, const std::string& mailbox, const client::MailUrl& target,
                           const std::string& more);

}  // namespace posthorn
