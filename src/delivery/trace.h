// What happened to each message: kept for some days, for `posthorn trace`.
//
// On disk: docs/formats/trace.md.  Written without syncs, in batches and in the background: after a crash the last seconds may be missing.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async/event.h"
#include "async/reactor.h"
#include "async/task.h"
#include "async/task_group.h"
#include "base/clock.h"
#include "base/result.h"
#include "delivery/dialogue.h"
#include "kv/store.h"
#include "queue/entry.h"

namespace posthorn::delivery {

// One attempt, or another step of a message's way.
struct TraceRecord {
  queue::EntryId message;
  SysTime when;
  std::string reverse_path;
  std::vector<std::string> recipients;  // at most kMaxRecipients of them
  std::vector<DialogueLine> lines;
  friend bool operator==(const TraceRecord&, const TraceRecord&) = default;
};

// Threads: any.  add() never waits and never fails: when the disk does not keep up, records are dropped and counted.
class Trace {
 public:
  static constexpr std::size_t kMaxWaiting = 8 << 20;   // bytes not yet written
  static constexpr std::size_t kMaxRecipients = 100;    // of a record
  static constexpr std::size_t kMaxFound = 200;         // messages of an address
  static constexpr std::size_t kPiece = 128;            // records of one write, or those of its last message more: a commit of others waits for them

  explicit Trace(kv::Store& store) : store_(store) {}
  ~Trace();  // REQUIRES: stop() has been awaited, when it was started

  // Writes every second, forgets once an hour what is older than trace.age.
  void start(Reactor&);
  // Writes the rest.
  Task<> stop();

  void add(TraceRecord);
  Task<> flush();

  // In the order of time.  Empty: nothing is known (any more).
  Task<Result<std::vector<TraceRecord>>> of_message(queue::EntryId);
  // Messages that an address has sent or was to get, the newest first.  Looks through what is kept of all messages (24 bytes of each,
  // the newest first) until it has enough of them.
  Task<Result<std::vector<queue::EntryId>>> of_address(std::string address);

  // Removes what is older; start() does it by itself.
  Task<Result<void>> forget(SysTime before);

 private:
  static Task<> run(Trace& self);
  Task<> write(std::span<const TraceRecord> records, std::uint32_t number);
  Task<Result<bool>> concerns(queue::EntryId, std::string_view address);

  kv::Store& store_;
  TaskGroup tasks_;
  std::mutex mutex_;
  std::vector<TraceRecord> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::uint32_t next_number_ = 0;
  bool started_ = false;
  std::atomic<bool> stopping_{false};
};

}  // namespace posthorn::delivery
