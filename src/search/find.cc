#include "search/find.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <span>
#include <utility>

#include "async/reactor.h"
#include "async/task_group.h"
#include "search/column_reader.h"
#include "search/drop.h"
#include "search/keys.h"
#include "search/segment_scan.h"
#include "search/uids.h"
#include "search/words.h"
#include "store/mail_store.h"

namespace posthorn::search {
namespace {

constexpr std::uint32_t kSplit = 8192;  // so many entries are worth two threads

// Both at once; a and b resume on this reactor.
Task<Result<void>> run_both(Task<Result<void>> a, Task<Result<void>> b) {
  TaskGroup group;
  Result<void> of_a;
  const auto keep = [](Task<Result<void>> task, Result<void>& out) -> Task<> { out = co_await std::move(task); };
  group.spawn(Reactor::current(), keep(std::move(a), of_a));
  const auto of_b = co_await std::move(b);
  co_await group.join();
  co_return of_a ? of_b : of_a;
}

struct Where {
  store::AccountPtr account;
  MailboxId mailbox;
  store::ViewPtr view;
};

Task<Result<void>> find_in_rows(Where where, Column field, std::string_view needle, std::uint32_t from, std::uint32_t to, Found& found) {
  ColumnReader reader(where.account, where.mailbox, where.view, field, from, to);
  for (;;) {
    CO_TRY(const auto rows, co_await reader.next());
    if (!rows) co_return Result<void>{};
    rows->find(needle, [&](std::uint32_t i) { found.hits.push_back(i); }, [&](std::uint32_t i) { found.open.push_back(i); });
  }
}

// What is known of an entry: which pieces of the needle it has, by a bit for each.
enum Known : std::uint8_t { kUnread = 0x40, kCovered = 0x80 };

// The words of one scope along the entries [from, to).
class WordsSearch {
 public:
  struct Scope {
    Column words, postings;
  };
  WordsSearch(const Where& where, kv::SnapshotPtr at, Scope scope, const NeedleWords& needle, std::uint32_t from, std::uint32_t to)
      : where_(where), at_(std::move(at)), scope_(scope), needle_(needle), from_(from), to_(to), known_(to - from) {}

  // While some dictionaries are searched, on two threads, the next ones are read.
  Task<Result<void>> run() {
    const auto& view = *where_.view;
    SegmentScan scan(where_.account, where_.mailbox, scope_.words, view.at(from_).uid, view.at(to_ - 1).uid, kAhead, at_);
    std::vector<kv::Row> rows, next;
    while (!rows.empty() || scan.more()) {
      const auto all = std::span<const kv::Row>(rows);
      auto search = run_both(search_some(all.subspan(0, all.size() / 2)), search_some(all.subspan(all.size() / 2)));
      CO_TRY_OK(co_await run_both(std::move(search), read_more(scan, next)));
      rows = std::exchange(next, {});
    }
    if (damaged_) co_await drop_index(where_.account, where_.mailbox);
    co_return Result<void>{};
  }
  // Bits of Known and of the pieces.
  std::uint8_t known(std::uint32_t index) const { return known_[index - from_]; }

 private:
  static constexpr std::size_t kAhead = 4;
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  struct Hit {
    std::uint32_t word;  // counted from the first one of the postings
    std::uint8_t piece;  // bit
  };
  using Unit = std::vector<std::uint32_t>;  // the view's index of each row, or kNone
  // The postings that some dictionaries send us to.
  struct Lookups {
    std::vector<Unit> units;
    std::vector<kv::Place> places;
    std::vector<std::size_t> unit_of;    // each place
    std::vector<std::vector<Hit>> hits;  // at each place
    bool damaged = false;
  };

  static Task<Result<void>> read_more(SegmentScan& scan, std::vector<kv::Row>& rows) {
    if (!scan.more()) co_return Result<void>{};
    CO_TRY(rows, co_await scan.next());
    co_return Result<void>{};
  }

  Task<Result<void>> search_some(std::span<const kv::Row> rows) {
    if (rows.empty()) co_return Result<void>{};
    auto& store = where_.account->store();
    Lookups lookups;
    co_await store.workers().run([&] { look_up(rows, lookups); });
    damaged_ |= lookups.damaged;
    if (lookups.places.empty()) co_return Result<void>{};
    const auto visit = [&](std::size_t i, std::optional<std::string_view> value) { take_postings(lookups, i, value); };
    auto visited = co_await store.kv().visit(kv::Space::column, std::move(lookups.places), visit, at_);
    if (!visited && visited.error().code != Errc::corrupt) co_return visited;
    damaged_ |= lookups.damaged || !visited;
    if (!visited)
      for (const auto& unit : lookups.units) note_all(unit, kUnread);
    co_return Result<void>{};
  }

  Unit indexes_of(const std::vector<Uid>& uids) const {
    Unit unit(uids.size(), kNone);
    const auto first = std::max(from_, where_.view->lower_bound(uids.front()));
    if (is_run_of(*where_.view, first, uids) && first + unit.size() <= to_) {
      std::iota(unit.begin(), unit.end(), first);
      return unit;
    }
    std::size_t row = 0;
    where_.view->for_each(first, to_, [&](std::uint32_t index, const store::Entry& entry) {
      while (row < uids.size() && uids[row] < entry.uid) ++row;
      if (row < uids.size() && uids[row] == entry.uid) unit[row] = index;
    });
    return unit;
  }

  void look_up(std::span<const kv::Row> rows, Lookups& out) {
    for (const auto& row : rows) {
      const auto dictionary = Dictionary::decode(row.value);
      out.damaged |= !dictionary;
      if (!dictionary || dictionary->uids().empty()) continue;
      const auto& unit = out.units.emplace_back(indexes_of(dictionary->uids()));
      note_all(unit, kCovered);
      for (const auto r : dictionary->unread()) note(unit[r], kUnread);
      std::map<std::uint16_t, std::vector<Hit>> wanted;
      for (std::size_t p = 0; p < needle_.pieces.size(); ++p)
        for (const auto word : dictionary->find(needle_.pieces[p])) {
          const auto postings = dictionary->postings_of(word);
          wanted[postings].push_back({word - dictionary->first_word(postings), static_cast<std::uint8_t>(1 << p)});
        }
      for (auto& [number, hits] : wanted) {
        out.places.push_back({where_.account->id().value(), postings_key(where_.mailbox, scope_.postings, dictionary->uids().front(), number)});
        out.unit_of.push_back(out.units.size() - 1);
        out.hits.push_back(std::move(hits));
      }
    }
  }

  void take_postings(Lookups& lookups, std::size_t place, std::optional<std::string_view> value) {
    const auto& unit = lookups.units[lookups.unit_of[place]];
    const auto postings = value ? Postings::decode(*value) : Result<Postings>(fail(Errc::corrupt));
    if (!postings) {
      lookups.damaged = true;
      note_all(unit, kUnread);
      return;
    }
    for (const auto& hit : lookups.hits[place])
      postings->for_each(hit.word, [&](std::uint32_t row) {
        if (row < unit.size()) note(unit[row], hit.piece);
      });
  }

  void note_all(const Unit& unit, std::uint8_t what) {
    for (const auto index : unit) note(index, what);
  }
  // Threads: dictionaries have different entries, so nobody writes what another does.
  void note(std::uint32_t index, std::uint8_t what) {
    if (index != kNone) known_[index - from_] = static_cast<std::uint8_t>(known_[index - from_] | what);
  }

  const Where& where_;
  kv::SnapshotPtr at_;
  Scope scope_;
  const NeedleWords& needle_;
  std::uint32_t from_, to_;
  std::vector<std::uint8_t> known_;
  bool damaged_ = false;
};

}  // namespace

Task<Result<Found>> find_in_field(store::AccountPtr account, MailboxId mailbox, store::ViewPtr view, Column field, std::string needle,
                                  std::uint32_t from, std::uint32_t to) {
  to = std::min(to, view->size());
  const Where where{account, mailbox, view};
  Found found;
  if (from >= to) co_return found;
  if (to - from < kSplit) {
    CO_TRY_OK(co_await find_in_rows(where, field, needle, from, to, found));
    co_return found;
  }
  const auto middle = from + (to - from) / 2;
  Found rest;
  CO_TRY_OK(co_await run_both(find_in_rows(where, field, needle, from, middle, found), find_in_rows(where, field, needle, middle, to, rest)));
  found.hits.insert(found.hits.end(), rest.hits.begin(), rest.hits.end());
  found.open.insert(found.open.end(), rest.open.begin(), rest.open.end());
  co_return found;
}

Task<Result<Found>> find_text(store::AccountPtr account, MailboxId mailbox, store::ViewPtr view, message::SearchScope scope, std::string needle,
                              std::uint32_t from, std::uint32_t to) {
  to = std::min(to, view->size());
  Found found;
  const auto words = words_of_needle(needle);
  if (from >= to || words.pieces.empty()) {
    auto& list = needle.empty() ? found.hits : found.open;
    for (auto i = from; i < to; ++i) list.push_back(i);
    co_return found;
  }
  const Where where{account, mailbox, view};
  const auto at = account->store().kv().snapshot();
  WordsSearch body(where, at, {Column::body_words, Column::body_postings}, words, from, to);
  WordsSearch header(where, at, {Column::header_words, Column::header_postings}, words, from, to);
  const bool with_header = scope != message::SearchScope::body, with_body = scope != message::SearchScope::header;
  auto search = with_header && with_body ? run_both(body.run(), header.run()) : (with_body ? body : header).run();
  CO_TRY_OK(co_await std::move(search));
  const auto all = static_cast<std::uint8_t>((1 << words.pieces.size()) - 1);
  for (auto i = from; i < to; ++i) {
    const auto a = (with_body ? body : header).known(i), b = (with_header ? header : body).known(i);
    const bool covered = (a & b & kCovered) != 0, has_all = ((a | b) & all) == all;
    if (covered && has_all && words.is_exact) found.hits.push_back(i);
    else if (!covered || has_all || ((a | b) & kUnread) != 0) found.open.push_back(i);
  }
  co_return found;
}

}  // namespace posthorn::search
