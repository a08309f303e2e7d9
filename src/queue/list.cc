// What operators see.
#include <algorithm>

#include "queue/impl.h"
#include "queue/walk.h"

namespace posthorn::queue {
namespace {

using kv::Space;

constexpr std::size_t kLeastGroups = 100;  // on a page
constexpr std::size_t kShownGroups = 50;

void count(Listed& to, const Group& group) {
  for (const Recipient& r : group.recipients) {
    if (r.state != State::waiting) {
      ++to.done;
      continue;
    }
    ++to.waiting;
    to.held += group.held;
    if (!to.recipient.empty()) continue;
    to.recipient = r.forward_path;
    to.last = r.last;
  }
}

void sum_up(Listed& to, Group group, bool in_flight) {
  count(to, group);
  for (Recipient& r : group.recipients)
    if (to.recipients.size() < kListedRecipients) to.recipients.push_back(std::move(r));
  to.attempts = std::max(to.attempts, group.attempts);
  to.in_flight |= in_flight;
  if (!group.held && (to.next == SysTime{} || group.due < to.next)) to.next = group.due;
}

}  // namespace

bool Queue::Impl::in_flight(GroupId id) const {
  std::lock_guard hold(mutex);
  const Item* item = window.find(id);
  return item && (item->state == Item::State::taken || item->state == Item::State::settling);
}

Task<Result<Page>> Queue::list(Selection selection, Position cursor, std::size_t limit) {
  Impl& q = *impl_;
  Page page;
  Walk walk(q.store, std::move(selection), std::move(cursor));
  CO_TRY(auto found, co_await walk.next(std::max(limit, kLeastGroups)));
  page.examined = found.examined;
  for (auto& match : found.groups) {
    if (page.entries.empty() || page.entries.back().id != match.id.entry)
      page.entries.push_back({.id = match.id.entry, .entry = *match.entry});
    sum_up(page.entries.back(), std::move(match.group), q.in_flight(match.id));
  }
  page.next = std::move(found.next);
  if (page.next.empty() || page.entries.empty()) co_return page;
  const EntryId last = page.entries.back().id;
  if (page.next >= after_entry_key(last)) co_return page;
  // It was cut: it comes whole on the next page, unless no page would hold it.
  page.entries.back().partial = page.entries.size() == 1;
  if (page.entries.size() > 1) page.entries.pop_back();
  page.next = page.entries.back().partial ? after_entry_key(last) : entry_key(last);
  co_return page;
}

Task<Result<Detail>> Queue::show(EntryId id, Position cursor) {
  Impl& q = *impl_;
  CO_TRY(const auto row, co_await q.store.get(Space::queue, kPartition, entry_key(id)));
  if (!row) co_return fail(Errc::not_found, "no message " + std::to_string(id.value()) + " in the queue");
  Detail detail;
  CO_TRY(detail.entry, decode_entry(*row));
  Walk walk(q.store, {.id = id}, std::move(cursor));
  CO_TRY(auto found, co_await walk.next(kShownGroups));
  for (auto& match : found.groups) {
    const bool in_flight = q.in_flight(match.id);
    detail.groups.push_back({match.id, std::move(match.group), in_flight});
  }
  detail.next = std::move(found.next);
  co_return detail;
}

}  // namespace posthorn::queue
