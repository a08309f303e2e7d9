// Fetching mail from one account into one place.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "async/worker_pool.h"
#include "base/result.h"
#include "client/imap_connection.h"
#include "client/pop3_connection.h"
#include "client/smap_connection.h"
#include "fetch/journal.h"
#include "fetch/reception.h"
#include "fetch/target.h"

namespace posthorn::fetch {

struct FetchProgress {
  std::uint64_t messages = 0, of_messages = 0;  // that have come, of those that are to come
  std::uint64_t bytes = 0;
};

struct FetchOptions {
  // How long a message stays on the server after it was stored; nullopt: for ever.
  std::optional<std::chrono::days> keep = std::chrono::days(0);
  BatchLimits batch;
  std::function<void(const FetchProgress&)> on_progress;
  std::function<void(const std::string&)> on_note;  // what the user should know, a line
};

// Has what was stored then been kept long enough?  Without a time to keep it, always: clocks go back, too.
inline bool is_due(std::optional<std::chrono::days> keep, Seconds stored) {
  return keep && (keep->count() == 0 || now() - stored >= *keep);
}

struct FetchReport {
  std::uint64_t on_server = 0;  // messages, before
  std::uint64_t known = 0;      // of those: stored by an earlier run
  std::uint64_t stored = 0;     // by this run
  std::uint64_t bytes = 0;      // of messages that came
  std::uint64_t removed = 0;    // from the server
  std::uint64_t refused = 0;    // that the server did not give, or the target did not take
};

// How the server is reached again.
class Pop3Road {
 public:
  virtual ~Pop3Road() = default;
  // Opened and signed in.
  virtual Task<Result<std::unique_ptr<client::Pop3Connection>>> connect(WorkerPool&) = 0;
};

// All of it, from what stands behind the sign-in to QUIT.  `report` is filled as far as it went, also after
// an error.
//
// INVARIANT 1: a message is removed from the server only when the journal says, durably, that it is stored.
// INVARIANT 2: however it ends, a later run stores what is missing and nothing twice; where a place cannot
// promise that, its header says so.
//
// Where the server fails at a message the others are fetched by further connections, and that one is asked for once
// more, behind them: then it counts as refused.
Task<Result<void>> fetch_pop3(std::unique_ptr<client::Pop3Connection>, Pop3Road& again, Target&, Journal&, WorkerPool&,
                              FetchOptions, FetchReport& report);

// The same from a mailbox of an IMAP server.  REQUIRES: opened.
Task<Result<void>> fetch_imap(client::ImapConnection&, std::string mailbox, Target&, Journal&, WorkerPool&,
                              FetchOptions, FetchReport& report);

// The same from a folder of an SMAP server.  REQUIRES: opened.
Task<Result<void>> fetch_smap(client::SmapConnection&, client::SmapPath folder, Target&, Journal&, WorkerPool&,
                              FetchOptions, FetchReport& report);

}  // namespace posthorn::fetch
