#include "store/read_view.h"

#include <algorithm>

#include "store/page_codec.h"
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

Task<Result<ViewPtr>> read_view(kv::Store& store, AccountId account, MailboxId mailbox, Uid end, kv::SnapshotPtr at) {
  std::vector<std::shared_ptr<Page>> pages;
  auto take_page = [&pages](std::string_view key, std::string_view row) -> Result<void> {
    auto page = std::make_shared<Page>();
    TRY(page->disk_key, uid_of_key(key));
    TRY(page->entries, decode_page(row));
    if (page->entries.empty()) return fail(Errc::corrupt, "an empty page");
    summarise(*page);
    pages.push_back(std::move(page));
    return {};
  };
  auto take_entry = [&pages](std::string_view key, std::string_view row) -> Result<void> {
    TRY(const auto uid, uid_of_key(key));
    return lay_over(pages, uid, row);
  };
  const std::string from = mailbox_key(mailbox), to = entry_key(mailbox, end);
  CO_TRY_OK(co_await store.visit_range(Space::entry_page, account.value(), from, to, take_page, at));
  CO_TRY_OK(co_await store.visit_range(Space::entry, account.value(), from, to, take_entry, at));
  std::vector<PagePtr> kept;
  kept.reserve(pages.size());
  for (auto& page : pages) {
    if (page->entries.empty()) continue;
    if (page->has_overlay) summarise(*page);
    kept.push_back(std::move(page));
  }
  co_return std::make_shared<const View>(std::move(kept));
}

}  // namespace posthorn::store
