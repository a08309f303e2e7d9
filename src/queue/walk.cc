#include "queue/walk.h"

#include <algorithm>

#include "base/log.h"
#include "queue/rows.h"
#include "text/ascii.h"

namespace posthorn::queue {
namespace {

using kv::Space;

std::string_view domain_of(std::string_view path) {
  const auto at = path.rfind('@');
  return at == path.npos ? std::string_view() : path.substr(at + 1);
}

// "mx.example.org" and "example.org".
bool is_below(std::string_view domain, std::string_view parent) {
  return domain.size() > parent.size() && domain[domain.size() - parent.size() - 1] == '.' &&
         text::iequals(domain.substr(domain.size() - parent.size()), parent);
}

bool fits(const Selection& s, const Entry& e) {
  if (s.not_dated && e.options.hold_until && *e.options.hold_until > now()) return false;
  if (s.sender == "<>" && !e.reverse_path.empty()) return false;
  if (!s.sender.empty() && s.sender != "<>" && !text::iequals(e.reverse_path, s.sender)) return false;
  if (!s.sender_domain.empty() && !text::iequals(domain_of(e.reverse_path), s.sender_domain)) return false;
  const auto age = now() - e.arrival;
  return (!s.older_than || age > *s.older_than) && (!s.younger_than || age < *s.younger_than);
}

bool fits(const Selection& s, const Group& g) {
  if (s.which == Selection::Which::held && !g.held) return false;
  if (s.which == Selection::Which::not_held && g.held) return false;
  const auto any = [&g](auto f) { return std::ranges::any_of(g.recipients, f); };
  if (!s.recipient.empty() && !any([&s](const Recipient& r) { return text::iequals(r.forward_path, s.recipient); })) return false;
  return s.recipient_domain.empty() ||
         any([&s](const Recipient& r) {
           const auto domain = domain_of(r.forward_path);
           return text::iequals(domain, s.recipient_domain) || (s.below && is_below(domain, s.recipient_domain));
         });
}

}  // namespace

Walk::Walk(kv::Store& store, Selection selection, Position from) : store_(store), selection_(std::move(selection)) {
  const auto& id = selection_.id;
  from_ = id ? entry_key(*id) : std::string(1, kEntryRow);
  to_ = id ? after_entry_key(*id) : std::string(1, kEntryRow + 1);
  from_ = std::max(from_, from);
}

Task<Result<Walk::Found>> Walk::next(std::size_t limit) {
  Found found;
  if (from_ >= to_) co_return found;
  CO_TRY(const auto rows, co_await store_.scan({Space::queue, kPartition, from_, to_, std::clamp<std::size_t>(limit, 1, kMostRows)}));
  for (const auto& row : rows.rows) {
    from_ = row.key + '\0';
    const auto key = read_entry_key(row.key);
    if (!key) continue;
    if (!key->group) {
      auto entry = decode_entry(row.value);
      if (!entry) log::error("queue.unreadable", {{"id", key->id}, {"error", entry.error()}});
      entry_id_ = key->id;
      entry_ = entry ? std::make_shared<const Entry>(*std::move(entry)) : nullptr;
      continue;
    }
    ++found.examined;
    if (entry_id_ != key->id) {  // the step before ended between
      CO_TRY(const auto entry_row, co_await store_.get(Space::queue, kPartition, entry_key(key->id)));
      auto entry = entry_row ? decode_entry(*entry_row) : Result<Entry>(fail(Errc::not_found));
      entry_id_ = key->id;
      entry_ = entry ? std::make_shared<const Entry>(*std::move(entry)) : nullptr;
    }
    if (!entry_ || !fits(selection_, *entry_)) continue;
    auto group = decode_group(row.value);
    if (!group) log::error("queue.unreadable", {{"id", key->id}, {"group", *key->group}, {"error", group.error()}});
    else if (fits(selection_, *group)) found.groups.push_back({{key->id, *key->group}, entry_, *std::move(group)});
  }
  if (!rows.more) from_ = to_;
  else found.next = from_;
  co_return found;
}

}  // namespace posthorn::queue
