// The durable queue: messages that wait for recipients who are not here.
//
// It knows when a group of recipients is due and who works on it; where they are and how they are reached is the caller's (delivery/).
// On disk: docs/formats/queue.md.  Why so: docs/decisions/0017-queue-index-and-backlogs.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "async/timer.h"
#include "base/result.h"
#include "blob/blob.h"
#include "kv/store.h"
#include "queue/entry.h"
#include "queue/select.h"
#include "queue/work.h"

namespace posthorn::queue {

// How much of one destination may be under way.
struct Limits {
  std::uint32_t concurrency = 20;  // works at once; at least 1
  SteadyTime not_before{};         // nothing is given out before; what is further away than a minute waits on disk
  friend bool operator==(const Limits&, const Limits&) = default;
};

struct Stats {
  // Of the whole queue.  After a crash a minute old, until it has been counted in the background: not `exact`.
  std::uint64_t entries = 0, groups = 0, held = 0, bytes = 0;
  bool exact = true;
  // In memory.
  std::size_t ready = 0, taken = 0, destinations = 0;
};

// INVARIANT 1: work is given out at most once at a time, and again only when it was settled so, or dropped, or the process has ended.
// INVARIANT 2: a recipient of a committed entry is waiting, or final by a settlement that was committed, or by an operator's word.
// INVARIANT 3: settling is atomic: states, the messages that report them, and the removal of what is done.
// INVARIANT 4: memory is bounded by Options, whatever is in the queue; a destination that takes nothing holds at most a share of it, so others
//              always find room.
// INVARIANT 5: what is due is given out in the order of MT-PRIORITY [RFC6710], then of due times, within a destination; destinations
//              take turns.
//
// Threads: any; coroutines resume on their own reactor.  The callbacks of Options run on any thread, under the queue's lock or not: they are quick and
// do not call the queue.
class Queue {
 public:
  struct Options {
    // Which way a recipient goes: what has the same key shares transactions and limits.  1..255 bytes, none of them zero.
    // It may change, see look_again().  Without one: the domain of the forward-path in lower case.
    std::function<std::string(const Entry&, const Recipient&)> destination;
    // Asked when a destination gets work and has none in memory.  "" is the destination of works with only_reports().
    std::function<Limits(const std::string& destination)> limits;
    std::size_t max_in_memory = 0;                   // groups; 0: setting queue.in_memory
    std::size_t max_of_destination = 1000;           // groups that are ready
    std::size_t max_loaded_bytes = 64 << 20;         // of envelopes that need not be read again
  };
  Queue(kv::Store&, blob::Blobs&, Options);
  Queue(kv::Store& store, blob::Blobs& blobs);
  ~Queue();  // REQUIRES: every Work, Staged and Settling has gone
  Queue(const Queue&) = delete;

  // Once, before anything else.  Reads two rows, however much is queued.
  Task<Result<void>> open();
  // Work is given out from now on.  Without it (commands while no server runs) everything but next() can be used.
  void start();
  // No more work: next() and settle() answer `cancelled`.  Idempotent.  Blocking; not on a reactor.
  void close();

  // --- Messages coming in ---

  // The rows of a new entry, for the caller's commit; they hold all but the bytes, their link included.  `message` is the id of the bytes.
  // Errors: invalid, limit: what cannot be queued.
  Result<Staged> stage(EntryId message, Entry, std::vector<Recipient>);
  // stage() and commit, for messages made here.  Errors: those, no_space, io (it may be queued).
  Task<Result<EntryId>> add(NewEntry);

  // --- Work ---

  // The next piece of work of any destination that may have more, as soon as there is one.  cancelled: close().
  // Other errors (io, corrupt): some work could not be read; it comes again later.  Go on.
  Task<Result<Work>> next();
  // Of this destination, now or not at all: for a connection that is open already.
  Task<Result<std::optional<Work>>> next_of(std::string destination);
  // The holder says that it is still at work; works whose time is over are counted and logged, not taken away: here a lease ends with its
  // process.
  void renew(Work&, Deadline until);

  // One durable commit.  Tries until it succeeds: the outcome of an attempt is not to be lost for a full disk.  cancelled: close(); the
  // attempt will be made again.
  Task<Result<void>> settle(Work, Settlement);
  // The same in two steps: for those who commit something else with it, or have something to do meanwhile.
  Task<Result<Settling>> begin_settle(Work, Settlement);
  Task<Result<void>> finish_settle(Settling);
  // The commit that a settlement was part of has failed, or nobody knows: the work, to be settled otherwise; nullopt: it has happened after
  // all, and is done.  Errors (io): that could not be seen; the work comes again.
  Task<Result<std::optional<Work>>> take_back(Settling);

  // In force until the destination has no work in memory; what is to last longer Options::limits knows.
  void set_limits(const std::string& destination, Limits);

  // --- For operators; every step is bounded, see select.h ---

  // Looks at about `limit` groups (100 to 1000).
  Task<Result<Page>> list(Selection, Position from, std::size_t limit);
  // not_found: no such entry.  At most 50 groups at once.
  Task<Result<Detail>> show(EntryId, Position from);
  // Looks at about `limit` groups (1 to 1000); one commit.
  Task<Result<Step>> act(Verb, Selection, Position from, std::size_t limit);

  Stats stats() const;
  // The clock may have been set, or routes be other ones; the queue looks by itself twice a minute, but for routes.  What is given out from
  // now on goes where Options::destination says.
  void look_again();

 private:
  friend class Staged;
  friend class Work;
  friend class Settling;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace posthorn::queue
