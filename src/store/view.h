// What a mailbox holds at one moment: an immutable list of entries in UID order, in pages shared between versions.
//
// INVARIANT 1: UIDs ascend strictly; no page is empty.
// INVARIANT 2: two versions share the pages in which nothing changed, so that the difference of two versions costs the
//              changed pages (and one comparison a page), not the mailbox.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "store/entry.h"

namespace posthorn::store {

struct Page {
  std::vector<Entry> entries;
  std::optional<Uid> disk_key;      // the key of its row in Space::entry_page; none yet: the overlay has all of it
  std::vector<Uid> tombstones;      // entries of the disk page that are gone, and the overlay says so
  bool has_overlay = false;         // at least one entry is overlaid, or there are tombstones

  // What the entries have, to pass over whole pages; summarise() says it exactly.  Until then: anything may be.
  std::uint8_t any_flags = 0xFF;               // some entry has them
  std::uint8_t all_flags = 0;                  // every entry has them
  std::uint64_t any_keywords = ~std::uint64_t{0};
  ModSeq highest_mod_seq{~std::uint64_t{0}};

  // Whether an entry with all of the flags `with` and none of `without` may be here.
  bool may_have(std::uint8_t with, std::uint8_t without) const {
    return (any_flags & with) == with && !(all_flags & without);
  }
};
using PagePtr = std::shared_ptr<const Page>;
void summarise(Page&);
PagePtr make_page(Page);  // summarised

class View;
using ViewPtr = std::shared_ptr<const View>;

class View {
 public:
  static constexpr std::size_t kPageSize = 512;

  View() = default;
  explicit View(std::vector<PagePtr> pages);

  std::uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // REQUIRES: index < size().  Sequence number = index + 1.
  const Entry& at(std::uint32_t index) const;
  std::optional<std::uint32_t> find(Uid) const;   // index
  std::uint32_t lower_bound(Uid) const;           // index of the first entry with this UID or a higher one; size() if none
  Uid last_uid() const;                           // 0 when empty
  const std::vector<PagePtr>& pages() const { return pages_; }
  std::uint32_t first_index(std::size_t page) const { return first_[page]; }  // of a page
  std::optional<std::uint32_t> first_unseen() const;  // index of the first entry without \Seen
  std::size_t memory_bytes() const;

  // Calls f(index, entry) for index in [from, to).
  template <class F>
  void for_each(std::uint32_t from, std::uint32_t to, F f) const {
    for (std::size_t p = page_of(from); p < pages_.size() && first_[p] < to; ++p) {
      const auto& entries = pages_[p]->entries;
      std::uint32_t i = from > first_[p] ? from - first_[p] : 0;
      for (; i < entries.size() && first_[p] + i < to; ++i) f(first_[p] + i, entries[i]);
    }
  }
  template <class F>
  void for_each(F f) const { for_each(0, size_, f); }
  // Calls f(index, entry) for the entries that have all of the flags `with` and none of `without`; costs the pages that may have such.
  template <class F>
  void for_each_flagged(std::uint8_t with, std::uint8_t without, F f) const {
    for (std::size_t p = 0; p < pages_.size(); ++p) {
      if (!pages_[p]->may_have(with, without)) continue;
      for (std::uint32_t i = first_[p]; const Entry& e : pages_[p]->entries) {
        if ((e.flags & with) == with && !(e.flags & without)) f(i, e);
        ++i;
      }
    }
  }

 private:
  std::size_t page_of(std::uint32_t index) const;

  std::vector<PagePtr> pages_;
  std::vector<std::uint32_t> first_;  // index of the first entry of each page
  std::uint32_t size_ = 0;
};

// Sum of the sizes of those with \Deleted.
std::uint64_t deleted_bytes(const View&);

// What turns one version into a later one of the same mailbox.
struct ViewDiff {
  std::vector<std::uint32_t> expunged;  // indexes in `from`, ascending
  std::vector<std::uint32_t> changed;   // indexes in `to` of entries in both whose flags or mod-sequence differ, ascending
  std::uint32_t added = 0;              // the last `added` entries of `to` are not in `from`
};
ViewDiff diff(const View& from, const View& to);

// `now`, with the entries of `told` that it lacks put back: what a session shows while it must not announce EXPUNGE
// [RFC3501 7.4.1].
ViewPtr with_expunged_kept(const View& told, const View& now);

// `told`, with what a session has changed itself: of the entries of `touched` the flags, the keywords or the date are as in `now`, where it has
// them.  What others have done stays to be announced.  Costs the pages that have such, and shares them with `now` where nothing differs.
enum class EntryPart { flags, keywords, internal_date };
ViewPtr with_own_change(const View& told, const View& now, const UidSet& touched, EntryPart);

}  // namespace posthorn::store
