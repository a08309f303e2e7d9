#include "queue/queue.h"

#include <algorithm>

#include "base/log.h"
#include "base/metrics.h"
#include "queue/impl.h"
#include "queue/settings.h"
#include "text/ascii.h"

namespace posthorn::queue {
namespace {

using kv::Space;

inline Counter messages_queued{"queue.messages", "Messages taken into the queue since the start."};

constexpr std::size_t kMaxPath = 1024;  // bytes of an address: the longest are some 320 characters
constexpr std::size_t kMaxText = 1024;  // of ENVID, ORCPT and names

std::string domain_of(std::string_view path) {
  const auto at = path.rfind('@');
  return text::to_lower(at == path.npos ? path : path.substr(at + 1));
}

// Any string as a key; two long ones are one only if they are the same.
std::string normal_key(std::string key) {
  if (key.size() > kMaxDestination) {
    const std::hash<std::string> hash;
    const auto digest = '#' + std::to_string(hash(key)) + '-' + std::to_string(hash({key.rbegin(), key.rend()}));
    key.resize(kMaxDestination - digest.size());
    key += digest;
  }
  std::ranges::replace(key, '\0', '?');
  return key.empty() ? "?" : key;
}

std::size_t memory_of(const Entry& e, const Group& g) {
  std::size_t bytes = sizeof e + sizeof g + e.reverse_path.size() + e.origin.helo.size();
  for (const Recipient& r : g.recipients) bytes += sizeof r + r.forward_path.size() + r.last.text.size();
  return bytes;
}

Result<void> check_new(const Entry& e, const std::vector<Recipient>& recipients) {
  if (recipients.empty()) return fail(Errc::invalid, "queue: no recipients");
  if (recipients.size() > kMaxRecipients) return fail(Errc::limit, "queue: too many recipients");
  const auto& id = e.options.envelope_id;
  if (e.reverse_path.size() > kMaxPath || (id && id->size() > kMaxText)) return fail(Errc::limit, "queue: reverse-path or ENVID too long");
  for (const auto* text : {&e.origin.ip, &e.origin.helo, &e.origin.with})
    if (text->size() > kMaxText) return fail(Errc::limit, "queue: name of the client too long");
  for (const Recipient& r : recipients) {
    const auto& o = r.options.original_recipient;
    const bool long_original = o && (o->address_type.size() > kMaxText || o->address.size() > kMaxText);
    if (r.forward_path.size() > kMaxPath || r.forwarded_for.size() > kMaxPath || long_original)
      return fail(Errc::limit, "queue: forward-path or ORCPT too long");
  }
  return {};
}

}  // namespace

Queue::Impl::Impl(Queue& q, kv::Store& s, blob::Blobs& b, Options o)
    : queue(q),
      store(s),
      blobs(b),
      options(std::move(o)),
      window(options.max_in_memory ? options.max_in_memory : static_cast<std::size_t>(kInMemory.get()), options.max_of_destination,
             options.limits) {}

Queue::Queue(kv::Store& store, blob::Blobs& blobs, Options options)
    : impl_(std::make_unique<Impl>(*this, store, blobs, std::move(options))) {}
Queue::Queue(kv::Store& store, blob::Blobs& blobs) : Queue(store, blobs, Options{}) {}

Queue::~Queue() {
  close();
  CHECK(impl_->window.taken() == 0);
}

Task<Result<void>> Queue::open() {
  Impl& q = *impl_;
  CO_TRY(const auto row, co_await q.store.get(Space::queue, kPartition, std::string(1, kStateRow)));
  if (row) {
    CO_TRY(const auto state, decode_state(*row));
    q.base = {static_cast<std::int64_t>(state.entries), static_cast<std::int64_t>(state.groups), static_cast<std::int64_t>(state.held),
              static_cast<std::int64_t>(state.bytes)};
    q.exact = state.closed;
    q.latest = state.latest;
  } else {
    CO_TRY(const auto first, co_await q.store.scan({Space::queue, kPartition, "", "", 1}));
    q.exact = first.rows.empty();
  }
  if (!q.exact) q.at_open = q.store.snapshot();
  // Ordered before every change that follows.
  co_return co_await q.write_state(false);
}

void Queue::start() {
  Impl& q = *impl_;
  {
    std::lock_guard hold(q.mutex);
    CHECK(!q.started && !q.closed);
    q.started = true;
  }
  q.reactors.start();
  q.tasks.spawn(q.reactors.at(0), q.run());
  if (auto at = std::exchange(q.at_open, nullptr)) q.tasks.spawn(q.reactors.at(0), q.recount(std::move(at)));
}

void Queue::close() {
  Impl& q = *impl_;
  {
    std::lock_guard hold(q.mutex);
    if (std::exchange(q.closed, true)) return;
    for (auto* waiter : std::exchange(q.waiters, {})) waiter->event.set();
  }
  q.bell.ring();
  run_task(q.tasks.join());
  q.reactors.stop();
  q.at_open = nullptr;
  if (auto written = run_task(q.write_state(q.exact)); !written) log::warning("queue.state_not_written", {{"error", written.error()}});
}

Task<Result<void>> Queue::Impl::write_state(bool in_order) {
  StateRow row{.latest = now(), .closed = in_order};
  {
    std::lock_guard hold(mutex);
    Counters all = base;
    all += change;
    const auto natural = [](std::int64_t n) { return static_cast<std::uint64_t>(std::max<std::int64_t>(0, n)); };
    row.entries = natural(all.entries);
    row.groups = natural(all.groups);
    row.held = natural(all.held);
    row.bytes = natural(all.bytes);
  }
  kv::Batch batch;
  batch.put(Space::queue, kPartition, std::string(1, kStateRow), encode(row));
  if (in_order) co_return co_await store.commit(std::move(batch));
  co_return co_await store.write_ahead(std::move(batch));
}

// What is in the queue as of open(): nobody had changed anything then, so what has changed since comes on top.
Task<> Queue::Impl::recount(kv::SnapshotPtr at) {
  Counters counted;
  const auto take = [&counted](std::string_view key, std::string_view value) -> Result<void> {
    const auto read = read_entry_key(key);
    if (!read) return {};
    if (read->group) {
      TRY(const auto group, decode_group(value));
      ++counted.groups;
      counted.held += group.held;
    } else {
      TRY(const auto entry, decode_entry(value));
      ++counted.entries;
      counted.bytes += static_cast<std::int64_t>(entry.size);
    }
    return {};
  };
  // Piece by piece: others want to read, too.
  for (std::string from(1, kEntryRow); !from.empty();) {
    {
      std::lock_guard hold(mutex);
      if (closed) co_return;
    }
    const auto rows = co_await store.scan({Space::queue, kPartition, from, std::string(1, kEntryRow + 1), 1000}, at);
    if (!rows) co_return;
    for (const auto& row : rows->rows)
      if (auto taken = take(row.key, row.value); !taken) log::warning("queue.unreadable", {{"error", taken.error()}});
    from = rows->more ? rows->rows.back().key + '\0' : std::string();
  }
  std::lock_guard hold(mutex);
  base = counted;
  exact = true;
}

std::string Queue::Impl::key_of(const Entry& entry, const Recipient& recipient) const {
  return normal_key(options.destination ? options.destination(entry, recipient) : domain_of(recipient.forward_path));
}

std::string Queue::Impl::key_of(const Entry& entry, const Group& group) const {
  for (const Recipient& r : group.recipients)
    if (r.state == State::waiting) return key_of(entry, r);
  return {};
}

std::string Queue::Impl::put_group(kv::Batch& batch, GroupId id, const Entry& entry, const Group& group, bool held_by_sender) const {
  batch.put(Space::queue, kPartition, group_key(id), encode(group));
  std::string key = group.held ? held_key(id) : due_key(group.due, id);
  batch.put(Space::queue, kPartition, key,
            group.held ? std::string() : encode(DueRow{held_by_sender, now(), entry.priority(), group.destination}));
  return key;
}

void Queue::Impl::erase_index(kv::Batch& batch, const Entry& entry, const Item& item, const Group& group) {
  batch.erase(Space::queue, kPartition,
              item.in_backlog ? backlog_key(group.destination, entry.priority(), group.due, item.id) : due_key(group.due, item.id));
}

void Queue::Impl::indexed(const std::string& key) {
  if (scanning) {
    if (!lowest || key < *lowest) lowest = key;
  } else if (key < cursor) {
    cursor = key;
  }
  const auto read = read_due_key(key);
  const bool soon = read->due <= now() || !next_due || read->due < *next_due;
  if (soon && !starved) bell.ring();
}

void Queue::Impl::forget(Item& item) {
  if (scanning) released.insert(item.id);
  const bool was_full = window.is_tight();
  Destination* d = item.destination;
  unload(item);
  window.forget(item);
  if (d) update(*d);
  if (starved && was_full && !window.is_tight()) bell.ring();
}

void Queue::Impl::serve() {
  while (!waiters.empty()) {
    Item* item = window.take(steady_now());
    ring_for_chores();
    if (!item) return;
    Waiter& waiter = *waiters.front();
    waiters.pop_front();
    waiter.item = item;
    waiter.event.set();  // it may be gone from here on
  }
}

void Queue::Impl::update(Destination& d) {
  window.update(d, steady_now());
  ring_for_chores();
}

void Queue::Impl::ring_for_chores() {
  if (window.take_new_chore()) bell.ring();
}

Result<Staged> Queue::stage(EntryId message, Entry entry, std::vector<Recipient> recipients) {
  Impl& q = *impl_;
  TRY_OK(check_new(entry, recipients));
  const SysTime present = now();
  if (entry.arrival == SysTime{}) entry.arrival = present;
  const bool held_by_sender = entry.options.hold_until && *entry.options.hold_until > present;
  const SysTime due = held_by_sender ? *entry.options.hold_until : present;

  // By destination, in the order of the envelope.
  std::vector<Group> groups;
  std::unordered_map<std::string, std::size_t> open;  // the group of a destination that has room
  entry.recipients = 0;
  for (Recipient& r : recipients) {
    const bool waits = r.state == State::waiting;
    if (!waits && !r.owed) continue;
    ++entry.recipients;
    std::string key = waits ? q.key_of(entry, r) : std::string();
    const auto [slot, is_new] = open.try_emplace(key, groups.size());
    if (is_new || groups[slot->second].recipients.size() >= kGroupSize) {
      slot->second = groups.size();
      groups.push_back({.due = due, .tried = entry.arrival, .destination = std::move(key), .recipients = {}});
    }
    groups[slot->second].recipients.push_back(std::move(r));
  }
  if (groups.empty()) return fail(Errc::invalid, "queue: nobody waits and nobody is owed a report");
  entry.groups = static_cast<std::uint32_t>(groups.size());

  kv::Batch rows;
  rows.put(Space::queue, kPartition, entry_key(message), encode(entry));
  blob::Blobs::put_link(rows, message, blob::kQueueOwner);
  const auto shared_entry = std::make_shared<const Entry>(std::move(entry));
  std::vector<Staged::Filed> filed;
  filed.reserve(groups.size());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const GroupId id{message, static_cast<std::uint32_t>(i)};
    std::string key = q.put_group(rows, id, *shared_entry, groups[i], held_by_sender);
    filed.push_back({id, Staged::Filed::Where::index, std::move(key), {}, i == 0 ? shared_entry->size : 0});
  }
  if (!held_by_sender) q.file(filed, shared_entry, std::move(groups), rows);
  return Staged(*this, std::move(rows), std::move(filed));
}

// Where each group of a new entry waits: in memory where it can, so that it is not read back.
void Queue::Impl::file(std::vector<Staged::Filed>& filed, const std::shared_ptr<const Entry>& entry, std::vector<Group> groups,
                       kv::Batch& rows) {
  using Where = Staged::Filed::Where;
  const SteadyTime present = steady_now();
  std::lock_guard hold(mutex);
  if (!started || closed) return;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    Group& group = groups[i];
    auto& f = filed[i];
    Destination* d = window.find_destination(group.destination);
    if (d && d->has_backlog && d->unread && !window.is_far(*d, present)) {
      // It would be read from the index and moved to the backlog: it goes there at once.
      ++d->arriving;
      f.where = Where::backlog;
      f.destination = group.destination;
      rows.erase(Space::queue, kPartition, f.key);
      f.key = backlog_key(group.destination, entry->priority(), group.due, f.id);
      rows.put(Space::queue, kPartition, f.key, "");
      continue;
    }
    if (starved || window.full()) continue;  // while there is more due on disk than fits it is not overtaken
    if (!d) d = &window.destination(group.destination);
    if (!window.has_room(*d) || window.is_far(*d, present)) {
      update(*d);
      continue;
    }
    Item& item = window.add(f.id, *d, group.due, entry->priority(), Item::State::staged);
    f.where = Where::memory;
    const std::size_t bytes = memory_of(*entry, group);
    if (loaded_bytes + bytes <= options.max_loaded_bytes) load_into(item, entry, std::make_shared<const Group>(std::move(group)), bytes);
  }
}

void Queue::Impl::load_into(Item& item, std::shared_ptr<const Entry> entry, std::shared_ptr<const Group> group, std::size_t bytes) {
  unload(item);
  item.entry = std::move(entry);
  item.group = std::move(group);
  item.loaded_bytes = bytes;
  loaded_bytes += bytes;
}

void Queue::Impl::unload(Item& item) {
  loaded_bytes -= std::exchange(item.loaded_bytes, 0);
  item.entry.reset();
  item.group.reset();
}

void Queue::Impl::staged(const std::vector<Staged::Filed>& filed, bool committed) {
  using Where = Staged::Filed::Where;
  if (committed) messages_queued.add();
  std::lock_guard hold(mutex);
  if (committed) {
    change += {1, static_cast<std::int64_t>(filed.size()), 0, static_cast<std::int64_t>(filed.front().bytes)};
  }
  for (const auto& f : filed) {
    if (f.where == Where::backlog) {
      Destination* d = window.find_destination(f.destination);
      CHECK(d && d->arriving > 0);
      --d->arriving;
      backlog_grew(*d, f.key);
      continue;
    }
    if (f.where == Where::memory) {
      Item* item = window.find(f.id);
      CHECK(item && item->state == Item::State::staged);
      if (committed) {
        window.make_ready(*item);
        update(*item->destination);
        continue;
      }
      forget(*item);
    }
    indexed(f.key);
  }
  serve();
}

void Queue::Impl::backlog_grew(Destination& d, const std::string& key) {
  if (d.reading) {
    if (!d.lowest || key < *d.lowest) d.lowest = key;
  } else if (!d.unread || key < d.position) {
    d.position = key;
  }
  d.unread = true;
  update(d);
}

Staged::Staged(Queue& queue, kv::Batch rows, std::vector<Filed> filed) : queue_(&queue), rows_(std::move(rows)), filed_(std::move(filed)) {}
Staged::Staged(Staged&& other) noexcept
    : queue_(std::exchange(other.queue_, nullptr)), rows_(std::move(other.rows_)), filed_(std::move(other.filed_)) {}
Staged::~Staged() { conclude(false); }
void Staged::committed() { conclude(true); }
void Staged::conclude(bool committed) {
  if (Queue* queue = std::exchange(queue_, nullptr)) queue->impl_->staged(filed_, committed);
}

Task<Result<EntryId>> Queue::add(NewEntry message) {
  const EntryId id = message.bytes.id;
  message.entry.size = message.bytes.size;
  CO_TRY(auto staged, stage(id, std::move(message.entry), std::move(message.recipients)));
  kv::Batch batch = std::move(message.bytes.batch);
  batch.append(staged.take_rows());
  CO_TRY_OK(co_await impl_->store.commit(std::move(batch)));
  staged.committed();
  co_return id;
}

void Queue::set_limits(const std::string& destination, Limits limits) {
  std::lock_guard hold(impl_->mutex);
  Destination* d = impl_->window.find_destination(destination);
  if (!d || d->limits == limits) return;
  const bool pauses = limits.not_before != d->limits.not_before;
  d->limits = limits;
  impl_->update(*d);
  impl_->serve();
  if (pauses) impl_->bell.ring();  // the next pause may end sooner
}

void Queue::look_again() {
  {
    std::lock_guard hold(impl_->mutex);
    impl_->next_due.reset();
    impl_->window.for_each([this](Item& item) {
      if (item.state == Item::State::ready || item.state == Item::State::staged) impl_->unload(item);  // reading it compares routes
    });
    impl_->serve();
  }
  impl_->bell.ring();
}

Stats Queue::stats() const {
  std::lock_guard hold(impl_->mutex);
  Counters all = impl_->base;
  all += impl_->change;
  const auto natural = [](std::int64_t n) { return static_cast<std::uint64_t>(std::max<std::int64_t>(0, n)); };
  return {.entries = natural(all.entries),
          .groups = natural(all.groups),
          .held = natural(all.held),
          .bytes = natural(all.bytes),
          .exact = impl_->exact,
          .ready = impl_->window.ready(),
          .taken = impl_->window.taken(),
          .destinations = impl_->window.destinations()};
}

}  // namespace posthorn::queue
