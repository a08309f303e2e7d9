// How entries are added, taken out and folded: the view in memory and the rows on disk, always together.
#include <algorithm>
#include <chrono>
#include <map>

#include "store/change.h"
#include "store/mail_store.h"
#include "store/page_codec.h"
#include "text/ascii.h"

namespace posthorn::store {
namespace {

using kv::Space;

std::int64_t now_seconds() {
  using namespace std::chrono;
  return duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
}

// Erases the overlay rows that a page row makes superfluous.
void erase_overlay(Change& change, MailboxState& mailbox, const Page& page) {
  const std::uint64_t partition = change.account().id().value();
  for (const Entry& e : page.entries) {
    if (!e.overlaid) continue;
    change.batch().erase(Space::entry, partition, entry_key(mailbox.id, e.uid));
    --mailbox.overlay_rows;
  }
  for (Uid uid : page.tombstones) {
    change.batch().erase(Space::entry, partition, entry_key(mailbox.id, uid));
    --mailbox.overlay_rows;
  }
}

}  // namespace

PagePtr write_page(Change& change, MailboxState& mailbox, Page page) {
  erase_overlay(change, mailbox, page);
  Page written;
  written.entries = std::move(page.entries);
  for (Entry& e : written.entries) e.overlaid = false;
  written.disk_key = page.disk_key ? page.disk_key : written.entries.front().uid;
  change.batch().put(Space::entry_page, change.account().id().value(), entry_key(mailbox.id, *written.disk_key),
                     encode_page(written.entries));
  mailbox.paged_until = std::max(mailbox.paged_until, written.entries.back().uid);
  return make_page(std::move(written));
}

namespace {

void count_entry(MailboxState& mailbox, Account::Core& core, const Entry& e, int sign) {
  const auto one = static_cast<std::uint32_t>(sign);
  mailbox.messages += one;
  if (!(e.flags & kSeen)) mailbox.unseen += one;
  if (e.flags & kDeleted) {
    mailbox.deleted += one;
    if (mailbox.deleted_bytes) *mailbox.deleted_bytes += static_cast<std::uint64_t>(sign) * e.size;
  }
  mailbox.bytes += static_cast<std::uint64_t>(sign) * e.size;
  core.quota.messages_used += static_cast<std::uint64_t>(sign);
  core.quota.bytes_used += static_cast<std::uint64_t>(sign) * e.size;
}

}  // namespace

void number_entries(Change& change, MailboxState& mailbox, std::vector<Entry>& entries, const std::vector<Uid>& wanted) {
  const std::int64_t now = now_seconds();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Entry& e = entries[i];
    if (i < wanted.size()) mailbox.uid_next = std::max(mailbox.uid_next, wanted[i]);
    e.uid = mailbox.uid_next;
    e.overlaid = false;
    e.mod_seq = change.mod_seq();
    e.save_date = now;
    mailbox.uid_next = Uid(mailbox.uid_next.value() + 1);
    count_entry(mailbox, change.core(), e, +1);
  }
}

std::vector<Uid> add_entries(Change& change, MailboxId id, std::vector<Entry> entries, const std::vector<Uid>& wanted) {
  MailboxState& mailbox = *change.edit(id);
  number_entries(change, mailbox, entries, wanted);
  std::vector<Uid> uids;
  uids.reserve(entries.size());
  for (Entry& e : entries) {
    e.overlaid = true;
    ++mailbox.overlay_rows;
    change.batch().put(Space::entry, change.account().id().value(), entry_key(id, e.uid), encode_entry(e));
    uids.push_back(e.uid);
  }
  mailbox.highest_mod_seq = change.mod_seq();
  change.log(ChangeKind::added, id, uid_set_of(uids));
  change.note_added(id);

  if (auto view = change.loaded_view(id)) {
    auto pages = view->pages();
    Page last;
    if (!pages.empty() && pages.back()->entries.size() < View::kPageSize) {
      last = *pages.back();
      pages.pop_back();
    }
    last.has_overlay = true;
    for (const Entry& e : entries) {
      if (last.entries.size() == View::kPageSize) {
        pages.push_back(make_page(std::move(last)));
        last = {.has_overlay = true};
      }
      last.entries.push_back(e);
    }
    pages.push_back(make_page(std::move(last)));
    change.set_view(id, std::make_shared<const View>(std::move(pages)));
  }
  return uids;
}

Uid add_entry(Change& change, MailboxId id, Entry entry) {
  std::vector<Entry> one;
  one.push_back(std::move(entry));
  return add_entries(change, id, std::move(one)).front();
}

Task<Result<std::vector<Entry>>> take_entries(Change& change, MailboxId id, const UidSet& uids) {
  std::vector<Entry> taken;
  if (!change.edit(id)) co_return fail(Errc::not_found, "the mailbox has been deleted");
  CO_TRY(auto view, co_await change.view(id));
  MailboxState& mailbox = *change.edit(id);
  if (!mailbox.deleted_bytes) mailbox.deleted_bytes = deleted_bytes(*view);
  const std::uint64_t partition = change.account().id().value();
  std::vector<PagePtr> pages;
  pages.reserve(view->pages().size());
  for (const PagePtr& page : view->pages()) {
    const Uid first = page->entries.front().uid, last = page->entries.back().uid;
    auto range = std::lower_bound(uids.begin(), uids.end(), first, [](const UidRange& r, Uid u) { return r.last < u; });
    if (range == uids.end() || last < range->first) {
      pages.push_back(page);
      continue;
    }
    Page kept;
    kept.disk_key = page->disk_key;
    kept.tombstones = page->tombstones;
    std::vector<Entry> gone;
    for (const Entry& e : page->entries) {
      while (range != uids.end() && range->last < e.uid) ++range;
      const bool hit = range != uids.end() && range->first <= e.uid;
      (hit ? gone : kept.entries).push_back(e);
    }
    if (gone.empty()) {
      pages.push_back(page);
      continue;
    }
    for (const Entry& e : gone) count_entry(mailbox, change.core(), e, -1);
    if (kept.entries.empty()) {
      erase_overlay(change, mailbox, *page);
      if (page->disk_key) change.batch().erase(Space::entry_page, partition, entry_key(id, *page->disk_key));
    } else if (page->disk_key && gone.size() >= kRewritePageAt) {
      erase_overlay(change, mailbox, *page);
      kept.tombstones.clear();
      for (Entry& e : kept.entries) e.overlaid = false;
      pages.push_back(write_page(change, mailbox, std::move(kept)));
    } else {
      for (const Entry& e : gone) {
        const bool in_page = e.uid <= mailbox.paged_until;
        if (in_page) {
          change.batch().put(Space::entry, partition, entry_key(id, e.uid), "");
          if (!e.overlaid) ++mailbox.overlay_rows;
          kept.tombstones.push_back(e.uid);
        } else {
          change.batch().erase(Space::entry, partition, entry_key(id, e.uid));
          --mailbox.overlay_rows;
        }
      }
      kept.has_overlay = !kept.tombstones.empty() ||
                         std::any_of(kept.entries.begin(), kept.entries.end(), [](const Entry& e) { return e.overlaid; });
      pages.push_back(make_page(std::move(kept)));
    }
    taken.insert(taken.end(), gone.begin(), gone.end());
  }
  if (taken.empty()) co_return taken;
  mailbox.highest_mod_seq = change.mod_seq();
  std::vector<Uid> gone_uids;
  gone_uids.reserve(taken.size());
  for (const Entry& e : taken) gone_uids.push_back(e.uid);
  change.log(ChangeKind::removed, id, uid_set_of(gone_uids));
  change.set_view(id, std::make_shared<const View>(std::move(pages)));
  co_return taken;
}

namespace {

// How many entries refer to each message, beyond what is in memory.
Task<Result<std::map<MessageId, std::uint64_t>>> references(Change& change, const std::vector<Entry>& entries) {
  std::map<MessageId, std::uint64_t> counts;
  for (const Entry& e : entries) counts[e.message] = 1;
  if (change.core().has_copies) {
    std::vector<std::string> keys;
    keys.reserve(counts.size());
    for (const auto& [id, count] : counts) keys.push_back(message_key(id));
    CO_TRY(auto rows, co_await change.account().store().kv().multi_get(Space::message_refs, change.account().id().value(),
                                                                     std::move(keys)));
    std::size_t i = 0;
    for (auto& [id, count] : counts) {
      const auto& row = rows[i++];
      if (row && row->size() == 8) count = decode_refs(*row);
    }
  }
  co_return counts;
}

void put_references(Change& change, MessageId id, std::uint64_t count) {
  const std::uint64_t partition = change.account().id().value();
  if (count == 1) change.batch().erase(Space::message_refs, partition, message_key(id));
  else change.batch().put(Space::message_refs, partition, message_key(id), encode_refs(count));
}

}  // namespace

Task<Result<void>> release_messages(Change& change, const std::vector<Entry>& removed) {
  CO_TRY(auto counts, co_await references(change, removed));
  auto before = counts;
  std::map<MessageId, std::uint32_t> sizes;
  for (const Entry& e : removed) {
    --counts[e.message];
    sizes[e.message] = e.size;
  }
  for (const auto& [id, count] : counts) {
    if (count > 0) {
      put_references(change, id, count);
      continue;
    }
    const std::uint64_t partition = change.account().id().value();
    if (before[id] > 1) change.batch().erase(Space::message_refs, partition, message_key(id));
    change.batch().erase(Space::message, partition, message_key(id));
    blob::Blobs::erase_link(change.batch(), id, change.account().id());
    blob::Blobs::put_doomed(change.batch(), id);
    change.drop_blob(id, sizes[id]);
  }
  co_return Result<void>{};
}

Task<Result<void>> retain_messages(Change& change, const std::vector<Entry>& copied) {
  CO_TRY(auto counts, co_await references(change, copied));
  for (const Entry& e : copied) ++counts[e.message];
  for (const auto& [id, count] : counts) put_references(change, id, count);
  change.core().has_copies = true;
  co_return Result<void>{};
}

Task<Result<void>> forget_messages(Change& change, const std::vector<Entry>& copied) {
  CO_TRY(auto counts, co_await references(change, copied));
  // Never the last one: what they are copies of is still there.
  for (const Entry& e : copied)
    if (auto& count = counts[e.message]; count > 1) --count;
  for (const auto& [id, count] : counts) put_references(change, id, count);
  co_return Result<void>{};
}

Result<std::uint64_t> keyword_bits(MailboxState& mailbox, const std::vector<std::string>& keywords, OnUnknownKeyword what) {
  std::uint64_t bits = 0;
  for (const std::string& keyword : keywords) {
    auto known = std::find_if(mailbox.keywords.begin(), mailbox.keywords.end(),
                              [&](const std::string& k) { return text::iequals(k, keyword); });
    if (known == mailbox.keywords.end()) {
      if (what == OnUnknownKeyword::ignore) continue;
      if (mailbox.keywords.size() == kMaxKeywords)
        return fail(Errc::limit, "a mailbox has at most " + std::to_string(kMaxKeywords) + " keywords");
      mailbox.keywords.push_back(keyword);
      known = std::prev(mailbox.keywords.end());
    }
    bits |= std::uint64_t{1} << (known - mailbox.keywords.begin());
  }
  return bits;
}

std::vector<Entry> entries_of(const View& view, const UidSet& uids) { return entries_of(view, uids, Uid(0), view.size()); }

std::vector<Entry> entries_of(const View& view, const UidSet& uids, Uid after, std::size_t most) {
  const auto behind = [&view](Uid uid) { return uid.value() == 0xFFFFFFFF ? view.size() : view.lower_bound(Uid(uid.value() + 1)); };
  std::vector<Entry> out;
  auto range = std::lower_bound(uids.begin(), uids.end(), after, [](const UidRange& r, Uid u) { return r.last <= u; });
  for (; range != uids.end() && out.size() < most; ++range) {
    const std::uint32_t from = std::max(view.lower_bound(range->first), behind(after));
    if (from == view.size()) break;
    const auto to = std::min<std::uint64_t>(behind(range->last), from + (most - out.size()));
    view.for_each(from, static_cast<std::uint32_t>(to), [&](std::uint32_t, const Entry& e) { out.push_back(e); });
  }
  return out;
}

Result<void> check_room(const Quota& quota, std::uint64_t bytes, std::uint64_t messages) {
  if (!quota.has_room(bytes, 0))
    return fail(Errc::over_quota, "the account is over its quota");
  if (!quota.has_room(0, messages))
    return fail(Errc::over_quota, "the account has too many messages");
  return {};
}

Result<void> check_uids(const MailboxState& mailbox, std::size_t more) {
  if (more > 0xFFFFFFFF - mailbox.uid_next.value()) return fail(Errc::limit, "the mailbox has used up its UIDs");
  return {};
}

Result<void> check_wanted(const MailboxState& mailbox, const std::vector<Uid>& wanted) {
  std::uint64_t next = mailbox.uid_next.value();
  for (const Uid uid : wanted) {
    if (uid.value() != 0 && uid.value() < next)
      return fail(Errc::invalid, "UID " + std::to_string(uid.value()) + " has been given already; the next is " + std::to_string(next));
    if (uid.value() > kHighestRestoredUid) return fail(Errc::limit, "UID " + std::to_string(uid.value()) + " leaves too few for what is to come");
    next = std::max<std::uint64_t>(next, uid.value()) + 1;
  }
  return {};
}

Result<void> translate_flags(std::vector<Entry>& entries, const MailboxState& from, MailboxState& to, Rights at_target) {
  const std::uint8_t allowed = changeable_flags(at_target);
  std::uint64_t used = 0;
  for (Entry& e : entries) {
    e.flags &= allowed;
    if (!at_target.contains(kWrite)) e.keywords = 0;
    used |= e.keywords;
  }
  if (!used) return {};
  std::vector<std::uint64_t> bits(from.keywords.size(), 0);
  for (std::size_t i = 0; i < bits.size(); ++i)
    if (used >> i & 1) {
      TRY(bits[i], keyword_bits(to, {from.keywords[i]}, OnUnknownKeyword::add));
    }
  for (Entry& e : entries) {
    std::uint64_t translated = 0;
    for (std::size_t i = 0; i < bits.size(); ++i)
      if (e.keywords >> i & 1) translated |= bits[i];
    e.keywords = translated;
  }
  return {};
}

void fold_overlay(Change& change, MailboxId id, const View& view) {
  MailboxState& mailbox = *change.edit(id);
  std::vector<PagePtr> pages;
  pages.reserve(view.pages().size());
  for (const PagePtr& page : view.pages())
    pages.push_back(page->has_overlay ? write_page(change, mailbox, *page) : page);
  change.set_view(id, std::make_shared<const View>(std::move(pages)));
}

}  // namespace posthorn::store
