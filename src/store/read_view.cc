#include "store/read_view.h"

#include <algorithm>

#include "store/rows.h"

namespace posthorn::store {

using kv::Space;

namespace {

// Puts one overlay row over the pages read so far.
Result<void> lay_over(std::vector<std::shared_ptr<Page>>& pages, Uid uid, std::string_view value) {
  const bool tombstone = value.empty();
  Entry entry;
  if (!tombstone) {
    TRY(entry, decode_entry(uid, value));
    entry.overlaid = true;
  }
  // The page whose range the UID falls into: the last one that begins at or before it.
  auto page = std::upper_bound(pages.begin(), pages.end(), uid, [](Uid u, const std::shared_ptr<Page>& p) {
    return u < (p->disk_key ? *p->disk_key : p->entries.front().uid);
  });
  if (page != pages.begin()) --page;
  if (page == pages.end()) {
    if (tombstone) return fail(Errc::corrupt, "entry overlay: a removal without a page");
    pages.push_back(std::make_shared<Page>());
    page = std::prev(pages.end());
  }
  auto& entries = (*page)->entries;
  auto place = std::lower_bound(entries.begin(), entries.end(), uid, [](const Entry& e, Uid u) { return e.uid < u; });
  const bool there = place != entries.end() && place->uid == uid;
  if (tombstone) {
    if (there) entries.erase(place);
    (*page)->tombstones.push_back(uid);
  } else if (there) {
    *place = entry;
  } else if (place == entries.end() && entries.size() >= View::kPageSize && std::next(page) == pages.end()) {
    auto tail = std::make_shared<Page>();
    tail->entries.push_back(entry);
    tail->has_overlay = true;
    pages.push_back(std::move(tail));
    return {};
  } else {
    entries.insert(place, entry);
  }
  (*page)->has_overlay = true;
  return {};
}

}  // namespace

Task<Result<ViewPtr>> read_view(kv::Store& store, AccountId account, MailboxId mailbox, kv::SnapshotPtr at) {
  std::vector<std::shared_ptr<Page>> pages;
  kv::Range range{Space::entry_page, account.value(), mailbox_key(mailbox), after_mailbox_key(mailbox)};
  for (bool more = true; more;) {
    CO_TRY(auto rows, co_await store.scan(range, at));
    for (const auto& row : rows.rows) {
      auto page = std::make_shared<Page>();
      CO_TRY(auto key, uid_of_key(row.key));
      page->disk_key = key;
      CO_TRY(page->entries, decode_page(row.value));
      if (page->entries.empty()) co_return fail(Errc::corrupt, "an empty page");
      pages.push_back(std::move(page));
      range.from = row.key + '\0';
    }
    more = rows.more;
  }
  range = {Space::entry, account.value(), mailbox_key(mailbox), after_mailbox_key(mailbox)};
  for (bool more = true; more;) {
    CO_TRY(auto rows, co_await store.scan(range, at));
    for (const auto& row : rows.rows) {
      CO_TRY(auto uid, uid_of_key(row.key));
      CO_TRY_OK(lay_over(pages, uid, row.value));
      range.from = row.key + '\0';
    }
    more = rows.more;
  }
  std::vector<PagePtr> kept;
  kept.reserve(pages.size());
  for (auto& page : pages)
    if (!page->entries.empty()) kept.push_back(make_page(std::move(*page)));
  co_return std::make_shared<const View>(std::move(kept));
}

}  // namespace posthorn::store
