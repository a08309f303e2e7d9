// posthorn fetch: one run of it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/dial.h"
#include "fetch/fetch.h"
#include "fetch_options.h"
#include "progress.h"

namespace posthorn {

struct FetchSession {
  const FetchCliOptions& options;
  Place source, target;
  std::optional<client::Credentials> credentials, target_credentials;
  std::string mailbox;  // IMAP
  std::optional<client::TlsForHosts> target_tls;
  fetch::FetchReport report;
  std::unique_ptr<Progress> progress;
  std::vector<std::string> notes;  // for the user, at the end

  bool is_pop3() const {
    return source.url.scheme == client::Scheme::pop3 || source.url.scheme == client::Scheme::pop3s;
  }
  bool is_imap() const {
    return source.url.scheme == client::Scheme::imap || source.url.scheme == client::Scheme::imaps;
  }
};

// fetch_ends.cc.  invalid: mail cannot be fetched into this.
Result<std::unique_ptr<fetch::Target>> make_fetch_target(FetchSession&);
// Connects, signs in, fetches, removes.
Task<Result<void>> fetch_from_source(FetchSession&, WorkerPool&, fetch::Target&, fetch::Journal&);

}  // namespace posthorn
