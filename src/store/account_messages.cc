// Flags, copying, moving and removing messages.
#include <algorithm>

#include "store/change.h"
#include "store/mail_store.h"

namespace posthorn::store {
namespace {

using kv::Space;

struct NewFlags {
  FlagsOp op;
  std::uint8_t system;
  std::uint64_t keywords;

  Entry apply(Entry e) const {
    switch (op) {
      case FlagsOp::replace:
        e.flags = system;
        e.keywords = keywords;
        break;
      case FlagsOp::add:
        e.flags |= system;
        e.keywords |= keywords;
        break;
      case FlagsOp::remove:
        e.flags = static_cast<std::uint8_t>(e.flags & ~system);
        e.keywords &= ~keywords;
        break;
    }
    return e;
  }
};

void count_flags(MailboxState& mailbox, const Entry& before, const Entry& after) {
  mailbox.unseen += static_cast<std::uint32_t>(!(after.flags & kSeen)) - static_cast<std::uint32_t>(!(before.flags & kSeen));
  mailbox.deleted +=
      static_cast<std::uint32_t>((after.flags & kDeleted) != 0) - static_cast<std::uint32_t>((before.flags & kDeleted) != 0);
  if (!mailbox.deleted_bytes) return;
  if (after.flags & kDeleted) *mailbox.deleted_bytes += after.size;
  if (before.flags & kDeleted) *mailbox.deleted_bytes -= before.size;
}

// The page with new flags; the same one when nothing in it changes.  Writes its rows.
PagePtr change_page(Change& change, MailboxState& mailbox, const PagePtr& page, const UidSet& uids, const NewFlags& flags,
                    std::optional<ModSeq> unchanged_since, FlagsResult& result) {
  auto range = std::lower_bound(uids.begin(), uids.end(), page->entries.front().uid,
                                [](const UidRange& r, Uid u) { return r.last < u; });
  if (range == uids.end() || page->entries.back().uid < range->first) return page;
  std::optional<Page> edited;
  std::vector<std::size_t> changed;
  for (std::size_t i = 0; i < page->entries.size(); ++i) {
    const Entry& before = page->entries[i];
    while (range != uids.end() && range->last < before.uid) ++range;
    if (range == uids.end()) break;
    if (before.uid < range->first) continue;
    if (unchanged_since && before.mod_seq > *unchanged_since) {
      result.modified.push_back(before.uid);
      continue;
    }
    result.touched.push_back(before.uid);
    Entry after = flags.apply(before);
    if (after.flags == before.flags && after.keywords == before.keywords) continue;
    after.mod_seq = change.mod_seq();
    count_flags(mailbox, before, after);
    if (!edited) edited = *page;
    edited->entries[i] = after;
    changed.push_back(i);
    result.changed.push_back(after.uid);
  }
  if (!edited) return page;
  if (edited->disk_key && changed.size() >= kRewritePageAt) return write_page(change, mailbox, *std::move(edited));
  for (std::size_t i : changed) {
    Entry& e = edited->entries[i];
    if (!e.overlaid) ++mailbox.overlay_rows;
    e.overlaid = true;
    change.batch().put(Space::entry, change.account().id().value(), entry_key(mailbox.id, e.uid), encode_entry(e));
  }
  edited->has_overlay = true;
  return make_page(*std::move(edited));
}

std::vector<Entry> entries_of(const View& view, const UidSet& uids) {
  std::vector<Entry> out;
  for (const UidRange& r : uids) {
    const std::uint32_t from = view.lower_bound(r.first);
    if (from == view.size()) break;
    const std::uint32_t to = r.last.value() == 0xFFFFFFFF ? view.size() : view.lower_bound(Uid(r.last.value() + 1));
    view.for_each(from, to, [&](std::uint32_t, const Entry& e) { out.push_back(e); });
  }
  return out;
}

// Keywords are bits of their own mailbox: here those of `from` become those of `to`.
Result<void> translate_keywords(std::vector<Entry>& entries, const MailboxState& from, MailboxState& to) {
  std::vector<std::uint64_t> bits(from.keywords.size(), 0);
  std::uint64_t used = 0;
  for (const Entry& e : entries) used |= e.keywords;
  for (std::size_t i = 0; i < bits.size(); ++i) {
    if (!(used >> i & 1)) continue;
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

Result<void> check_uids(const MailboxState& to, const std::vector<Entry>& more) {
  if (more.size() > 0xFFFFFFFF - to.uid_next.value()) return fail(Errc::limit, "the mailbox has used up its UIDs");
  return {};
}

Result<void> check_quota(const Quota& quota, const std::vector<Entry>& more) {
  std::uint64_t bytes = quota.bytes_used;
  for (const Entry& e : more) bytes += e.size;
  if (quota.bytes_limit && bytes > quota.bytes_limit) return fail(Errc::over_quota, "the account is over its quota");
  if (quota.messages_limit && quota.messages_used + more.size() > quota.messages_limit)
    return fail(Errc::over_quota, "the account has too many messages");
  return {};
}

}  // namespace

Task<Result<FlagsResult>> Account::change_flags(MailboxId id, UidSet uids, FlagsChange what,
                                                std::optional<ModSeq> unchanged_since) {
  CO_TRY(auto change, co_await Change::begin(shared_from_this()));
  if (!change.edit(id)) co_return fail(Errc::not_found, "the mailbox has been deleted");
  CO_TRY(auto view, co_await change.view(id));
  MailboxState& mailbox = *change.edit(id);
  if (!mailbox.deleted_bytes) mailbox.deleted_bytes = store::deleted_bytes(*view);
  const std::size_t keywords_before = mailbox.keywords.size();
  CO_TRY(auto bits, keyword_bits(mailbox, what.keywords,
                                 what.op == FlagsOp::remove ? OnUnknownKeyword::ignore : OnUnknownKeyword::add));
  const NewFlags flags{what.op, static_cast<std::uint8_t>(what.system & kAllSystemFlags), bits};
  FlagsResult result;
  std::vector<PagePtr> pages;
  pages.reserve(view->pages().size());
  for (const PagePtr& page : view->pages())
    pages.push_back(change_page(change, mailbox, page, uids, flags, unchanged_since, result));
  if (result.changed.empty() && mailbox.keywords.size() == keywords_before) {
    result.view = std::move(view);
    co_return result;
  }
  if (!result.changed.empty()) {
    mailbox.highest_mod_seq = change.mod_seq();
    change.log(ChangeKind::flags, id, uid_set_of(result.changed));
  }
  result.view = std::make_shared<const View>(std::move(pages));
  change.set_view(id, result.view);
  CO_TRY_OK(co_await change.commit());
  co_return result;
}

Task<Result<CopyResult>> Account::copy(MailboxId from, UidSet uids, MailboxId to) {
  CO_TRY(auto change, co_await Change::begin(shared_from_this()));
  if (!change.edit(to)) co_return fail(Errc::not_found, "the mailbox has been deleted");
  auto source = mailbox(from);
  if (!source) co_return fail(Errc::not_found, "the mailbox has been deleted");
  CO_TRY(auto view, co_await change.view(from));
  auto entries = entries_of(*view, uids);
  CopyResult result;
  result.uid_validity = change.edit(to)->uid_validity;
  result.source_view = view;
  if (entries.empty()) co_return result;
  CO_TRY_OK(check_quota(change.core().quota, entries));
  CO_TRY_OK(check_uids(*change.edit(to), entries));
  for (const Entry& e : entries) result.from.push_back(e.uid);
  CO_TRY_OK(translate_keywords(entries, *source, *change.edit(to)));
  CO_TRY_OK(co_await retain_messages(change, entries));
  result.to = add_entries(change, to, std::move(entries));
  if (from == to) result.source_view = change.loaded_view(from);
  CO_TRY_OK(co_await change.commit());
  co_return result;
}

Task<Result<CopyResult>> Account::move(MailboxId from, UidSet uids, MailboxId to) {
  CO_TRY(auto change, co_await Change::begin(shared_from_this()));
  if (!change.edit(to)) co_return fail(Errc::not_found, "the mailbox has been deleted");
  auto source = mailbox(from);
  if (!source) co_return fail(Errc::not_found, "the mailbox has been deleted");
  CO_TRY(auto entries, co_await take_entries(change, from, uids));
  CopyResult result;
  result.uid_validity = change.edit(to)->uid_validity;
  if (entries.empty()) {
    CO_TRY(result.source_view, co_await change.view(from));
    co_return result;
  }
  CO_TRY_OK(check_uids(*change.edit(to), entries));
  for (const Entry& e : entries) result.from.push_back(e.uid);
  CO_TRY_OK(translate_keywords(entries, *source, *change.edit(to)));
  // The entries' messages keep their references: one goes, one comes.
  result.to = add_entries(change, to, std::move(entries));
  result.source_view = change.loaded_view(from);
  CO_TRY_OK(co_await change.commit());
  co_return result;
}

namespace {

Task<Result<ExpungeResult>> remove_locked(Change& change, MailboxId id, UidSet uids) {
  CO_TRY(auto removed, co_await take_entries(change, id, uids));
  ExpungeResult result;
  if (removed.empty()) {
    CO_TRY(result.view, co_await change.view(id));
    result.mod_seq = change.core().mod_seq;
    co_return result;
  }
  CO_TRY_OK(co_await release_messages(change, removed));
  for (const Entry& e : removed) result.uids.push_back(e.uid);
  result.view = change.loaded_view(id);
  result.mod_seq = change.mod_seq();
  CO_TRY_OK(co_await change.commit());
  co_return result;
}

}  // namespace

Task<Result<ExpungeResult>> Account::remove(MailboxId id, UidSet uids) {
  CO_TRY(auto change, co_await Change::begin(shared_from_this()));
  co_return co_await remove_locked(change, id, std::move(uids));
}

Task<Result<ExpungeResult>> Account::expunge(MailboxId id, std::optional<UidSet> only) {
  std::vector<Uid> gone;
  for (Uid from{0};;) {
    CO_TRY(auto change, co_await Change::begin(shared_from_this()));
    auto state = mailbox(id);
    if (!state) co_return fail(Errc::not_found, "the mailbox has been deleted");
    CO_TRY(auto now, co_await change.view(id));
    std::vector<Uid> doomed;
    if (state->deleted > 0) {
      now->for_each_flagged(kDeleted, 0, [&](std::uint32_t, const Entry& e) {
        if (doomed.size() < kSlice && e.uid > from && (!only || contains(*only, e.uid))) doomed.push_back(e.uid);
      });
    }
    CO_TRY(auto result, co_await remove_locked(change, id, uid_set_of(doomed)));
    gone.insert(gone.end(), result.uids.begin(), result.uids.end());
    if (doomed.size() < kSlice) {
      result.uids = std::move(gone);
      co_return result;
    }
    from = doomed.back();
  }
}

Task<Result<void>> Account::set_quota(QuotaLimits limits) {
  CO_TRY(auto change, co_await Change::begin(shared_from_this()));
  change.core().quota.bytes_limit = limits.bytes;
  change.core().quota.messages_limit = limits.messages;
  change.core().quota.mailboxes_limit = limits.mailboxes;
  co_return co_await change.commit();
}

Task<Result<void>> Account::fold(MailboxId id) {
  CO_TRY(auto change, co_await Change::begin(shared_from_this()));
  MailboxState* state = change.edit(id);
  if (!state || state->overlay_rows <= kFoldAt) co_return Result<void>{};
  CO_TRY(auto view, co_await change.view(id));
  fold_overlay(change, id, *view);
  co_return co_await change.commit();
}

}  // namespace posthorn::store
