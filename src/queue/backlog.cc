// Backlogs: what is due of destinations that have too much of it, on disk, by destination.
#include <algorithm>

#include "base/log.h"
#include "queue/impl.h"

namespace posthorn::queue {
namespace {

using kv::Space;

constexpr std::size_t kPageRows = 1000;

}  // namespace

Task<Result<void>> Queue::Impl::do_chores(bool& did) {
  std::size_t count = 0;
  {
    std::lock_guard hold(mutex);
    count = window.chores();
  }
  for (; count > 0; --count) {
    std::optional<std::string> destination;
    {
      std::lock_guard hold(mutex);
      if (closed) co_return Result<void>{};
      destination = window.take_chore();
    }
    if (!destination) break;
    CO_TRY_OK(co_await do_chore(*std::move(destination), did));
  }
  co_return Result<void>{};
}

Task<Result<void>> Queue::Impl::do_chore(std::string destination, bool& did) {
  Window::Chore chore;
  bool has_room = true;
  {
    std::lock_guard hold(mutex);
    Destination* d = window.find_destination(destination);
    if (!d) co_return Result<void>{};
    chore = window.chore_of(*d, steady_now());
    has_room = chore != Window::Chore::read || d->ready.size() < window.share();
    ++d->pins;
  }
  Result<void> done;
  switch (chore) {
    case Window::Chore::none: break;
    case Window::Chore::park: done = co_await park(destination, did); break;
    case Window::Chore::read: if (has_room) done = co_await read_backlog(destination, did); break;
    case Window::Chore::unmark: done = co_await erase_mark(destination, did); break;
  }
  std::lock_guard hold(mutex);
  Destination& d = *window.find_destination(destination);
  --d.pins;
  // The same once more, when nothing could be done, waits for the next round: who makes room rings.
  const auto next = window.chore_of(d, steady_now());
  did = did || (next != Window::Chore::none && next != chore);
  window.update(d, steady_now());
  window.take_new_chore();
  co_return done;
}

// More of the backlog into memory.
Task<Result<void>> Queue::Impl::read_backlog(std::string destination, bool& did) {
  kv::Range range{Space::queue, kPartition, {}, backlog_behind(destination)};
  {
    std::lock_guard hold(mutex);
    Destination& d = *window.find_destination(destination);
    range.from = d.position;
    std::size_t wanted = window.share() - std::min(window.share(), d.ready.size());
    if (d.is_blocked()) wanted = std::min<std::size_t>(wanted, d.limits.concurrency);  // enough, when it moves
    range.limit = std::clamp<std::size_t>(wanted, 1, kPageRows);
    d.reading = scanning = true;
    d.lowest.reset();
    released.clear();
    lowest.reset();
  }
  auto rows = co_await store.scan(range);
  std::lock_guard hold(mutex);
  Destination& d = *window.find_destination(destination);
  d.reading = scanning = false;
  if (lowest && *lowest < cursor) cursor = *lowest;
  CO_TRY_OK(rows);
  bool all = !rows->more;
  for (const auto& row : rows->rows) {
    const auto key = read_backlog_key(row.key);
    if (!key) {
      log::error("queue.index_damaged", {{"key", row.key}});
    } else if (!window.find(key->group) && !released.contains(key->group)) {
      if (d.ready.size() >= window.share()) {
        all = false;
        break;
      }
      Item& item = window.add(key->group, d, key->due, key->priority, Item::State::ready);
      item.in_backlog = true;
      ++d.backlog_items;
    }
    did = true;
    d.position = row.key + '\0';
  }
  d.unread = !all;
  if (d.lowest) {
    d.position = d.unread ? std::min(d.position, *d.lowest) : *d.lowest;
    d.unread = true;
  }
  update(d);
  serve();
  co_return Result<void>{};
}

// The backlog seems to be empty.
Task<Result<void>> Queue::Impl::erase_mark(std::string destination, bool& did) {
  kv::Batch batch;
  {
    std::lock_guard hold(mutex);
    Destination& d = *window.find_destination(destination);
    d.has_backlog = false;  // from now on nobody files anything there
    batch.erase(Space::queue, kPartition, backlog_mark_key(d.mark, destination));
  }
  const auto rest = co_await store.scan({Space::queue, kPartition, backlog_from(destination), backlog_behind(destination), 1});
  if (!rest || !rest->rows.empty()) {
    std::lock_guard hold(mutex);
    Destination& d = *window.find_destination(destination);
    d.has_backlog = true;
    backlog_grew(d, backlog_from(destination));
    CO_TRY_OK(rest);
    co_return Result<void>{};
  }
  did = true;
  co_return co_await store.write_ahead(std::move(batch));  // when it fails there is a mark that leads nowhere, which does no harm
}

// Nothing of this destination is to be tried for a while: all of it goes to disk, where the mark finds it when the pause is over.
Task<Result<void>> Queue::Impl::park(std::string destination, bool& did) {
  SysTime until;
  {
    std::lock_guard hold(mutex);
    until = now() + (window.find_destination(destination)->limits.not_before - steady_now());
  }
  CO_TRY_OK(co_await unload_destination(destination, 0, until));
  did = true;
  std::lock_guard hold(mutex);
  Destination& d = *window.find_destination(destination);
  indexed(backlog_mark_key(d.mark, destination));
  if (d.items == 0 && d.arriving == 0) d.has_backlog = d.unread = false;  // from now on the mark knows about it
  co_return Result<void>{};
}

// Destinations that have as much under way as they may hold memory that others need.
Task<Result<void>> Queue::Impl::make_room(bool& did) {
  std::string destination;
  std::size_t keep = 0;
  {
    std::lock_guard hold(mutex);
    window.look_for_far(steady_now());
    did = did || window.take_new_chore();
    keep = window.fair_share();
    Destination* d = window.fattest_blocked();
    if (!d || d->ready.size() <= keep) co_return Result<void>{};
    ++d->pins;
    destination = d->key;
  }
  auto done = co_await unload_destination(destination, keep, std::nullopt);
  std::lock_guard hold(mutex);
  Destination& d = *window.find_destination(destination);
  --d.pins;
  update(d);
  did = did || done;
  co_return done;
}

// All but `keep` of what is ready leaves memory for the backlog, the least urgent first.  `mark`: where its mark is to be; none: anywhere.
// REQUIRES: it has a pin.
Task<Result<void>> Queue::Impl::unload_destination(std::string destination, std::size_t keep, std::optional<SysTime> mark) {
  const SysTime present = now();
  kv::Batch batch;
  std::vector<GroupId> moved;
  bool new_mark = false;
  {
    std::lock_guard hold(mutex);
    Destination& d = *window.find_destination(destination);
    while (d.ready.size() > keep && moved.size() < kPageRows) {
      Item& item = **d.ready.rbegin();
      window.make_busy(item);
      moved.push_back(item.id);
      if (item.in_backlog) continue;
      batch.erase(Space::queue, kPartition, due_key(item.due, item.id));
      batch.put(Space::queue, kPartition, backlog_key(destination, item.priority, item.due, item.id), "");
    }
    new_mark = mark || !d.has_backlog;
    if (d.has_backlog && mark) batch.erase(Space::queue, kPartition, backlog_mark_key(d.mark, destination));
  }
  if (new_mark) batch.put(Space::queue, kPartition, backlog_mark_key(mark.value_or(present), destination), encode_mark(present));
  Result<void> written;
  if (!batch.empty()) written = co_await store.write_ahead(std::move(batch));
  std::lock_guard hold(mutex);
  Destination& d = *window.find_destination(destination);
  for (const GroupId id : moved) {
    Item& item = *window.find(id);
    const bool in_backlog = item.in_backlog;
    const SysTime due = item.due;
    forget(item);
    if (!written && !in_backlog) indexed(due, id);
  }
  if (!written && new_mark) indexed(backlog_mark_key(mark.value_or(present), destination));  // perhaps it was
  if (written && new_mark) {
    d.has_backlog = true;
    d.mark = mark.value_or(present);
  }
  if (d.has_backlog && !moved.empty()) backlog_grew(d, backlog_from(destination));
  co_return written;
}

}  // namespace posthorn::queue
