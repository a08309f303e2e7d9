// posthorn fetch: one run of it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/local_store.h"
#include "client/dial.h"
#include "fetch/fetch.h"
#include "fetch_options.h"
#include "progress.h"

namespace posthorn {

struct FetchSession {
  const FetchCliOptions& options;
  Place source, target;
  std::optional<client::Credentials> credentials, target_credentials;
  std::string mailbox;  // IMAP, SMAP
  std::optional<client::TlsForHosts> target_tls;
  std::unique_ptr<app::LocalStore> local;  // where the target is in it
  fetch::FetchReport report;
  std::unique_ptr<Progress> progress;
  std::vector<std::string> notes;  // for the user, at the end
  std::size_t more_notes = 0;      // that were too many

  void note(std::string text) {
    constexpr std::size_t kMost = 20;  // what a server says of each of a million messages is not read by anybody
    if (notes.size() < kMost)
      notes.push_back(std::move(text));
    else
      ++more_notes;
  }
  // Of a target that has mailboxes.
  std::string target_mailbox() const {
    if (!options.target_mailbox.empty()) return options.target_mailbox;
    const bool in_url = target.url.scheme != client::Scheme::posthorn && !target.url.path.empty();
    return in_url ? target.url.path : "INBOX";
  }
  bool is_pop3() const {
    return source.url.scheme == client::Scheme::pop3 || source.url.scheme == client::Scheme::pop3s;
  }
  bool is_imap() const {
    return source.url.scheme == client::Scheme::imap || source.url.scheme == client::Scheme::imaps;
  }
  bool is_smap() const {
    return source.url.scheme == client::Scheme::smap || source.url.scheme == client::Scheme::smaps;
  }
};

// What the target's URL does not say of where mail goes: who gets it, and in which of several stores.  What one has got the other has not.
std::string rest_of_place(const FetchSession&);  // fetch_command.cc
// fetch_ends.cc.  invalid: mail cannot be fetched into this.
Result<std::unique_ptr<fetch::Target>> make_fetch_target(FetchSession&);
// Connects, signs in, fetches, removes; `state`: the journal's file.
Task<Result<void>> fetch_from_source(FetchSession&, std::string state, WorkerPool&, fetch::Target&);

}  // namespace posthorn
