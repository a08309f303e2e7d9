// Giving work out.
#include <algorithm>

#include "base/log.h"
#include "queue/impl.h"

namespace posthorn::queue {
namespace {

using kv::Space;

// What could not be read is tried again after this long.
constexpr std::size_t kMaxSetAside = 10'000;

}  // namespace

Work::Work(Queue& queue, Item& item, std::shared_ptr<const Entry> entry, std::shared_ptr<const Group> group, std::string destination)
    : queue_(&queue), item_(&item), entry_(std::move(entry)), group_(std::move(group)), destination_(std::move(destination)) {}
Work::Work(Work&& other) noexcept
    : queue_(std::exchange(other.queue_, nullptr)),
      item_(std::exchange(other.item_, nullptr)),
      entry_(std::move(other.entry_)),
      group_(std::move(other.group_)),
      destination_(std::move(other.destination_)) {}
Work& Work::operator=(Work&& other) noexcept {
  if (this == &other) return *this;
  if (queue_) queue_->impl_->drop(*item_, false);
  queue_ = std::exchange(other.queue_, nullptr);
  item_ = std::exchange(other.item_, nullptr);
  entry_ = std::move(other.entry_);
  group_ = std::move(other.group_);
  destination_ = std::move(other.destination_);
  return *this;
}
Work::~Work() {
  if (queue_) queue_->impl_->drop(*item_, false);
}
GroupId Work::id() const { return item_->id; }

// Gives an item back that nobody has settled.
void Queue::Impl::drop(Item& item, bool read_again) {
  std::lock_guard hold(mutex);
  if (read_again) unload(item);
  if (closed) return forget(item);
  if (item.wish) {  // an operator was told that it will happen
    wishes.emplace_back(item.id, *item.wish);
    window.make_busy(item);
    item.wish.reset();
    item.kept_for_wish = true;
    update(*item.destination);
    bell.ring();
    return;
  }
  // Not at once: whoever drops it may do so again and again.
  Destination& d = *item.destination;
  d.limits.not_before = std::max(d.limits.not_before, steady_now() + std::chrono::seconds(1));
  window.make_ready(item);
  update(d);
  bell.ring();
}

Task<Result<Work>> Queue::next() {
  Impl& q = *impl_;
  for (;;) {
    Impl::Waiter waiter;
    bool waits = false;
    {
      std::lock_guard hold(q.mutex);
      if (q.closed) co_return fail(Errc::cancelled, "the queue is closed");
      waiter.item = q.waiters.empty() ? q.window.take(steady_now()) : nullptr;
      waits = !waiter.item;
      q.ring_for_chores();
      if (waits) q.waiters.push_back(&waiter);
    }
    if (waits) co_await waiter.event.wait();
      // whoever gives us an item has let go of us then
    if (!waiter.item) co_return fail(Errc::cancelled, "the queue is closed");
    CO_TRY(auto work, co_await q.load(waiter.item));
    if (work) co_return *std::move(work);
  }
}

Task<Result<std::optional<Work>>> Queue::next_of(std::string destination) {
  Impl& q = *impl_;
  for (;;) {
    Item* item = nullptr;
    {
      std::lock_guard hold(q.mutex);
      if (q.closed) co_return fail(Errc::cancelled, "the queue is closed");
      item = q.window.take_of(destination, steady_now());
      q.ring_for_chores();
    }
    if (!item) co_return std::nullopt;
    CO_TRY(auto work, co_await q.load(item));
    if (work) co_return work;
  }
}

void Queue::renew(Work& work, Deadline until) {
  std::lock_guard hold(impl_->mutex);
  work.item_->lease = until;
}

// A row that cannot be read stays where it is, and is looked at later.
void Queue::Impl::set_aside(Item& item) {
  if (unreadable.size() < kMaxSetAside) {
    const bool backlog = item.in_backlog;
    unreadable.push_back(backlog ? 'b' + item.destination->key : due_key(item.due, item.id));
    if (unreadable.size() == 1) unreadable_since = steady_now();
  } else if (!item.in_backlog) {
    // Too many: all behind the first of them is looked at again.
    auto key = due_key(item.due, item.id);
    if (!unreadable_from || key < *unreadable_from) unreadable_from = std::move(key);
  }
  forget(item);
}

Task<Result<std::optional<Work>>> Queue::Impl::load(Item* item) {
  {
    std::lock_guard hold(mutex);
    if (item->group) {
      Work work(queue, *item, item->entry, item->group, item->destination->key);
      unload(*item);
      co_return work;
    }
  }
  const GroupId id = item->id;
  std::vector<std::string> keys{entry_key(id.entry), group_key(id)};
  auto rows = co_await store.multi_get(Space::queue, kPartition, std::move(keys));
  Result<Entry> entry = fail(Errc::corrupt, "queue: a group without its entry");
  Result<Group> group = fail(Errc::not_found);
  if (rows && (*rows)[1]) group = decode_group(*(*rows)[1]);
  if (rows && (*rows)[0]) entry = decode_entry(*(*rows)[0]);
  if (!rows) group = std::unexpected(rows.error());

  kv::Batch dangling;
  {
    std::lock_guard hold(mutex);
    if (!group && group.error().code == Errc::not_found) {
      log::warning("queue.index_without_group", {{"id", id.entry}, {"group", id.group}});
      if (item->in_backlog) dangling.erase(Space::queue, kPartition, backlog_key(item->destination->key, item->priority, item->due, id));
      else dangling.erase(Space::queue, kPartition, due_key(item->due, id));
    } else if (!group || !entry) {
      const Error& error = group ? entry.error() : group.error();
      log::error("queue.unreadable", {{"id", id.entry}, {"group", id.group}, {"error", error}});
      set_aside(*item);
      co_return std::unexpected(error);
    } else if (group->held || group->due != item->due) {  // an index row that has been replaced
      const SysTime due = group->due;
      const bool held = group->held;
      forget(*item);
      if (!held) indexed(due, id);
      co_return std::nullopt;
    }
  }
  if (!dangling.empty()) {
    auto written = co_await store.write_ahead(std::move(dangling));
    std::lock_guard hold(mutex);
    forget(*item);
    CO_TRY_OK(std::move(written));
    co_return std::nullopt;
  }

  // Routes may have changed since the row was written.
  bool as_written = true;
  if (!group->waits()) as_written = group->destination.empty();
  for (const Recipient& r : group->recipients)
    if (r.state == State::waiting) as_written = as_written && key_of(*entry, r) == group->destination;
  if (!as_written) {
    CO_TRY_OK(co_await route_again(*item, *std::move(group)));
    co_return std::nullopt;
  }
  std::string destination = group->destination;
  co_return Work(queue, *item, std::make_shared<const Entry>(*std::move(entry)), std::make_shared<const Group>(*std::move(group)),
                 std::move(destination));
}

// Files the group under where its recipients go now, in several if they go several ways.
Task<Result<void>> Queue::Impl::route_again(Item& item, Group group) {
  const GroupId id = item.id;
  auto closing = enter_closing(id.entry);
  auto only_one = co_await closing->mutex.lock();  // numbers of groups
  auto moved = co_await write_routes(item, std::move(group));
  only_one.release();
  leave_closing(id.entry, closing);
  if (!moved) {
    drop(item, true);
    co_return std::unexpected(moved.error());
  }
  log::info("queue.routed_again", {{"id", id.entry}, {"group", id.group}, {"ways", moved->size()}});
  std::lock_guard hold(mutex);
  change.groups += static_cast<std::int64_t>(moved->size()) - 1;
  const auto wish = item.wish;
  forget(item);
  for (const auto& key : *moved) {
    indexed(key);
    if (wish) wishes.emplace_back(*read_due_key(key)->group, *wish);
  }
  if (wish) bell.ring();
  co_return Result<void>{};
}

// The keys of the new index rows.
Task<Result<std::vector<std::string>>> Queue::Impl::write_routes(const Item& item, Group group) {
  CO_TRY(const auto row, co_await store.get(Space::queue, kPartition, entry_key(item.id.entry)));
  if (!row) co_return fail(Errc::corrupt, "queue: a group without its entry");
  CO_TRY(Entry entry, decode_entry(*row));
  kv::Batch batch;
  erase_index(batch, entry, item, group);
  std::map<std::string, Group> ways;
  const std::string rest = key_of(entry, group);
  for (Recipient& r : group.recipients) {
    std::string key = r.state == State::waiting ? key_of(entry, r) : r.owed ? std::string() : rest;
    Group& way = ways[key];
    way.destination = std::move(key);
    way.recipients.push_back(std::move(r));
  }
  std::vector<std::string> keys;
  for (auto& [key, way] : ways) {
    way.due = group.due;
    way.tried = group.tried;
    way.attempts = group.attempts;
    const GroupId id{item.id.entry, keys.empty() ? item.id.group : entry.groups++};
    keys.push_back(put_group(batch, id, entry, way));
  }
  if (keys.size() > 1) batch.put(Space::queue, kPartition, entry_key(item.id.entry), encode(entry));
  CO_TRY_OK(co_await store.write_ahead(std::move(batch)));
  co_return keys;
}

}  // namespace posthorn::queue
