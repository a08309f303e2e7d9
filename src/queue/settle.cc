// What an attempt came to, in one commit.
#include <algorithm>

#include "base/log.h"
#include "base/metrics.h"
#include "queue/impl.h"

namespace posthorn::queue {
namespace {

using kv::Space;

inline Counter recipients_done{"queue.recipients_done", "Recipients of queued messages that were settled for good since the start."};
inline Counter attempts_settled{"queue.attempts", "Attempts to deliver queued messages that were settled since the start."};

constexpr std::chrono::milliseconds kFirstPause{100}, kLongestPause{30'000};

}  // namespace

struct Settling::State {
  State(Queue& q, Work w) : queue(q.impl_.get()), work(std::move(w)) {}
  Queue::Impl* queue;
  Work work;
  kv::Batch rows;
  std::optional<std::string> row;  // the group's, when `rows` have been written; none: it has gone
  std::vector<Staged> messages;
  std::string index;              // the key of the group's next index row; empty: it is done, or held
  std::uint32_t became_final = 0;
  bool attempted = false, held = false;
  std::optional<Verb> wish;       // an operator's, that is part of it
  bool finished = false, last = false;
  Queue::Impl::Ending ending;     // when it is finished, and was not alone from the beginning
};

// What becomes of those whom an attempt, or the wish of an operator, has left.  The number of recipients that became final.
std::uint32_t apply_verb(Verb verb, Group& group) {
  std::uint32_t done = 0;
  for (Recipient& r : group.recipients) {
    if (verb == Verb::remove) r.owed = false;
    if (r.state != State::waiting) continue;
    if (verb != Verb::remove && verb != Verb::bounce) continue;
    ++done;
    r.state = verb == Verb::remove ? State::removed : State::failed;
    r.owed = verb == Verb::bounce;
    r.last = {.code = 0, .enhanced = {5, 7, 0}, .text = "Removed from the queue by the operator", .server = {}, .at = now()};
  }
  if (verb == Verb::hold) group.held = group.waits();
  if (verb == Verb::release || verb == Verb::bounce) group.held = false;  // what is to be told cannot wait for a release
  if (verb != Verb::hold) group.due = now();
  return done;
}

namespace {

std::uint32_t apply_outcomes(Settlement& settlement, Group& group) {
  std::uint32_t done = 0;
  for (Outcome& o : settlement.outcomes) {
    CHECK(o.recipient < group.recipients.size());
    Recipient& r = group.recipients[o.recipient];
    CHECK(r.state == State::waiting || r.state == o.state);  // what is final stays so
    done += r.state == State::waiting && o.state != State::waiting;
    r.state = o.state;
    r.owed = o.owed && o.state != State::waiting;
    r.warned = r.warned || o.warned;
    if (o.answer != Answer{}) r.last = std::move(o.answer);
    if (r.last.text.size() > kMaxAnswerText) r.last.text.resize(kMaxAnswerText);
  }
  if (settlement.attempted) {
    ++group.attempts;
    group.tried = now();
  }
  return done;
}

}  // namespace

std::shared_ptr<Closing> Queue::Impl::enter_closing(EntryId id) {
  std::lock_guard hold(mutex);
  auto& slot = closings[id];
  if (!slot) slot = std::make_shared<Closing>();
  ++slot->users;
  return slot;
}

void Queue::Impl::leave_closing(EntryId id, const std::shared_ptr<Closing>& closing) {
  std::lock_guard hold(mutex);
  if (--closing->users == 0) closings.erase(id);
}

Task<Result<void>> Queue::Impl::begin_closing(Ending& ending, EntryId id, std::vector<std::uint32_t> groups) {
  ending.id = id;
  ending.groups = std::move(groups);
  ending.closing = enter_closing(id);
  auto only_one = co_await ending.closing->mutex.lock();
  CO_TRY(ending.last, co_await is_last(ending));
  if (ending.last) ending.only_one = std::move(only_one);
  co_return Result<void>{};
}

// Others go on meanwhile: nothing is held between two tries.
Task<Result<void>> Queue::Impl::begin_closing_surely(Ending& ending, EntryId id, std::vector<std::uint32_t> groups) {
  for (auto pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    auto begun = co_await begin_closing(ending, id, groups);
    if (begun) co_return begun;
    end_closing(std::move(ending));
    ending = {};
    CO_TRY_OK(co_await wait_to_settle(pause, begun.error()));
  }
}

// REQUIRES: the closing's mutex is held; if the answer is yes, until the commit.
Task<Result<bool>> Queue::Impl::is_last(Ending& ending) {
  Closing& closing = *ending.closing;
  for (;;) {
    std::set<std::uint32_t> finishing;
    {
      std::lock_guard hold(mutex);
      closing.finishing.insert(ending.groups.begin(), ending.groups.end());
      finishing = closing.finishing;
    }
    // From the highest number on: they end last, more often than not.  The entry row itself comes before them.
    CO_TRY(const auto rows, co_await store.scan({Space::queue, kPartition, entry_key(ending.id), after_entry_key(ending.id),
                                                 finishing.size() + 1, kv::Direction::backward}));
    for (const auto& row : rows.rows) {
      const auto read = read_entry_key(row.key);
      if (read && read->group && !finishing.contains(*read->group)) co_return false;
    }
    Event ended;
    {
      std::lock_guard hold(mutex);
      if (closing.finishing.size() == ending.groups.size()) co_return true;
      if (closing.finishing != finishing) continue;
      closing.waiter = &ended;
    }
    co_await ended.wait();  // then it is another question
  }
}

// The end of these groups is decided, one way or the other.
void Queue::Impl::end_closing(Ending&& ending) {
  if (!ending.closing) return;
  ending.only_one.release();
  {
    std::lock_guard hold(mutex);
    Closing& closing = *ending.closing;
    for (auto group : ending.groups) closing.finishing.erase(group);
    if (closing.waiter) std::exchange(closing.waiter, nullptr)->set();
  }
  leave_closing(ending.id, std::exchange(ending.closing, nullptr));
}

Task<Result<Settling>> Queue::begin_settle(Work work, Settlement settlement) {
  Impl& q = *impl_;
  Settling settling(std::make_unique<Settling::State>(*this, std::move(work)));
  Settling::State& state = *settling.state_;
  Item& item = *state.work.item_;
  const Entry& entry = state.work.entry();
  Group after = *state.work.group_;
  state.attempted = settlement.attempted;
  state.became_final = apply_outcomes(settlement, after);
  CHECK(settlement.next || settlement.hold || !after.waits());
  after.due = settlement.next.value_or(now());
  after.held = settlement.hold && after.waits();
  {
    std::lock_guard hold(q.mutex);
    q.window.make_settling(item, settlement.frees);
    if (settlement.frees) q.update(*item.destination);
    state.wish = std::exchange(item.wish, std::nullopt);
  }
  if (state.wish) state.became_final += apply_verb(*state.wish, after);
  // That it still waits is not true any more.
  const auto waits = [](const Outcome& o) { return o.state == State::waiting; };
  if ((state.wish == Verb::remove || state.wish == Verb::bounce) && std::ranges::all_of(settlement.outcomes, waits)) settlement.messages.clear();
  for (NewEntry& m : settlement.messages) {
    m.entry.size = m.bytes.size;
    CO_TRY(auto staged, stage(m.bytes.id, std::move(m.entry), std::move(m.recipients)));
    state.rows.append(std::move(m.bytes.batch));
    state.rows.append(staged.take_rows());
    state.messages.push_back(std::move(staged));
  }

  Impl::erase_index(state.rows, entry, item, *state.work.group_);
  if (!after.done()) {
    after.destination = q.key_of(entry, after);
    std::string key = q.put_group(state.rows, item.id, entry, after);
    state.held = after.held;
    if (!after.held) state.index = std::move(key);
    co_return settling;
  }
  state.finished = true;
  state.rows.erase(Space::queue, kPartition, group_key(item.id));
  state.last = entry.groups == 1;
  if (!state.last) {
    std::vector<std::uint32_t> this_one{item.id.group};
    // What has gone out must not go out again because a row could not be read.
    CO_TRY_OK(co_await q.begin_closing_surely(state.ending, item.id.entry, std::move(this_one)));
    state.last = state.ending.last;
  }
  if (state.last) {
    state.rows.erase(Space::queue, kPartition, entry_key(item.id.entry));
    Impl::remove_blob(state.rows, item.id.entry, entry);
  }
  co_return settling;
}

// The link goes, and with it the bytes, now or after the commit.
void Queue::Impl::remove_blob(kv::Batch& batch, EntryId id, const Entry& entry) {
  if (!entry.shared) return blob::Blobs::put_removal(batch, {id, entry.size}, blob::kQueueOwner);
  blob::Blobs::erase_link(batch, id, blob::kQueueOwner);
  blob::Blobs::put_doomed(batch, id);
}

Task<> Queue::Impl::blob_removed(EntryId id, std::uint64_t size, bool shared) {
  if (!shared) {
    blobs.removed({id, size});
    co_return;
  }
  auto removed = co_await blobs.remove_unlinked({{id, size}});
  if (!removed) log::warning("queue.remove_blob_failed", {{"id", id}, {"error", removed.error()}});
}

Settling::Settling(std::unique_ptr<State> state) : state_(std::move(state)) {}
Settling::Settling(Settling&& other) noexcept = default;
kv::Batch Settling::take_rows() {
  const std::string key = group_key(state_->work.id());
  for (const auto& op : state_->rows.ops())
    if (op.space == Space::queue && op.key == key) state_->row = op.kind == kv::Batch::Kind::put ? std::optional(op.value) : std::nullopt;
  return std::move(state_->rows);
}

Settling::~Settling() {
  if (!state_) return;
  Queue::Impl& q = *state_->queue;
  q.end_closing(std::move(state_->ending));
  {
    std::lock_guard hold(q.mutex);
    if (state_->wish) state_->work.item_->wish = state_->wish;
  }
  q.drop(*state_->work.item_, true);
  state_->work.queue_ = nullptr;
}

Task<> Settling::committed() {
  const auto state = std::move(state_);
  Queue::Impl& q = *state->queue;
  const GroupId id = state->work.id();
  q.end_closing(std::move(state->ending));
  for (Staged& m : state->messages) m.committed();
  recipients_done.add(state->became_final);
  attempts_settled.add(state->attempted);
  const Entry& entry = state->work.entry();
  {
    std::lock_guard hold(q.mutex);
    q.forget(*state->work.item_);
    state->work.queue_ = nullptr;
    if (!state->index.empty()) q.indexed(state->index);
    if (state->finished) --q.change.groups;
    if (state->held) ++q.change.held;
    if (state->last) {
      --q.change.entries;
      q.change.bytes -= static_cast<std::int64_t>(entry.size);
    }
    q.serve();  // its destination may have one more now
  }
  if (state->last) co_await q.blob_removed(id.entry, entry.size, entry.shared);
}

// cancelled: the queue is closed.
Task<Result<void>> Queue::Impl::wait_to_settle(std::chrono::milliseconds pause, Error because) {
  log::warning("queue.settle_waits", {{"error", because}, {"milliseconds", pause.count()}});
  for (auto slept = kFirstPause; slept <= pause; slept += kFirstPause) {
    {
      std::lock_guard hold(mutex);
      if (closed) co_return fail(Errc::cancelled, "the queue is closed: " + because.text);
    }
    co_await sleep_for(kFirstPause);
  }
  co_return Result<void>{};
}

// Until it succeeds, or there is no more point.
Task<Result<void>> Queue::Impl::commit_surely(const kv::Batch& batch, GroupId id) {
  for (auto pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    auto done = co_await store.commit(batch);
    if (done) co_return done;
    CO_TRY_OK(co_await wait_to_settle(pause, done.error()));
    // Written once more it could bring a report back that was sent meanwhile.
    if (done.error().code == Errc::no_space) continue;
    auto written = co_await was_written(batch, id);
    if (written && *written) co_return Result<void>{};
  }
}

// A batch happens wholly or not at all: the group's row tells.
Task<Result<bool>> Queue::Impl::was_written(const kv::Batch& batch, GroupId id) {
  const std::string key = group_key(id);
  CO_TRY(const auto row, co_await store.get(Space::queue, kPartition, key));
  for (const auto& op : batch.ops())
    if (op.space == Space::queue && op.key == key) co_return op.kind == kv::Batch::Kind::put ? row == op.value : !row;
  co_return false;
}

Task<Result<void>> Queue::settle(Work work, Settlement settlement) {
  CO_TRY(auto settling, co_await begin_settle(std::move(work), std::move(settlement)));
  co_return co_await finish_settle(std::move(settling));
}

Task<Result<void>> Queue::finish_settle(Settling settling) {
  const GroupId id = settling.state_->work.id();
  kv::Batch rows = settling.take_rows();
  rows.can_wait();  // the other host has its answer, and the connection goes on
  CO_TRY_OK(co_await impl_->commit_surely(rows, id));
  co_await settling.committed();
  co_return Result<void>{};
}

Task<Result<std::optional<Work>>> Queue::take_back(Settling settling) {
  Impl& q = *impl_;
  const GroupId id = settling.state_->work.id();
  CO_TRY(const auto row, co_await q.store.get(Space::queue, kPartition, group_key(id)));
  const bool before = row == encode(*settling.state_->work.group_);
  if (!before && row != settling.state_->row) co_return fail(Errc::io, "queue: the row of a group is neither what it was nor what it should be");
  if (!before) {
    co_await settling.committed();
    co_return std::nullopt;
  }
  const auto state = std::move(settling.state_);
  q.end_closing(std::move(state->ending));
  std::lock_guard hold(q.mutex);
  Item& item = *state->work.item_;
  if (state->wish) item.wish = state->wish;
  q.window.make_taken_again(item);
  q.update(*item.destination);
  co_return std::move(state->work);
}

}  // namespace posthorn::queue
