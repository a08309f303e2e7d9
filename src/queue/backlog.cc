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
  {
    std::lock_guard hold(mutex);
    Destination* d = window.find_destination(destination);
    if (!d) co_return Result<void>{};
    chore = window.chore_of(*d, steady_now());
    if (chore == Window::Chore::read && d->ready.size() >= window.share()) co_return Result<void>{};  // there is no room
    ++d->pins;
  }
  Result<void> done;
  switch (chore) {
    case Window::Chore::none: break;
    case Window::Chore::park: done = co_await park(destination, did); break;
    case Window::Chore::read: done = co_await read_backlog(destination, did); break;
    case Window::Chore::unmark: done = co_await erase_mark(destination, did); break;
  }
  std::lock_guard hold(mutex);
  Destination* d = window.find_destination(destination);
  --d->pins;
  window.update(*d, steady_now());  // it may need more
  co_return done;
}

// More of the backlog into memory.
Task<Result<void>> Queue::Impl::read_backlog(std::string destination, bool& did) {
  kv::Range range{Space::queue, kPartition, {}, backlog_behind(destination)};
  {
    std::lock_guard hold(mutex);
    Destination& d = *window.find_destination(destination);
    range.from = d.position;
    range.limit = std::min(kPageRows, window.share() - std::min(window.share(), d.ready.size()) + 1);
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
  SysTime mark;
  {
    std::lock_guard hold(mutex);
    Destination& d = *window.find_destination(destination);
    mark = d.mark;
  }
  auto rest = co_await store.scan({Space::queue, kPartition, backlog_from(destination), backlog_behind(destination), 1});
  Result<void> erased;
  if (rest && rest->rows.empty()) {
    kv::Batch batch;
    batch.erase(Space::queue, kPartition, backlog_mark_key(mark, destination));
    erased = co_await store.write_ahead(std::move(batch));
  }
  std::lock_guard hold(mutex);
  Destination& d = *window.find_destination(destination);
  CO_TRY_OK(rest);
  if (rest->rows.empty() && erased) {
    d.has_backlog = false;
    did = true;
  } else if (!rest->rows.empty()) {
    backlog_grew(d, backlog_from(destination));
  }
  co_return erased;
}

// Nothing of this destination is to be tried for a while: all of it goes to disk, where the mark finds it when the pause is over.
Task<Result<void>> Queue::Impl::park(std::string destination, bool& did) {
  const SysTime present = now();
  SysTime until;
  kv::Batch batch;
  std::vector<GroupId> moved;
  {
    std::lock_guard hold(mutex);
    Destination& d = *window.find_destination(destination);
    until = present + (d.limits.not_before - steady_now());
    while (!d.ready.empty() && moved.size() < kPageRows) {
      Item& item = **d.ready.begin();
      window.make_busy(item);
      moved.push_back(item.id);
      if (item.in_backlog) continue;
      batch.erase(Space::queue, kPartition, due_key(item.due, item.id));
      batch.put(Space::queue, kPartition, backlog_key(destination, item.priority, item.due, item.id), "");
    }
    if (d.has_backlog) batch.erase(Space::queue, kPartition, backlog_mark_key(d.mark, destination));
  }
  batch.put(Space::queue, kPartition, backlog_mark_key(until, destination), encode_mark(present));
  auto written = co_await store.write_ahead(std::move(batch));
  std::lock_guard hold(mutex);
  Destination& d = *window.find_destination(destination);
  for (const GroupId id : moved) {
    Item& item = *window.find(id);
    const bool in_backlog = item.in_backlog;
    const SysTime due = item.due;
    forget(item);
    if (!written && !in_backlog) indexed(due, id);
  }
  if (!written) {
    if (d.has_backlog) backlog_grew(d, backlog_from(destination));
    co_return written;
  }
  d.has_backlog = true;
  d.unread = true;
  d.mark = until;
  d.position = backlog_from(destination);
  indexed(backlog_mark_key(until, destination));
  did = true;
  if (d.items == 0 && d.arriving == 0) d.has_backlog = d.unread = false;  // from now on the mark knows about it
  co_return Result<void>{};
}

}  // namespace posthorn::queue
