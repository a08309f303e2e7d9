// A place where fetched messages go.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "async/worker_pool.h"
#include "base/clock.h"
#include "base/result.h"
#include "fetch/journal.h"

namespace posthorn::fetch {

// What goes with a message where a place can keep it; POP3 knows nothing of it.
struct Facts {
  std::optional<SysTime> internal_date;
  std::string flags;                  // letters of Maildir
  std::vector<std::string> keywords;  // of IMAP
};

// Messages that are stored together.
class Batch {
 public:
  virtual ~Batch() = default;
  // Stores them, and says so in the journal, as README.md has the order.  After an error those that appeared
  // are in the journal as stored, or will be found by the next run's Target::open().
  virtual Task<Result<void>> commit(Journal&, WorkerPool&) = 0;
  std::vector<std::string> stored;  // after commit(): the keys that are, also when it failed
};

class Target {
 public:
  virtual ~Target() = default;
  // Settles what an earlier run has prepared (Journal::pending): afterwards it is stored, or it is not and
  // will be fetched again.
  virtual Task<Result<void>> open(Journal&, WorkerPool&) = 0;

  // --- one message at a time: begin, put ..., then end or drop.  Lines may end with CRLF or LF.  begin()
  // gets what is known already, end() all of it.
  virtual Result<void> begin(Facts) = 0;
  virtual Result<void> put(std::string_view bytes) = 0;
  virtual Result<void> end(std::string key, Facts) = 0;
  virtual void drop() = 0;

  // What take() would give: messages and bytes.
  virtual std::size_t waiting() const = 0;
  virtual std::uint64_t waiting_bytes() const = 0;
  // They are no longer waiting.  Others may come while this batch is stored.
  virtual std::unique_ptr<Batch> take() = 0;

  // What was committed is durable.
  virtual Task<Result<void>> finish(Journal&, WorkerPool&) = 0;

  // Takes leave where there is a connection.  Nothing is called after it.  REQUIRES: it is awaited on the reactor that open() ran on, also
  // after an error: sockets do not outlive their reactor.
  virtual Task<> close() { co_return; }
};

}  // namespace posthorn::fetch
