#include "store/staged_copy.h"

#include <algorithm>

#include "base/log.h"
#include "store/mail_store.h"
#include "store/page_codec.h"

namespace posthorn::store {
namespace {

using kv::Space;
constexpr std::size_t kPagesAtOnce = 20;

// Step 1, of one slice.
Task<Result<void>> stage_slice(Change& change, MailboxId to, std::vector<Entry> entries, std::vector<PagePtr>& pages) {
  MailboxState& mailbox = *change.edit(to);
  number_entries(change, mailbox, entries);
  for (std::size_t begin = 0; begin < entries.size(); begin += View::kPageSize) {
    Page page;
    const auto end = std::min(begin + View::kPageSize, entries.size());
    page.entries.assign(entries.begin() + static_cast<std::ptrdiff_t>(begin), entries.begin() + static_cast<std::ptrdiff_t>(end));
    pages.push_back(write_page(change, mailbox, std::move(page)));
  }
  CO_TRY_OK(co_await retain_messages(change, entries));
  co_return co_await change.commit_unseen(to);
}

// Step 2, but for the commit.
Task<Result<void>> append_pages(Change& change, MailboxId to, std::vector<PagePtr> staged) {
  CO_TRY(const auto view, co_await change.view(to));
  MailboxState& mailbox = *change.edit(to);
  const Uid paged_until = change.account().mailbox(to)->paged_until;
  std::vector<PagePtr> pages;
  for (const PagePtr& page : view->pages()) {
    // Every entry before a page is in one.
    pages.push_back(page->entries.back().uid > paged_until ? write_page(change, mailbox, *page) : page);
  }
  const UidRange added{staged.front()->entries.front().uid, staged.back()->entries.back().uid};
  pages.insert(pages.end(), std::move_iterator(staged.begin()), std::move_iterator(staged.end()));
  mailbox.highest_mod_seq = change.mod_seq();
  change.log(ChangeKind::added, to, {added});
  change.note_added(to);
  change.set_view(to, std::make_shared<const View>(std::move(pages)));
  co_return Result<void>{};
}

}  // namespace

Task<Result<CopyResult>> stage_copy(Change& change, const MailboxState& source, ViewPtr from, UidSet uids, MailboxId to, Rights at_target) {
  const auto slice = change.account().store().slice();
  CopyResult result{.uid_validity = change.edit(to)->uid_validity, .source_view = from};
  std::vector<PagePtr> pages;
  for (auto entries = entries_of(*from, uids, Uid(0), slice); !entries.empty();
       entries = entries_of(*from, uids, result.from.back(), slice)) {
    for (const Entry& e : entries) result.from.push_back(e.uid);
    for (std::uint32_t i = 0; i < entries.size(); ++i) result.to.push_back(Uid(change.edit(to)->uid_next.value() + i));
    CO_TRY_OK(translate_flags(entries, source, *change.edit(to), at_target));
    CO_TRY_OK(co_await stage_slice(change, to, std::move(entries), pages));
  }
  CO_TRY_OK(co_await append_pages(change, to, std::move(pages)));
  if (change.loaded_view(source.id)) result.source_view = change.loaded_view(source.id);
  co_return result;
}

Task<Result<void>> take_back_staged(Change& change) {
  const MailboxId id = change.core().staging;
  const auto state = change.account().mailbox(id);
  const auto partition = change.account().id().value();
  kv::Range range{Space::entry_page, partition, entry_key(id, state ? state->uid_next : Uid(0)), after_mailbox_key(id), kPagesAtOnce};
  std::size_t count = 0;
  for (bool more = true; more;) {
    CO_TRY(auto rows, co_await change.account().store().kv().scan(range));
    std::vector<Entry> entries;
    for (auto& row : rows.rows) {
      auto page = decode_page(row.value);
      // A damaged one must not stop every change for ever: its messages keep their bytes longer than they need.
      if (!page) log::error("store.staged_page_lost", {{"account", change.account().id()}, {"mailbox", id}, {"error", page.error()}});
      else entries.insert(entries.end(), page->begin(), page->end());
      change.batch().erase(Space::entry_page, partition, std::move(row.key));
    }
    count += entries.size();
    CO_TRY_OK(co_await forget_messages(change, entries));
    more = rows.more;
    CO_TRY_OK(co_await change.commit_unseen(more ? id : MailboxId()));
  }
  log::info("store.copy_taken_back", {{"account", change.account().id()}, {"mailbox", id}, {"messages", count}});
  co_return Result<void>{};
}

}  // namespace posthorn::store
