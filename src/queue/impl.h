// What the queue is made of.  The sources of this folder share it: queue.cc (opening, messages coming in), lease.cc (giving out),
// settle.cc, dispatch.cc (the background), operate.cc and list.cc.
#pragma once

#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <unordered_set>

#include "async/mutex.h"
#include "async/reactor.h"
#include "async/task_group.h"
#include "queue/bell.h"
#include "queue/queue.h"
#include "queue/rows.h"
#include "queue/window.h"

namespace posthorn::queue {

// What a verb makes of a group.  Returns how many recipients became final.
std::uint32_t apply_verb(Verb, Group&);

// Where a group of a new entry waits for its commit.
struct Staged::Filed {
  enum class Where : std::uint8_t { memory, backlog, index };
  GroupId id;
  Where where;
  std::string key;          // of its index row
  std::string destination;  // backlog: whose
  std::uint64_t bytes = 0;  // of the message; with the first group only
};

// The end of an entry with several groups: the last one takes the entry row with it.  Of groups that end at once one waits for the
// others' commits, so that exactly one is the last, whichever commits fail.
struct Closing {
  AsyncMutex mutex;                   // of who decides whether it is the last
  std::set<std::uint32_t> finishing;  // groups whose end is being committed; guarded by the queue's mutex, like the rest
  Event* waiter = nullptr;
  unsigned users = 0;
};

struct Counters {
  std::int64_t entries = 0, groups = 0, held = 0, bytes = 0;
  Counters& operator+=(const Counters& o) {
    entries += o.entries;
    groups += o.groups;
    held += o.held;
    bytes += o.bytes;
    return *this;
  }
};

struct Queue::Impl {
  Impl(Queue& q, kv::Store& s, blob::Blobs& b, Options o);

  // queue.cc
  std::string key_of(const Entry&, const Recipient&) const;
  std::string key_of(const Entry&, const Group&) const;  // the first that waits; "" when there are only reports
  // Rows of a group that is to be looked at again; and the key of its index row.
  std::string put_group(kv::Batch&, GroupId, const Entry&, const Group&, bool held_by_sender = false) const;
  static void erase_index(kv::Batch&, const Entry&, const Item&, const Group&);
  void file(std::vector<Staged::Filed>&, const std::shared_ptr<const Entry>&, std::vector<Group>, kv::Batch&);
  void staged(const std::vector<Staged::Filed>&, bool committed);
  Task<Result<void>> write_state(bool closed);
  Task<> recount(kv::SnapshotPtr at);

  // REQUIRES of what follows: mutex is held, unless said otherwise.
  // An index row with this key may be there that nobody has seen.
  void indexed(const std::string& key);
  void indexed(SysTime due, GroupId id) { indexed(due_key(due, id)); }
  void forget(Item&);
  void load_into(Item&, std::shared_ptr<const Entry>, std::shared_ptr<const Group>, std::size_t bytes);
  void unload(Item&);
  void update(Destination&);
  void ring_for_chores();
  // An index row with this key has come into the backlog.
  void backlog_grew(Destination&, const std::string& key);
  // Gives what is ready to those who wait for it.
  void serve();

  // lease.cc
  struct Waiter {
    Event event;
    Item* item = nullptr;
  };
  Task<Result<std::optional<Work>>> load(Item*);  // without the mutex.  nullopt: there was nothing to do
  Task<Result<void>> route_again(Item&, Group);
  Task<Result<std::vector<std::string>>> write_routes(const Item&, Group);
  void set_aside(Item&);
  void drop(Item&, bool read_again);
  std::optional<Work> to_work(Item&);

  // settle.cc; without the mutex
  // Groups that end: whether the entry ends with them.  Whatever happens end_closing() follows, behind the commit.
  struct Ending {
    EntryId id;
    std::vector<std::uint32_t> groups;
    std::shared_ptr<Closing> closing;
    AsyncMutex::Guard only_one;  // if `last`
    bool last = false;
  };
  Task<Result<void>> begin_closing(Ending&, EntryId, std::vector<std::uint32_t> groups);
  Task<Result<void>> begin_closing_surely(Ending&, EntryId, std::vector<std::uint32_t> groups);
  Task<Result<bool>> is_last(Ending&);
  void end_closing(Ending&&);
  std::shared_ptr<Closing> enter_closing(EntryId);
  void leave_closing(EntryId, const std::shared_ptr<Closing>&);
  Task<Result<void>> wait_to_settle(std::chrono::milliseconds pause, Error because);
  Task<Result<void>> commit_surely(const kv::Batch&, GroupId);
  Task<Result<bool>> was_written(const kv::Batch&, GroupId);
  static void remove_blob(kv::Batch&, EntryId, const Entry&);
  Task<> blob_removed(EntryId, std::uint64_t size, bool shared);

  // dispatch.cc; without the mutex
  // Rows on their way from the index to backlogs.
  struct Spill {
    struct Move {
      GroupId id;
      std::string from, to, destination;
    };
    std::vector<Move> moves;
    kv::Batch rows;  // besides
  };
  Task<> run();
  Task<Result<void>> look(bool& did);
  Task<Result<void>> scan_page(bool& did);
  void take_in(const kv::Rows&, const std::string& upto, Spill&);
  void take_in_mark(const DueKey&, Spill&);
  Task<Result<void>> write_spill(Spill);
  Task<Result<void>> find_next_due();
  Task<> keep_state();
  void watch_clock();
  Task<Result<void>> mend_clock();
  Task<Result<void>> mend_page(std::string& from, bool& more);
  Task<Result<void>> make_due(kv::Batch, const std::vector<GroupId>&, std::vector<std::string> keys, SysTime from,
                              std::chrono::milliseconds spread);

  // backlog.cc; without the mutex
  Task<Result<void>> do_chores(bool& did);
  Task<Result<void>> do_chore(std::string destination, bool& did);
  Task<Result<void>> park(std::string destination, bool& did);
  Task<Result<void>> make_room(bool& did);
  Task<Result<void>> unload_destination(std::string destination, std::size_t keep, std::optional<SysTime> mark);
  Task<Result<void>> read_backlog(std::string destination, bool& did);
  Task<Result<void>> erase_mark(std::string destination, bool& did);

  // operate.cc; without the mutex
  enum class Claimed : std::uint8_t { yes, in_flight, not_now };  // not_now: it is being settled, or moved
  struct Applied {
    std::uint64_t groups = 0, recipients = 0;
    std::vector<EntryId> entries;  // ascending
  };
  struct RemovedBlob {
    EntryId id;
    std::uint64_t size;
    bool shared;
  };
  struct Edit {
    Verb verb;
    kv::Batch rows;
    std::set<GroupId> edited;
    std::vector<std::string> index;  // keys of index rows that are there afterwards
    std::list<Ending> endings;
    std::vector<RemovedBlob> blobs;
    Counters change;
    Applied applied;
  };
  Claimed claim(GroupId, Verb);
  Claimed claim_locked(GroupId, Verb);  // with the mutex
  Task<Result<Applied>> apply(Verb, std::vector<GroupId>);
  Task<Result<void>> make_edit(Edit&, const std::vector<GroupId>&);
  bool edit_group(Edit&, GroupId, const Entry&, Group);
  Task<Result<void>> end_groups(Edit&, EntryId, const Entry&, std::vector<std::uint32_t>);
  Task<Result<void>> apply_wishes();

  // list.cc; without the mutex
  bool in_flight(GroupId) const;

  Queue& queue;
  kv::Store& store;
  blob::Blobs& blobs;
  const Options options;

  mutable std::mutex mutex;
  Window window;
  std::deque<Waiter*> waiters;
  std::map<EntryId, std::shared_ptr<Closing>> closings;
  bool closed = false, started = false;

  // Index rows before this key are in the window, or somebody's.
  std::string cursor{kDueRow};
  bool scanning = false;                  // a page is being read; until it is taken in ...
  std::optional<std::string> lowest;      // ... new rows before this have come, and
  std::unordered_set<GroupId> released;   // these were let go: what the page says of them is old
  bool starved = false;                   // there is more due than there is room for
  std::optional<SysTime> next_due;        // in the index, as far as known
  std::vector<std::string> unreadable;    // index rows of what could not be read, to be tried again
  std::optional<std::string> unreadable_from;  // and more, from this one on
  SteadyTime unreadable_since{};
  std::vector<std::pair<GroupId, Verb>> wishes;  // of operators, for work that was given back

  std::size_t loaded_bytes = 0;           // of envelopes and groups that items have

  Counters base, change;  // as of open(), and since
  bool exact = true;
  bool mend = false;      // the clock was set back
  SysTime wall{};         // when the clocks were compared
  SteadyTime steady{}, state_written{}, leases_watched{};
  SysTime latest{};       // as of the last run

  Bell bell;
  ReactorPool reactors{1};
  TaskGroup tasks;
  kv::SnapshotPtr at_open;
};

}  // namespace posthorn::queue
