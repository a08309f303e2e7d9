#include "search/find.h"

#include <algorithm>
#include <map>

#include "async/reactor.h"
#include "async/task_group.h"
#include "search/column_reader.h"
#include "search/drop.h"
#include "search/keys.h"
#include "search/segment_scan.h"
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
  WordsSearch(const Where& where, kv::SnapshotPtr at, Scope scope, const NeedleWords& needle, std::uint32_t from, std::uint32_t to,
              std::vector<std::uint8_t>& known)
      : where_(where), at_(std::move(at)), scope_(scope), needle_(needle), from_(from), to_(to), known_(known) {}

  Task<Result<void>> run() {
    const auto& view = *where_.view;
    SegmentScan scan(where_.account, where_.mailbox, scope_.words, view.at(from_).uid, view.at(to_ - 1).uid, kAhead, at_);
    auto& store = where_.account->store();
    while (scan.more()) {
      CO_TRY(const auto rows, co_await scan.next());
      places_.clear();
      wanted_.clear();
      co_await store.workers().run([&] { look_up(rows); });
      const auto visit = [this](std::size_t i, std::optional<std::string_view> value) { take_postings(wanted_[i], value); };
      CO_TRY_OK(co_await store.kv().visit(kv::Space::column, places_, visit, at_));
      units_.clear();
      if (damaged_) co_await drop_index(where_.account, where_.mailbox);
      damaged_ = false;
    }
    co_return Result<void>{};
  }

 private:
  static constexpr std::size_t kAhead = 4;
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  struct Hit {
    std::uint32_t word;  // counted from the first one of the postings
    std::uint8_t piece;  // bit
  };
  struct Wanted {
    std::size_t unit;
    std::vector<Hit> hits;
  };
  using Unit = std::vector<std::uint32_t>;  // the view's index of each row, or kNone

  Unit indexes_of(const std::vector<Uid>& uids) const {
    Unit unit(uids.size(), kNone);
    const auto first = std::max(from_, where_.view->lower_bound(uids.front()));
    std::size_t row = 0;
    where_.view->for_each(first, to_, [&](std::uint32_t index, const store::Entry& entry) {
      while (row < uids.size() && uids[row] < entry.uid) ++row;
      if (row < uids.size() && uids[row] == entry.uid) unit[row] = index;
    });
    return unit;
  }

  void look_up(const std::vector<kv::Row>& rows) {
    for (const auto& row : rows) {
      const auto dictionary = Dictionary::decode(row.value);
      damaged_ |= !dictionary;
      if (!dictionary || dictionary->uids().empty()) continue;
      units_.push_back(indexes_of(dictionary->uids()));
      for (const auto index : units_.back()) note(index, kCovered);
      for (const auto r : dictionary->unread()) note(units_.back()[r], kUnread);
      std::map<std::uint16_t, std::vector<Hit>> wanted;
      for (std::size_t p = 0; p < needle_.pieces.size(); ++p)
        for (const auto word : dictionary->find(needle_.pieces[p])) {
          const auto postings = dictionary->postings_of(word);
          wanted[postings].push_back({word - dictionary->first_word(postings), static_cast<std::uint8_t>(1 << p)});
        }
      const Uid first = dictionary->uids().front();
      for (auto& [number, hits] : wanted) {
        places_.push_back({where_.account->id().value(), postings_key(where_.mailbox, scope_.postings, first, number)});
        wanted_.push_back({units_.size() - 1, std::move(hits)});
      }
    }
  }

  void take_postings(const Wanted& wanted, std::optional<std::string_view> value) {
    const auto& unit = units_[wanted.unit];
    const auto postings = value ? Postings::decode(*value) : Result<Postings>(fail(Errc::corrupt));
    if (!postings) {
      damaged_ = true;
      for (const auto index : unit) note(index, kUnread);
      return;
    }
    for (const auto& hit : wanted.hits)
      postings->for_each(hit.word, [&](std::uint32_t row) {
        if (row < unit.size()) note(unit[row], hit.piece);
      });
  }

  void note(std::uint32_t index, std::uint8_t what) {
    if (index != kNone) known_[index] = static_cast<std::uint8_t>(known_[index] | what);
  }

  const Where& where_;
  kv::SnapshotPtr at_;
  Scope scope_;
  const NeedleWords& needle_;
  std::uint32_t from_, to_;
  std::vector<std::uint8_t>& known_;  // by index
  std::vector<Unit> units_;
  std::vector<kv::Place> places_;
  std::vector<Wanted> wanted_;
  bool damaged_ = false;
};

Task<Result<void>> find_words(const Where& where, kv::SnapshotPtr at, WordsSearch::Scope scope, const NeedleWords& needle, std::uint32_t from,
                              std::uint32_t to, std::vector<std::uint8_t>& known) {
  if (to - from < kSplit) {
    WordsSearch search(where, at, scope, needle, from, to, known);
    co_return co_await search.run();
  }
  const auto middle = from + (to - from) / 2;
  WordsSearch first(where, at, scope, needle, from, middle, known), second(where, at, scope, needle, middle, to, known);
  co_return co_await run_both(first.run(), second.run());
}

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
  std::vector<std::uint8_t> body(view->size()), header;
  auto in_body = find_words(where, at, {Column::body_words, Column::body_postings}, words, from, to, body);
  if (scope == message::SearchScope::body) {
    CO_TRY_OK(co_await std::move(in_body));
  } else {
    header.resize(view->size());
    CO_TRY_OK(co_await run_both(std::move(in_body), find_words(where, at, {Column::header_words, Column::header_postings}, words, from, to, header)));
  }
  const auto all = static_cast<std::uint8_t>((1 << words.pieces.size()) - 1);
  for (auto i = from; i < to; ++i) {
    const auto more = header.empty() ? body[i] : header[i];
    const auto known = static_cast<std::uint8_t>(body[i] | more);
    const bool covered = (body[i] & more & kCovered) != 0;
    if (covered && words.is_exact && (known & all) == all) found.hits.push_back(i);
    else if (!covered || (known & kUnread) || (known & all) == all) found.open.push_back(i);
  }
  co_return found;
}

}  // namespace posthorn::search
