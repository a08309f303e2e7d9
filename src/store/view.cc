#include "store/view.h"

#include <algorithm>

#include "base/result.h"

namespace posthorn::store {
namespace {

bool uid_below(const Entry& e, Uid uid) { return e.uid < uid; }

bool differs(const Entry& a, const Entry& b) {
  return a.flags != b.flags || a.keywords != b.keywords || a.mod_seq != b.mod_seq;
}

// Walks two versions side by side and skips the pages they share.
class Walk {
 public:
  Walk(const View& from, const View& to) : from_(from), to_(to) {}

  // f(old entry or null, index, new entry or null, index) for every entry outside shared pages, in UID order.
  template <class F>
  void run(F f) {
    for (;;) {
      skip_shared();
      const Entry* a = entry(from_, a_);
      const Entry* b = entry(to_, b_);
      if (!a && !b) return;
      if (a && (!b || a->uid < b->uid)) {
        f(a, index(from_, a_), nullptr, 0u);
        step(from_, a_);
      } else if (!a || b->uid < a->uid) {
        f(nullptr, 0u, b, index(to_, b_));
        step(to_, b_);
      } else {
        f(a, index(from_, a_), b, index(to_, b_));
        step(from_, a_);
        step(to_, b_);
      }
    }
  }

 private:
  struct Position {
    std::size_t page = 0, entry = 0;
  };
  static const Entry* entry(const View& v, const Position& p) {
    return p.page < v.pages().size() ? &v.pages()[p.page]->entries[p.entry] : nullptr;
  }
  static std::uint32_t index(const View& v, const Position& p) {
    return v.first_index(p.page) + static_cast<std::uint32_t>(p.entry);
  }
  static void step(const View& v, Position& p) {
    if (++p.entry == v.pages()[p.page]->entries.size()) {
      ++p.page;
      p.entry = 0;
    }
  }
  void skip_shared() {
    while (a_.entry == 0 && b_.entry == 0 && a_.page < from_.pages().size() && b_.page < to_.pages().size() &&
           from_.pages()[a_.page] == to_.pages()[b_.page]) {
      ++a_.page;
      ++b_.page;
    }
  }

  const View& from_;
  const View& to_;
  Position a_, b_;
};

}  // namespace

void summarise(Page& page) {
  page.any_flags = 0;
  page.all_flags = kAllSystemFlags;
  page.any_keywords = 0;
  page.highest_mod_seq = ModSeq(0);
  for (const Entry& e : page.entries) {
    page.any_flags |= e.flags;
    page.all_flags &= e.flags;
    page.any_keywords |= e.keywords;
    page.highest_mod_seq = std::max(page.highest_mod_seq, e.mod_seq);
  }
}

PagePtr make_page(Page page) {
  summarise(page);
  return std::make_shared<const Page>(std::move(page));
}

View::View(std::vector<PagePtr> pages) : pages_(std::move(pages)) {
  first_.reserve(pages_.size());
  for (const auto& page : pages_) {
    first_.push_back(size_);
    size_ += static_cast<std::uint32_t>(page->entries.size());
  }
}

// Pages are mostly full, and UIDs mostly dense: a guess spares most searches.
std::size_t View::page_of(std::uint32_t index) const {
  const std::size_t guess = index / kPageSize;
  if (guess < pages_.size() && first_[guess] <= index && index - first_[guess] < pages_[guess]->entries.size()) return guess;
  auto after = std::upper_bound(first_.begin(), first_.end(), index);
  return after == first_.begin() ? 0 : static_cast<std::size_t>(after - first_.begin()) - 1;
}

const Entry& View::at(std::uint32_t index) const {
  CHECK(index < size_);
  const std::size_t p = page_of(index);
  return pages_[p]->entries[index - first_[p]];
}

std::uint32_t View::lower_bound(Uid uid) const {
  if (empty() || last_uid() < uid) return size_;
  const auto lowest = pages_.front()->entries.front().uid.value();
  if (uid.value() >= lowest) {
    const auto guess = page_of(std::min(uid.value() - lowest, size_ - 1));
    const auto& near = pages_[guess]->entries;
    const std::uint64_t at = std::uint64_t{uid.value()} - near.front().uid.value();  // far too large when the page lies behind
    if (at < near.size() && near[at].uid == uid) return first_[guess] + static_cast<std::uint32_t>(at);
  }
  auto page = std::lower_bound(pages_.begin(), pages_.end(), uid,
                               [](const PagePtr& p, Uid u) { return p->entries.back().uid < u; });
  if (page == pages_.end()) return size_;
  const auto& entries = (*page)->entries;
  auto entry = std::lower_bound(entries.begin(), entries.end(), uid, uid_below);
  return first_[static_cast<std::size_t>(page - pages_.begin())] + static_cast<std::uint32_t>(entry - entries.begin());
}

std::optional<std::uint32_t> View::find(Uid uid) const {
  const std::uint32_t index = lower_bound(uid);
  if (index == size_ || at(index).uid != uid) return std::nullopt;
  return index;
}

Uid View::last_uid() const { return pages_.empty() ? Uid(0) : pages_.back()->entries.back().uid; }

std::optional<std::uint32_t> View::first_unseen() const {
  for (std::size_t p = 0; p < pages_.size(); ++p) {
    if (!pages_[p]->may_have(0, kSeen)) continue;
    for (std::uint32_t i = first_[p]; const Entry& e : pages_[p]->entries) {
      if (!(e.flags & kSeen)) return i;
      ++i;
    }
  }
  return std::nullopt;
}

std::size_t View::memory_bytes() const {
  return sizeof(View) + size_ * sizeof(Entry) + pages_.size() * (sizeof(Page) + 64);
}

std::uint64_t deleted_bytes(const View& view) {
  std::uint64_t bytes = 0;
  view.for_each_flagged(kDeleted, 0, [&](std::uint32_t, const Entry& e) { bytes += e.size; });
  return bytes;
}

ViewDiff diff(const View& from, const View& to) {
  ViewDiff out;
  const Uid last = from.last_uid();
  Walk(from, to).run([&](const Entry* a, std::uint32_t ai, const Entry* b, std::uint32_t bi) {
    if (!b) out.expunged.push_back(ai);
    else if (!a) out.added += b->uid > last ? 1 : 0;
    else if (differs(*a, *b)) out.changed.push_back(bi);
  });
  return out;
}

ViewPtr with_expunged_kept(const View& told, const View& now) {
  std::vector<PagePtr> pages;
  Page open;  // collects entries outside shared pages
  auto close = [&] {
    if (!open.entries.empty()) pages.push_back(make_page(std::move(open)));
    open = {};
  };
  std::size_t p = 0;
  std::uint32_t next_ghost = 0;
  const ViewDiff changes = diff(told, now);
  for (;;) {
    const Entry* ghost = next_ghost < changes.expunged.size() ? &told.at(changes.expunged[next_ghost]) : nullptr;
    if (p == now.pages().size()) {
      if (!ghost) break;
      open.entries.push_back(*ghost);
      ++next_ghost;
      continue;
    }
    const PagePtr& page = now.pages()[p];
    if (!ghost || page->entries.back().uid < ghost->uid) {  // no ghost belongs into this page
      close();
      pages.push_back(page);
      ++p;
      continue;
    }
    for (const Entry& e : page->entries) {
      while (ghost && ghost->uid < e.uid) {
        open.entries.push_back(*ghost);
        ghost = ++next_ghost < changes.expunged.size() ? &told.at(changes.expunged[next_ghost]) : nullptr;
      }
      open.entries.push_back(e);
    }
    close();
    ++p;
  }
  close();
  return std::make_shared<const View>(std::move(pages));
}

namespace {

// `mine`, with one part as it is in `now`.  All of it, when nothing else is new there: with the mod-sequence of the change.
Entry with_part_of(const Entry& mine, const Entry& now, EntryPart part) {
  Entry out = mine;
  switch (part) {
    case EntryPart::flags: out.flags = now.flags; break;
    case EntryPart::keywords: out.keywords = now.keywords; break;
    case EntryPart::internal_date: out.internal_date = now.internal_date; break;
  }
  return out.flags == now.flags && out.keywords == now.keywords && out.internal_date == now.internal_date ? now : out;
}

// The page of `view` that holds exactly these entries, if there is one.
PagePtr find_same_page(const View& view, const std::vector<Entry>& entries) {
  const auto page = std::ranges::lower_bound(view.pages(), entries.front().uid, {}, [](const PagePtr& p) { return p->entries.back().uid; });
  if (page == view.pages().end()) return nullptr;
  const bool same = std::ranges::equal((*page)->entries, entries, [](const Entry& a, const Entry& b) { return a.uid == b.uid && !differs(a, b); });
  return same ? *page : nullptr;
}

}  // namespace

ViewPtr with_own_change(const View& told, const View& now, const UidSet& touched, EntryPart part) {
  std::vector<PagePtr> pages;
  pages.reserve(told.pages().size());
  auto range = touched.begin();
  for (const PagePtr& page : told.pages()) {
    while (range != touched.end() && range->last < page->entries.front().uid) ++range;
    if (range == touched.end() || page->entries.back().uid < range->first) {
      pages.push_back(page);
      continue;
    }
    Page edited{.entries = page->entries, .disk_key = {}, .tombstones = {}};
    for (auto r = range; Entry& e : edited.entries) {
      while (r != touched.end() && r->last < e.uid) ++r;
      if (r == touched.end()) break;
      if (e.uid < r->first) continue;
      if (const auto index = now.find(e.uid)) e = with_part_of(e, now.at(*index), part);
    }
    auto same = find_same_page(now, edited.entries);
    pages.push_back(same ? std::move(same) : make_page(std::move(edited)));
  }
  return std::make_shared<const View>(std::move(pages));
}

}  // namespace posthorn::store
