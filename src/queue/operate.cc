// What operators do to groups: one commit a step, nothing of it behind the back of those who are at work.
#include <algorithm>

#include "base/log.h"
#include "queue/impl.h"
#include "queue/walk.h"

namespace posthorn::queue {
namespace {

using kv::Space;

// While an outcome is being committed a verb waits this long for it.
constexpr std::chrono::milliseconds kPatience{2000}, kNap{5};

bool applies(Verb verb, const Group& group) {
  switch (verb) {
    case Verb::retry: return !group.held;
    case Verb::hold: return !group.held && group.waits();
    case Verb::release: return group.held;
    case Verb::remove: return true;
    case Verb::bounce: return group.waits();
  }
  return false;
}

}  // namespace

// Takes the group for an operator.
Queue::Impl::Claimed Queue::Impl::claim(GroupId id, Verb verb) {
  std::lock_guard hold(mutex);
  return claim_locked(id, verb);
}

Queue::Impl::Claimed Queue::Impl::claim_locked(GroupId id, Verb verb) {
  Item* item = window.find(id);
  if (!item) {
    window.add_busy(id);
    return Claimed::yes;
  }
  if (item->state == Item::State::ready) {
    window.make_busy(*item);
    unload(*item);
    update(*item->destination);
    return Claimed::yes;
  }
  if (item->state != Item::State::taken) return Claimed::not_now;
  // A later word replaces an earlier one; retry and release have nothing to add to an attempt that is being made.
  if (verb == Verb::hold || verb == Verb::remove || verb == Verb::bounce) item->wish = verb;
  return Claimed::in_flight;
}

Task<Result<Step>> Queue::act(Verb verb, Selection selection, Position from, std::size_t limit) {
  Impl& q = *impl_;
  Step step;
  Walk walk(q.store, std::move(selection), std::move(from));
  CO_TRY(auto found, co_await walk.next(limit));
  step.examined = found.examined;
  step.next = std::move(found.next);
  std::vector<GroupId> claimed;
  auto patience = kPatience;
  for (const auto& match : found.groups) {
    if (!applies(verb, match.group)) continue;
    auto claim = q.claim(match.id, verb);
    for (; claim == Impl::Claimed::not_now && patience >= kNap; patience -= kNap) {
      co_await sleep_for(kNap);
      claim = q.claim(match.id, verb);
    }
    if (claim == Impl::Claimed::yes) claimed.push_back(match.id);
    if (claim != Impl::Claimed::in_flight) continue;
    ++step.in_flight;
    ++step.changed;
    step.recipients += match.group.recipients.size();
    step.entries.push_back(match.id.entry);
  }
  CO_TRY(const auto applied, co_await q.apply(verb, std::move(claimed)));
  step.changed += applied.groups;
  step.recipients += applied.recipients;
  step.entries.insert(step.entries.end(), applied.entries.begin(), applied.entries.end());
  std::ranges::sort(step.entries);
  step.entries.erase(std::ranges::unique(step.entries).begin(), step.entries.end());
  co_return step;
}

// One commit for all of them; they are nobody's afterwards, whatever happens.  REQUIRES: they are claimed.
Task<Result<Queue::Impl::Applied>> Queue::Impl::apply(Verb verb, std::vector<GroupId> ids) {
  std::ranges::sort(ids);
  Edit edit{.verb = verb};
  Result<void> done = co_await make_edit(edit, ids);
  if (done && !edit.rows.empty()) done = co_await store.commit(std::move(edit.rows));
  if (!done) log::warning("queue.verb_failed", {{"error", done.error()}});
  for (auto& ending : edit.endings) end_closing(std::move(ending));
  {
    std::lock_guard hold(mutex);
    for (const GroupId id : ids) {
      Item& item = *window.find(id);
      // What has stayed as it was is found again.
      if (item.destination && (!done || !edit.edited.contains(id))) {
        if (item.in_backlog) backlog_grew(*item.destination, backlog_from(item.destination->key));
        else edit.index.push_back(due_key(item.due, id));
      }
      forget(item);
    }
    for (const auto& key : edit.index) indexed(key);
    if (done) change += edit.change;
    serve();
  }
  CO_TRY_OK(std::move(done));
  for (const auto& blob : edit.blobs) co_await blob_removed(blob.id, blob.size, blob.shared);
  co_return edit.applied;
}

Task<Result<void>> Queue::Impl::make_edit(Edit& edit, const std::vector<GroupId>& ids) {
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i == 0 || ids[i].entry != ids[i - 1].entry) keys.push_back(entry_key(ids[i].entry));
    keys.push_back(group_key(ids[i]));
  }
  CO_TRY(const auto rows, co_await store.multi_get(Space::queue, kPartition, std::move(keys)));
  auto row = rows.begin();
  for (auto id = ids.begin(); id != ids.end();) {
    const EntryId of = id->entry;
    // They may have come to their end since they were found.
    const auto& entry_row = *row++;
    auto entry = entry_row ? decode_entry(*entry_row) : Result<Entry>(fail(Errc::not_found));
    std::vector<std::uint32_t> ended;
    for (; id != ids.end() && id->entry == of; ++id, ++row) {
      if (!entry || !*row) continue;
      auto group = decode_group(**row);
      if (group && edit_group(edit, *id, *entry, *std::move(group))) ended.push_back(id->group);
    }
    if (!ended.empty()) CO_TRY_OK(co_await end_groups(edit, of, *entry, std::move(ended)));
  }
  co_return Result<void>{};
}

// The group's rows after the verb.  True: it has come to its end.
bool Queue::Impl::edit_group(Edit& edit, GroupId id, const Entry& entry, Group group) {
  if (!applies(edit.verb, group)) {
    if (!group.held) edit.index.push_back(due_key(group.due, id));  // nobody may know of it
    return false;
  }
  edit.edited.insert(id);
  ++edit.applied.groups;
  edit.applied.recipients += group.recipients.size();
  edit.applied.entries.push_back(id.entry);
  if (group.held) {
    edit.rows.erase(Space::queue, kPartition, held_key(id));
  } else {  // it is in one of them
    edit.rows.erase(Space::queue, kPartition, due_key(group.due, id));
    edit.rows.erase(Space::queue, kPartition, backlog_key(group.destination, entry.priority(), group.due, id));
  }
  edit.change.held -= group.held;
  apply_verb(edit.verb, group);
  if (group.done()) {
    edit.rows.erase(Space::queue, kPartition, group_key(id));
    --edit.change.groups;
    return true;
  }
  group.destination = key_of(entry, group);
  std::string key = put_group(edit.rows, id, entry, group);
  edit.change.held += group.held;
  if (!group.held) edit.index.push_back(std::move(key));
  return false;
}

// Groups of one entry that end together.
Task<Result<void>> Queue::Impl::end_groups(Edit& edit, EntryId id, const Entry& entry, std::vector<std::uint32_t> ended) {
  if (entry.groups > 1) {
    Ending& ending = edit.endings.emplace_back();
    CO_TRY_OK(co_await begin_closing(ending, id, std::move(ended)));
    if (!ending.last) co_return Result<void>{};
  }
  edit.rows.erase(Space::queue, kPartition, entry_key(id));
  remove_blob(edit.rows, id, entry);
  edit.blobs.push_back({id, entry.size, entry.shared});
  --edit.change.entries;
  edit.change.bytes -= static_cast<std::int64_t>(entry.size);
  co_return Result<void>{};
}

// What operators want of work that was given back.
Task<Result<void>> Queue::Impl::apply_wishes() {
  std::vector<std::pair<GroupId, Verb>> wanted;
  {
    std::lock_guard hold(mutex);
    wanted = std::exchange(wishes, {});
  }
  for (const auto& [id, verb] : wanted) {
    auto claimed = Claimed::yes;
    {
      std::lock_guard hold(mutex);
      Item* item = window.find(id);
      const bool kept = item && std::exchange(item->kept_for_wish, false);
      if (!kept) claimed = claim_locked(id, verb);
      if (claimed == Claimed::not_now) wishes.emplace_back(id, verb);
    }
    if (claimed != Claimed::yes) continue;
    std::vector<GroupId> one{id};
    const auto applied = co_await apply(verb, std::move(one));
    if (applied) continue;
    std::lock_guard hold(mutex);
    wishes.emplace_back(id, verb);
  }
  co_return Result<void>{};
}

}  // namespace posthorn::queue
