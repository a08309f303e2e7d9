// The background: finds what is due and takes it into memory, keeps backlogs on disk, and watches the clock.
#include <algorithm>
#include <random>

#include "base/log.h"
#include "queue/impl.h"
#include "queue/retry.h"

namespace posthorn::queue {
namespace {

using kv::Space;

constexpr std::size_t kPageRows = 1000;
constexpr std::chrono::seconds kLongestSleep{30};
constexpr std::chrono::seconds kTroubleSleep{1};
constexpr std::chrono::minutes kStateEvery{1};
constexpr std::chrono::seconds kLeasesEvery{10};  // all that is in memory is looked at
constexpr std::chrono::minutes kUnreadableAfter{5};
constexpr std::chrono::seconds kClockSlack{60};
constexpr std::size_t kMaxChores = 1000;

std::chrono::milliseconds random_up_to(std::chrono::milliseconds most) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(0, std::max<std::int64_t>(1, most.count()))(random));
}

}  // namespace

Task<> Queue::Impl::run() {
  wall = now();
  steady = state_written = steady_now();
  mend = latest > wall + kClockSlack;  // set back while we were away
  for (;;) {
    bool did = false;
    auto looked = co_await look(did);
    if (!looked) log::warning("queue.look_failed", {{"error", looked.error()}});
    std::chrono::milliseconds sleep = looked ? kLongestSleep : kTroubleSleep;
    {
      std::lock_guard hold(mutex);
      if (closed) co_return;
      if (looked && next_due && !starved) sleep = std::min(sleep, *next_due - now());
      if (const auto end = window.wake_paused(steady_now())) sleep = std::min(sleep, *end - steady_now());
      serve();
    }
    if (!looked || !did) co_await bell.wait(after(sleep));
    watch_clock();
    co_await keep_state();
  }
}

Task<> Queue::Impl::keep_state() {
  if (steady_now() - state_written < kStateEvery) co_return;
  state_written = steady_now();
  if (auto written = co_await write_state(false); !written) log::warning("queue.state_not_written", {{"error", written.error()}});
}

// One round of everything.  `did`: there may be more.
Task<Result<void>> Queue::Impl::look(bool& did) {
  if (std::exchange(mend, false)) CO_TRY_OK(co_await mend_clock());
  CO_TRY_OK(co_await apply_wishes());
  CO_TRY_OK(co_await do_chores(did));
  CO_TRY_OK(co_await scan_page(did));
  co_return Result<void>{};
}

void Queue::Impl::watch_clock() {
  const SysTime present = now();
  const SteadyTime running = steady_now();
  const auto jumped = (present - wall) - (running - steady);
  wall = present;
  steady = running;
  if (jumped < -kClockSlack) mend = true;
  if (jumped < -kClockSlack || jumped > kClockSlack)
    log::warning("queue.clock_set", {{"seconds", std::chrono::duration_cast<std::chrono::seconds>(jumped).count()}});
  std::lock_guard hold(mutex);
  if (jumped < -kClockSlack) next_due.reset();
  if (running - leases_watched < kLeasesEvery) return;
  leases_watched = running;
  if (const auto late = window.late(std::chrono::steady_clock::now())) log::warning("queue.leases_over", {{"count", late}});
  if (unreadable.empty() || running - unreadable_since < kUnreadableAfter) return;
  if (const auto from = std::exchange(unreadable_from, std::nullopt)) indexed(*from);
  for (const auto& key : std::exchange(unreadable, {})) {
    if (key.starts_with(kDueRow)) indexed(key);
    else if (Destination* d = window.find_destination(key.substr(1))) backlog_grew(*d, backlog_from(d->key));
  }
}

// --- The index by time ---

// Takes one page of what is due into memory, or into backlogs.
Task<Result<void>> Queue::Impl::scan_page(bool& did) {
  kv::Range range{Space::queue, kPartition, {}, {}, kPageRows};
  {
    std::lock_guard hold(mutex);
    starved = window.set_tight() || window.chores() > kMaxChores;
    if (closed || window.chores() > kMaxChores) co_return Result<void>{};
  }
  if (starved) co_return co_await make_room(did);
  {
    std::lock_guard hold(mutex);
    range.from = cursor;
    range.to = due_from(now() + std::chrono::milliseconds(1));
    if (range.from > range.to) range.from = cursor = range.to;  // the clock was set back
    scanning = true;
    released.clear();
    lowest.reset();
  }
  const std::string upto = range.to;
  auto rows = co_await store.scan(std::move(range));
  Spill spill;
  {
    std::lock_guard hold(mutex);
    scanning = false;
    if (rows) take_in(*rows, upto, spill);
    if (lowest && *lowest < cursor) cursor = *lowest;
    did = did || (rows && (rows->more || !rows->rows.empty()));
    serve();
  }
  CO_TRY_OK(std::move(rows));
  if (!spill.moves.empty() || !spill.rows.empty()) CO_TRY_OK(co_await write_spill(std::move(spill)));
  if (!did) CO_TRY_OK(co_await find_next_due());
  co_return Result<void>{};
}

// REQUIRES: mutex is held.
void Queue::Impl::take_in(const kv::Rows& rows, const std::string& upto, Spill& spill) {
  const SteadyTime steady_present = steady_now();
  for (const auto& row : rows.rows) {
    const auto key = read_due_key(row.key);
    if (key && !key->group) {
      take_in_mark(*key, spill);
    } else if (auto value = decode_due(row.value); !key || !value) {
      log::error("queue.index_damaged", {{"key", row.key}});
    } else if (!window.find(*key->group) && !released.contains(*key->group)) {
      Destination& d = window.destination(value->destination);
      if (window.full()) {  // go on here when there is room
        cursor = row.key;
        update(d);
        return;
      }
      if (window.has_room(d) && !window.is_far(d, steady_present)) {
        window.add(*key->group, d, key->due, value->priority, Item::State::ready);
      } else {
        window.add_busy(*key->group);
        ++d.pins;
        spill.moves.push_back({*key->group, row.key, backlog_key(d.key, value->priority, key->due, *key->group), d.key});
      }
      update(d);
    }
    cursor = row.key + '\0';
  }
  if (!rows.more && cursor < upto) cursor = upto;
}

// A row that says that a destination has a backlog.
void Queue::Impl::take_in_mark(const DueKey& key, Spill& spill) {
  Destination& d = window.destination(std::string(key.destination));
  if (d.has_backlog && d.mark != key.due) {  // one is enough: ours, which is there afterwards for sure
    spill.rows.erase(Space::queue, kPartition, backlog_mark_key(key.due, d.key));
    spill.rows.put(Space::queue, kPartition, backlog_mark_key(d.mark, d.key), encode_mark(now()));
  }
  if (d.has_backlog) return;
  d.has_backlog = true;
  d.mark = key.due;
  backlog_grew(d, backlog_from(d.key));
}

// Moves rows from the index to the backlogs of their destinations.  Unsynced: at its old place the work is found as well.
Task<Result<void>> Queue::Impl::write_spill(Spill spill) {
  const SysTime present = now();
  std::set<std::string> fresh;  // destinations that had no backlog
  {
    std::lock_guard hold(mutex);
    for (const auto& move : spill.moves) {
      spill.rows.erase(Space::queue, kPartition, move.from);
      spill.rows.put(Space::queue, kPartition, move.to, "");
      if (!window.find_destination(move.destination)->has_backlog) fresh.insert(move.destination);
    }
  }
  for (const auto& d : fresh) spill.rows.put(Space::queue, kPartition, backlog_mark_key(present, d), encode_mark(present));
  auto written = co_await store.write_ahead(std::move(spill.rows));
  std::lock_guard hold(mutex);
  for (const auto& move : spill.moves) {
    if (Item* item = window.find(move.id)) forget(*item);
    Destination& d = *window.find_destination(move.destination);
    --d.pins;
    if (written && !d.has_backlog) {
      d.has_backlog = true;
      d.mark = present;
    }
    if (!written) indexed(move.from);
    if (d.has_backlog) backlog_grew(d, move.to);
    else update(d);
  }
  if (!written)  // perhaps it was
    for (const auto& d : fresh) indexed(backlog_mark_key(present, d));
  co_return written;
}

Task<Result<void>> Queue::Impl::find_next_due() {
  std::string from;
  {
    std::lock_guard hold(mutex);
    from = cursor;
    next_due = SysTime::max();  // what comes from now on is compared with it
  }
  CO_TRY(const auto rows, co_await store.scan({Space::queue, kPartition, from, std::string(1, kDueRow + 1), 1}));
  std::lock_guard hold(mutex);
  const auto key = rows.rows.empty() ? std::nullopt : read_due_key(rows.rows[0].key);
  if (key && (!next_due || key->due < *next_due)) next_due = key->due;
  co_return Result<void>{};
}

// --- The clock, and the rest ---

// The clock was set back: what was filed with a time that is in the future now would wait too long.  It becomes due soon, spread over
// the first step of the schedule.
Task<Result<void>> Queue::Impl::mend_clock() {
  log::info("queue.mending_clock", {});
  std::string from = due_from(now());
  for (bool more = true; more;) {
    {
      std::lock_guard hold(mutex);
      if (closed) co_return Result<void>{};
    }
    CO_TRY_OK(co_await mend_page(from, more));
  }
  co_return Result<void>{};
}

Task<Result<void>> Queue::Impl::mend_page(std::string& from, bool& more) {
  const SysTime present = now();
  const auto spread = RetryPolicy::from_settings().first;
  {
    std::lock_guard hold(mutex);
    scanning = true;
    released.clear();
    lowest.reset();
  }
  auto rows = co_await store.scan({Space::queue, kPartition, from, std::string(1, kDueRow + 1), kPageRows});
  kv::Batch batch;
  std::vector<std::string> keys;  // of groups
  std::vector<GroupId> ids;
  {
    std::lock_guard hold(mutex);
    scanning = false;
    if (lowest && *lowest < cursor) cursor = *lowest;
    CO_TRY_OK(rows);
    for (const auto& row : rows->rows) {
      const auto key = read_due_key(row.key);
      if (key && !key->group) {
        const auto written = decode_mark(row.value);
        const Destination* d = window.find_destination(std::string(key->destination));
        if (!written || *written <= present + kClockSlack || (d && d->has_backlog)) continue;
        batch.erase(Space::queue, kPartition, row.key);
        batch.put(Space::queue, kPartition, backlog_mark_key(present, key->destination), encode_mark(present));
        continue;
      }
      const auto value = decode_due(row.value);
      if (!key || !value || value->held_by_sender || value->written <= present + kClockSlack) continue;
      if (window.find(*key->group) || released.contains(*key->group)) continue;
      window.add_busy(*key->group);
      ids.push_back(*key->group);
      keys.push_back(group_key(*key->group));
    }
  }
  more = rows->more;
  if (!rows->rows.empty()) from = rows->rows.back().key + '\0';
  auto done = co_await make_due(std::move(batch), ids, std::move(keys), present, spread);
  std::lock_guard hold(mutex);
  for (const GroupId id : ids) forget(*window.find(id));
  if (done) indexed(due_from(present));
  co_return done;
}

// Files groups anew, with a time soon after `from`.
Task<Result<void>> Queue::Impl::make_due(kv::Batch batch, const std::vector<GroupId>& ids, std::vector<std::string> keys, SysTime from,
                                         std::chrono::milliseconds spread) {
  CO_TRY(const auto rows, co_await store.multi_get(Space::queue, kPartition, std::move(keys)));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!rows[i]) continue;
    CO_TRY(auto group, decode_group(*rows[i]));
    CO_TRY(const auto entry_row, co_await store.get(Space::queue, kPartition, entry_key(ids[i].entry)));
    if (!entry_row) continue;
    CO_TRY(const auto entry, decode_entry(*entry_row));
    batch.erase(Space::queue, kPartition, due_key(group.due, ids[i]));
    group.due = from + random_up_to(spread);
    put_group(batch, ids[i], entry, group);
  }
  if (batch.empty()) co_return Result<void>{};
  co_return co_await store.write_ahead(std::move(batch));
}

}  // namespace posthorn::queue
