// A piece of work from the queue, and what came of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "blob/blob.h"
#include "kv/store.h"
#include "queue/entry.h"

namespace posthorn::queue {

class Queue;
class Settling;
struct Item;

// A message that is to be queued; `bytes` is it.
struct NewEntry {
  blob::Sealed bytes;
  Entry entry;                        // size, recipients and groups are filled in by the queue
  std::vector<Recipient> recipients;  // at least one
};

// An entry, or some of its groups, between the making of its rows and their commit.  The rows go into a batch of whoever commits it.
// Dropped without committed(): the commit failed, or nobody knows; the queue will look whether the rows are there.
class Staged {
 public:
  Staged(Staged&& other) noexcept;
  Staged& operator=(Staged&&) = delete;
  ~Staged();
  kv::Batch take_rows() { return std::move(rows_); }  // once
  // They are on stable storage: the work may be given out.
  void committed();

 private:
  friend class Queue;
  struct Filed;
  Staged(Queue& queue, kv::Batch rows, std::vector<Filed> filed);
  void conclude(bool committed);
  Queue* queue_;
  kv::Batch rows_;
  std::vector<Filed> filed_;
};

// The lease of one group: nobody else has it, also not when the time is over.  Belongs to one coroutine at a time, on any thread.  Dropped unsettled,
// the work is given out again, without an attempt being counted.  REQUIRES: the queue outlives it.
class Work {
 public:
  Work(Work&& other) noexcept;
  Work& operator=(Work&&) noexcept;
  ~Work();

  GroupId id() const;
  blob::Id blob() const { return id().entry; }
  const Entry& entry() const { return *entry_; }
  const std::string& destination() const { return destination_; }  // the queue's key of it, from Queue::Options::destination
  const std::vector<Recipient>& recipients() const { return group_->recipients; }
  std::uint32_t attempts() const { return group_->attempts; }  // made before this one
  // Nobody is to be tried: recipients are final and `owed`, their sender is to be told.
  bool only_reports() const { return !group_->waits(); }

 private:
  friend class Queue;
  friend class Settling;
  Work(Queue& queue, Item& item, std::shared_ptr<const Entry> entry, std::shared_ptr<const Group> group, std::string destination);
  Queue* queue_;
  Item* item_;
  std::shared_ptr<const Entry> entry_;
  std::shared_ptr<const Group> group_;
  std::string destination_;
};

// What an attempt says about one recipient.
struct Outcome {
  std::size_t recipient = 0;  // in Work::recipients()
  State state = State::waiting;
  Answer answer;
  bool owed = false;    // final, and the report about it is not part of this settlement: the work comes back with only_reports()
  bool warned = false;  // the sender is told of the delay by this settlement
};

struct Settlement {
  std::vector<Outcome> outcomes;  // those who are not named stay as they are
  // When those who are left are tried, or their reports made.  REQUIRES: given, when some are left.
  std::optional<SysTime> next;
  bool attempted = true;  // counts as an attempt
  bool hold = false;      // until an operator releases it
  // The destination is free for another work while this is being committed: Limits::concurrency counts it no more.
  bool frees = false;
  // Messages of the same commit: reports of what is settled.  They exist if and only if it is settled.
  std::vector<NewEntry> messages;
};

// A settlement on its way, for those who commit it together with something else (a delivery into a mailbox here).
// Dropped without committed(): the work is read anew, and given out again unless the commit has happened after all.
class Settling {
 public:
  Settling(Settling&& other) noexcept;
  Settling& operator=(Settling&&) = delete;
  ~Settling();
  kv::Batch take_rows();  // once
  // They are on stable storage.  Await it: it removes what nobody refers to any more.
  Task<> committed();

 private:
  friend class Queue;
  struct State;
  explicit Settling(std::unique_ptr<State>);
  std::unique_ptr<State> state_;
};

}  // namespace posthorn::queue
