#include "queue/window.h"

#include <algorithm>
#include <utility>

#include "base/result.h"

namespace posthorn::queue {
namespace {

// One destination gets at most this part of the room that is left.
constexpr std::size_t kPart = 8;
constexpr std::chrono::minutes kFirstLease{30};

}  // namespace

Window::Window(std::size_t max_items, std::size_t max_of_destination, AskLimits ask_limits)
    : max_items_(max_items), max_of_destination_(max_of_destination), ask_limits_(std::move(ask_limits)) {}

Item* Window::find(GroupId id) const {
  const auto it = items_.find(id);
  return it == items_.end() ? nullptr : it->second.get();
}

Item& Window::new_item(GroupId id) {
  auto& slot = items_[id];
  CHECK(!slot);
  slot = std::make_unique<Item>();
  slot->id = id;
  return *slot;
}

Item& Window::add_busy(GroupId id) { return new_item(id); }

Item& Window::add(GroupId id, Destination& destination, SysTime due, int priority, Item::State state) {
  Item& item = new_item(id);
  item.due = due;
  item.priority = priority;
  item.state = state;
  item.destination = &destination;
  ++destination.items;
  if (state != Item::State::ready) return item;
  destination.ready.insert(&item);
  ++ready_;
  return item;
}

void Window::forget(Item& item) {
  if (Destination* d = item.destination) {
    --d->items;
    if (item.in_backlog) --d->backlog_items;
    if (item.state == Item::State::ready) {
      d->ready.erase(&item);
      --ready_;
    }
    if (item.state == Item::State::taken || item.state == Item::State::settling) give_back(item);
  }
  items_.erase(item.id);
}

void Window::make_ready(Item& item) {
  if (item.state == Item::State::taken || item.state == Item::State::settling) give_back(item);
  item.state = Item::State::ready;
  item.destination->ready.insert(&item);
  ++ready_;
}

void Window::make_busy(Item& item) {
  CHECK(item.state != Item::State::staged && item.state != Item::State::busy);
  if (item.state == Item::State::ready) {
    item.destination->ready.erase(&item);
    --ready_;
  } else {
    give_back(item);
  }
  item.state = Item::State::busy;
}

void Window::make_settling(Item& item, bool frees) {
  CHECK(item.state == Item::State::taken);
  item.state = Item::State::settling;
  item.freed = frees;
  if (frees) --item.destination->taken;
}

void Window::make_taken_again(Item& item) {
  CHECK(item.state == Item::State::settling);
  item.state = Item::State::taken;
  item.lease = after(kFirstLease);
  if (std::exchange(item.freed, false)) ++item.destination->taken;
}

void Window::give_back(Item& item) {
  if (!std::exchange(item.freed, false)) --item.destination->taken;
  --taken_;
}

Destination* Window::find_destination(const std::string& key) {
  const auto it = destinations_.find(key);
  return it == destinations_.end() ? nullptr : it->second.get();
}

Destination& Window::destination(const std::string& key) {
  auto& slot = destinations_[key];
  if (!slot) {
    slot = std::make_unique<Destination>();
    slot->key = key;
    if (ask_limits_) slot->limits = ask_limits_(key);
  }
  return *slot;
}

void Window::leave_line(Destination& d) {
  if (d.line == Destination::Line::runnable) runnable_.erase(d.turn);
  if (d.line == Destination::Line::paused) paused_.erase({d.paused_until, &d});
  d.line = Destination::Line::none;
}

void Window::update(Destination& d, SteadyTime now) {
  if (d.items == 0 && !d.has_backlog && d.arriving == 0 && d.pins == 0 && !d.in_chores) {
    leave_line(d);
    destinations_.erase(std::string(d.key));  // a copy: the key dies with it
    return;
  }
  const bool may_go = !d.ready.empty() && d.taken < d.limits.concurrency;
  const auto wanted = !may_go                        ? Destination::Line::none
                      : d.limits.not_before > now ? Destination::Line::paused
                                                  : Destination::Line::runnable;
  if (d.line != wanted || (wanted == Destination::Line::paused && d.paused_until != d.limits.not_before)) {
    leave_line(d);
    d.line = wanted;
    if (wanted == Destination::Line::runnable) d.turn = runnable_.insert(runnable_.end(), &d);
    if (wanted == Destination::Line::paused) {
      d.paused_until = d.limits.not_before;
      paused_.insert({d.paused_until, &d});
    }
  }
  if (d.in_chores || chore_of(d, now) == Chore::none) return;
  d.in_chores = new_chore_ = true;
  chores_.push_back(d.key);
}

Window::Chore Window::chore_of(const Destination& d, SteadyTime now) const {
  const bool mark_only = d.has_backlog && d.items == 0 && d.arriving == 0;
  if (is_far(d, now)) return d.taken == 0 && (!d.ready.empty() || mark_only) ? Chore::park : Chore::none;
  if (d.unread) return d.ready.empty() || (!d.is_blocked() && d.ready.size() < share() / 2) ? Chore::read : Chore::none;
  return d.has_backlog && d.backlog_items == 0 && d.arriving == 0 ? Chore::unmark : Chore::none;
}

std::optional<std::string> Window::take_chore() {
  if (chores_.empty()) return std::nullopt;
  std::string key = std::move(chores_.front());
  chores_.pop_front();
  if (Destination* d = find_destination(key)) d->in_chores = false;
  return key;
}

Item* Window::take_from(Destination& d, SteadyTime now) {
  Item& item = **d.ready.begin();
  d.ready.erase(d.ready.begin());
  --ready_;
  item.state = Item::State::taken;
  item.lease = after(kFirstLease);
  ++d.taken;
  ++taken_;
  leave_line(d);  // to the end of it
  update(d, now);
  return &item;
}

Item* Window::take(SteadyTime now) {
  wake_paused(now);
  while (!runnable_.empty()) {
    Destination& d = *runnable_.front();
    if (d.limits.not_before > now) {
      update(d, now);
      continue;
    }
    return take_from(d, now);
  }
  return nullptr;
}

Item* Window::take_of(const std::string& destination, SteadyTime now) {
  Destination* d = find_destination(destination);
  if (!d || d->ready.empty() || d->taken >= d->limits.concurrency || d->limits.not_before > now) return nullptr;
  return take_from(*d, now);
}

std::optional<SteadyTime> Window::wake_paused(SteadyTime now) {
  while (!paused_.empty() && paused_.begin()->first <= now) update(*paused_.begin()->second, now);
  if (paused_.empty()) return std::nullopt;
  return paused_.begin()->first;
}

std::size_t Window::share() const {
  if (full()) return 0;
  return std::clamp<std::size_t>(room() / kPart, 1, max_of_destination_);
}

bool Window::has_room(const Destination& d) const { return !d.unread && d.ready.size() < share(); }

void Window::look_for_far(SteadyTime now) {
  std::vector<Destination*> far;  // update() changes the set
  for (const auto& [until, d] : paused_)
    if (is_far(*d, now)) far.push_back(d);
  for (Destination* d : far) update(*d, now);
}

Destination* Window::fattest_blocked() const {
  Destination* fattest = nullptr;
  for (const auto& [key, d] : destinations_)
    if (d->is_blocked() && d->pins == 0 && (!fattest || d->ready.size() > fattest->ready.size())) fattest = d.get();
  return fattest;
}

std::size_t Window::late(Deadline now) const {
  return static_cast<std::size_t>(std::ranges::count_if(items_, [now](const auto& i) {
    return (i.second->state == Item::State::taken || i.second->state == Item::State::settling) && i.second->lease < now;
  }));
}

}  // namespace posthorn::queue
