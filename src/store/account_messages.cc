// Flags, copying, moving and removing messages.
#include <algorithm>

#include "store/change.h"
#include "store/mail_store.h"
#include "store/staged_copy.h"

namespace posthorn::store {
namespace {

using kv::Space;

struct NewFlags {
  FlagsOp op;
  std::uint8_t system;
  std::uint64_t keywords;
  Rights rights;
  FlagsScope scope;
  std::optional<InternalDate> internal_date;

  Entry apply(Entry e) const {
    const bool changes_system = scope == FlagsScope::all || scope == FlagsScope::system;
    const bool changes_keywords = scope == FlagsScope::all || scope == FlagsScope::keywords;
    const bool may_write = rights.contains(kWrite);
    if (changes_system) e.flags = apply(e.flags, system, changeable_flags(rights));
    if (changes_keywords && may_write) e.keywords = apply(e.keywords, keywords, ~std::uint64_t{0});
    if (internal_date && may_write) e.internal_date = *internal_date;
    return e;
  }

 private:
  template <class Bits>
  Bits apply(Bits before, Bits given, Bits changeable) const {
    Bits after = given;
    if (op == FlagsOp::add) after = before | given;
    if (op == FlagsOp::remove) after = before & static_cast<Bits>(~given);
    return static_cast<Bits>((before & ~changeable) | (after & changeable));
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
    if (after.flags == before.flags && after.keywords == before.keywords && after.internal_date == before.internal_date) continue;
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

}  // namespace

Task<Result<FlagsResult>> Account::change_flags(MailboxId id, UidSet uids, FlagsChange what,
                                                std::optional<ModSeq> unchanged_since) {
  CO_TRY(auto change, co_await Change::begin(shared_from_this()));
  if (!change.edit(id)) co_return fail(Errc::not_found, "the mailbox has been deleted");
  CO_TRY(auto view, co_await change.view(id));
  MailboxState& mailbox = *change.edit(id);
  if (!mailbox.deleted_bytes) mailbox.deleted_bytes = store::deleted_bytes(*view);
  const std::size_t keywords_before = mailbox.keywords.size();
  if (!what.rights.contains(kWrite)) what.keywords.clear();  // none is made for nothing
  CO_TRY(auto bits, keyword_bits(mailbox, what.keywords,
                                 what.op == FlagsOp::remove ? OnUnknownKeyword::ignore : OnUnknownKeyword::add));
  const NewFlags flags{what.op, static_cast<std::uint8_t>(what.system & kAllSystemFlags), bits, what.rights, what.scope, what.internal_date};
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

namespace {

struct Sum {
  std::uint64_t messages = 0, bytes = 0;
};
Sum sum_of(const View& view, const UidSet& uids) {
  constexpr std::size_t kStep = 4096;
  Sum sum;
  for (auto entries = entries_of(view, uids, Uid(0), kStep); !entries.empty(); entries = entries_of(view, uids, entries.back().uid, kStep)) {
    sum.messages += entries.size();
    for (const Entry& e : entries) sum.bytes += e.size;
  }
  return sum;
}

}  // namespace

Task<Result<CopyResult>> Account::copy(MailboxId from, UidSet uids, MailboxId to, Rights at_target) {
  auto result = co_await try_copy(from, std::move(uids), to, at_target);
  if (result) co_return result;
  bool has_rest = false;
  {
    std::lock_guard hold(mutex_);
    has_rest = core_.staging != MailboxId();
  }
  // At once if that is possible; else the next change will.
  if (has_rest) auto done = co_await Change::begin(shared_from_this());
  co_return result;
}

Task<Result<CopyResult>> Account::try_copy(MailboxId from, UidSet uids, MailboxId to, Rights at_target) {
  CO_TRY(auto change, co_await Change::begin(shared_from_this()));
  if (!change.edit(to)) co_return fail(Errc::not_found, "the mailbox has been deleted");
  auto source = mailbox(from);
  if (!source) co_return fail(Errc::not_found, "the mailbox has been deleted");
  CO_TRY(auto view, co_await change.view(from));
  CopyResult result;
  result.uid_validity = change.edit(to)->uid_validity;
  result.source_view = view;
  const auto sum = sum_of(*view, uids);
  if (sum.messages == 0) co_return result;
  CO_TRY_OK(check_room(change.core().quota, sum.bytes, sum.messages));
  CO_TRY_OK(check_uids(*change.edit(to), sum.messages));
  if (sum.messages > store_.slice()) {
    CO_TRY(result, co_await stage_copy(change, *source, std::move(view), std::move(uids), to, at_target));
    CO_TRY_OK(co_await change.commit());
    co_return result;
  }
  auto entries = entries_of(*view, uids);
  for (const Entry& e : entries) result.from.push_back(e.uid);
  CO_TRY_OK(translate_flags(entries, *source, *change.edit(to), at_target));
  CO_TRY_OK(co_await retain_messages(change, entries));
  result.to = add_entries(change, to, std::move(entries));
  if (from == to) result.source_view = change.loaded_view(from);
  CO_TRY_OK(co_await change.commit());
  co_return result;
}

struct Account::MoveUnderWay {
  MailboxId from, to;
  UidSet uids;
  Rights at_target;
  Uid until{0xFFFFFFFF};  // the last UID when it began: what is moved into the mailbox it came from is not moved again
  bool more = true;
  CopyResult done = {};
};

Task<Result<void>> Account::move_slice(MoveUnderWay& m) {
  CO_TRY(auto change, co_await Change::begin(shared_from_this()));
  if (!change.edit(m.to)) co_return fail(Errc::not_found, "the mailbox has been deleted");
  auto source = mailbox(m.from);
  if (!source) co_return fail(Errc::not_found, "the mailbox has been deleted");
  CO_TRY(const auto view, co_await change.view(m.from));
  const bool first = m.done.from.empty();
  if (first) m.until = view->last_uid();
  auto entries = entries_of(*view, m.uids, first ? Uid(0) : m.done.from.back(), store_.slice());
  std::erase_if(entries, [&](const Entry& e) { return e.uid > m.until; });
  m.more = entries.size() == store_.slice();
  m.done.uid_validity = change.edit(m.to)->uid_validity;
  m.done.source_view = view;
  if (entries.empty()) co_return Result<void>{};
  std::vector<Uid> uids;
  for (const Entry& e : entries) uids.push_back(e.uid);
  CO_TRY(entries, co_await take_entries(change, m.from, uid_set_of(uids)));
  CO_TRY_OK(check_uids(*change.edit(m.to), entries.size()));
  CO_TRY_OK(translate_flags(entries, *source, *change.edit(m.to), m.at_target));
  // The entries' messages keep their references: one goes, one comes.
  const auto to = add_entries(change, m.to, std::move(entries));
  auto source_view = change.loaded_view(m.from);
  CO_TRY_OK(co_await change.commit());
  m.done.source_view = std::move(source_view);
  m.done.from.insert(m.done.from.end(), uids.begin(), uids.end());
  m.done.to.insert(m.done.to.end(), to.begin(), to.end());
  co_return Result<void>{};
}

Task<Result<CopyResult>> Account::move(MailboxId from, UidSet uids, MailboxId to, Rights at_target) {
  MoveUnderWay m{.from = from, .to = to, .uids = std::move(uids), .at_target = at_target};
  while (m.more) {
    auto moved = co_await move_slice(m);
    if (moved) continue;
    if (m.done.from.empty()) co_return std::unexpected(std::move(moved).error());
    m.done.stopped = std::move(moved).error();
    break;
  }
  co_return std::move(m.done);
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
        if (doomed.size() < store_.slice() && e.uid > from && (!only || contains(*only, e.uid))) doomed.push_back(e.uid);
      });
    }
    CO_TRY(auto result, co_await remove_locked(change, id, uid_set_of(doomed)));
    gone.insert(gone.end(), result.uids.begin(), result.uids.end());
    if (doomed.size() < store_.slice()) {
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
