// What of the queue is in memory: groups that are due or being worked on, by destination.  No I/O, no lock.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "async/timer.h"
#include "base/clock.h"
#include "queue/entry.h"
#include "queue/queue.h"
#include "queue/select.h"

namespace posthorn::queue {

struct Destination;

// A group that is somebody's: nobody else touches its rows.
struct Item {
  enum class State : std::uint8_t {
    staged,    // its rows are being committed            -> ready (committed), gone
    ready,     // may be given out                        -> taken, busy
    taken,     // a Work has it                           -> settling, ready (dropped), gone
    settling,  // the outcome is being committed          -> gone, ready (failed), taken (taken back)
    busy,      // an operator or the dispatcher has it    -> gone
  };
  GroupId id;
  SysTime due;
  int priority = 0;
  State state = State::busy;
  bool in_backlog = false;         // where its index row is
  std::optional<Verb> wish;        // of an operator, while taken: hold, remove, bounce
  bool kept_for_wish = false;      // busy, until the dispatcher applies what an operator wishes
  std::shared_ptr<const Entry> entry;  // if they need not be read
  std::shared_ptr<const Group> group;
  std::size_t loaded_bytes = 0;
  Deadline lease{};
  bool freed = false;  // settling, and not counted by its destination
  Destination* destination = nullptr;  // of all but `busy`
};

struct Destination {
  struct Order {  // of work: priority, age
    bool operator()(const Item* a, const Item* b) const {
      return std::tuple(-a->priority, a->due, a->id) < std::tuple(-b->priority, b->due, b->id);
    }
  };
  std::string key;
  Limits limits;
  std::set<Item*, Order> ready;
  std::uint32_t taken = 0;          // settling ones, too, unless freed
  std::uint32_t items = 0;          // all that point here
  // The backlog on disk.
  bool has_backlog = false;         // there may be rows, and there is a mark that leads to them
  bool unread = false;              // rows that are nobody's, from `position` on
  SysTime mark{};                   // the time of the mark
  std::string position;
  bool reading = false;             // from `position`; meanwhile ...
  std::optional<std::string> lowest;  // ... this one has come
  std::uint32_t backlog_items = 0;  // items whose rows are in it
  std::uint32_t arriving = 0;       // rows for it that are being committed
  std::uint32_t pins = 0;           // the dispatcher waits for the disk on its behalf
  // Who looks at it next.
  enum class Line : std::uint8_t { none, runnable, paused };
  Line line = Line::none;
  std::list<Destination*>::iterator turn;  // runnable
  SteadyTime paused_until{};               // paused
  bool in_chores = false;                  // the dispatcher will look at it

  bool is_blocked() const { return taken >= limits.concurrency; }
};

// REQUIRES: one caller at a time.
class Window {
 public:
  using AskLimits = std::function<Limits(const std::string&)>;
  Window(std::size_t max_items, std::size_t max_of_destination, AskLimits);

  // nullptr: nobody's.
  Item* find(GroupId) const;
  Item& add_busy(GroupId);
  // staged, ready.
  Item& add(GroupId, Destination&, SysTime due, int priority, Item::State);
  void forget(Item&);
  template <class F>
  void for_each(F f) {
    for (auto& [id, item] : items_) f(*item);
  }

  void make_ready(Item&);
  void make_busy(Item&);                       // REQUIRES: not staged
  void make_settling(Item&, bool frees);       // REQUIRES: taken
  void make_taken_again(Item&);                // REQUIRES: settling
  // The next in turn; taken by now.  nullptr: none may be given out.
  Item* take(SteadyTime now);
  Item* take_of(const std::string& destination, SteadyTime now);

  Destination& destination(const std::string& key);  // asks for limits when it is new
  Destination* find_destination(const std::string& key);
  // Something about it has changed: puts it in the right line, and forgets it when nothing keeps it in memory.
  void update(Destination&, SteadyTime now);
  // Those whose pause is over go into the line.  Returns when the next one ends.
  std::optional<SteadyTime> wake_paused(SteadyTime now);

  // Whether the destination may have one more that is ready.  What one may have shrinks with the room that is left: however many
  // take nothing, there is room for others.
  bool has_room(const Destination&) const;
  std::size_t share() const;  // what a destination may have now
  bool full() const { return items_.size() >= max_items_; }
  std::size_t room() const { return full() ? 0 : max_items_ - items_.size(); }
  std::size_t max_items() const { return max_items_; }

  // What a destination needs to have done on disk.
  enum class Chore : std::uint8_t {
    none,
    park,    // it takes nothing for long: its groups leave memory
    read,    // groups of its backlog come into memory
    unmark,  // its backlog seems to be empty
  };
  Chore chore_of(const Destination&, SteadyTime now) const;
  // Those with a chore, in order; update() puts them there.  The key, as it may have gone meanwhile.
  std::optional<std::string> take_chore();
  std::size_t chores() const { return chores_.size(); }
  // Whether one has come since this was asked last.
  bool take_new_chore() { return std::exchange(new_chore_, false); }

  std::size_t items() const { return items_.size(); }
  std::size_t ready() const { return ready_; }
  std::size_t taken() const { return taken_; }
  std::size_t destinations() const { return destinations_.size(); }
  std::size_t late(Deadline now) const;  // leases that are over

  // There is so little room left that those who are blocked must make some.
  bool is_tight() const { return room() < max_items_ / 16; }
  // Decides what is_far() means until it is called again.
  bool set_tight() { return was_tight_ = is_tight(); }
  // A pause that ends later than this is not waited for in memory.
  bool is_far(const Destination& d, SteadyTime now) const { return d.limits.not_before > now + (was_tight_ ? kFarWhenTight : kFar); }
  void look_for_far(SteadyTime now);  // and makes chores of them
  // What a blocked destination may keep then.
  std::size_t fair_share() const { return std::max<std::size_t>(1, max_items_ / (4 * (destinations_.size() + 1))); }
  // The one with most of those that are ready, of those that have as many works as they may.
  Destination* fattest_blocked() const;

 private:
  static constexpr std::chrono::seconds kFar{60}, kFarWhenTight{1};
  Item& new_item(GroupId);
  void leave_line(Destination&);
  void give_back(Item&);  // it was taken, or settling
  Item* take_from(Destination&, SteadyTime now);

  std::size_t max_items_, max_of_destination_;
  AskLimits ask_limits_;
  std::unordered_map<GroupId, std::unique_ptr<Item>> items_;
  std::unordered_map<std::string, std::unique_ptr<Destination>> destinations_;
  std::list<Destination*> runnable_;
  std::set<std::pair<SteadyTime, Destination*>> paused_;
  std::deque<std::string> chores_;
  bool new_chore_ = false, was_tight_ = false;
  std::size_t ready_ = 0, taken_ = 0;
};

}  // namespace posthorn::queue
