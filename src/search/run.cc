#include "search/run.h"

#include <algorithm>
#include <utility>

#include "async/worker_pool.h"
#include "search/column_reader.h"
#include "search/fields.h"
#include "search/find.h"
#include "search/rows.h"
#include "search/read_messages.h"
#include "store/mail_store.h"

namespace posthorn::search {
namespace {

constexpr std::uint32_t kInlineEntries = 2048;  // as many are looked at on the reactor
constexpr std::uint32_t kSlice = 16384;         // indexes between two calls of StillWorking
constexpr std::uint32_t kWorthAColumn = 64;     // fewer messages of a slice are looked at one by one
constexpr std::size_t kThreadBatch = 4096;

// Keys answered for many messages at once.
class ColumnSearch {
 public:
  ColumnSearch(const SearchPlace& place, const StillWorking& still_working) : place_(place), still_working_(still_working) {}

  // Recursion is as deep as ParserLimits::search_depth.
  Task<Result<SearchAnswer>> match(const SearchNode& node, IndexBits domain) {
    if (node.cost == Cost::entry) co_return co_await match_cheap(node, std::move(domain));
    switch (node.op) {
      case SearchOp::all_of: co_return co_await match_all(node, std::move(domain));
      case SearchOp::any_of: co_return co_await match_any(node, std::move(domain));
      case SearchOp::none_of: {
        SearchAnswer out{.yes = domain, .open = {}};
        CO_TRY(auto answer, co_await match(node.children.front(), std::move(domain)));
        out.yes -= answer.yes;
        out.yes -= answer.open;
        out.open = std::move(answer.open);
        co_return out;
      }
      case SearchOp::thread: co_return co_await match_thread(node, std::move(domain));
      default: co_return co_await match_slices(node, std::move(domain));
    }
  }

  Task<Result<SearchAnswer>> match_cheap(const SearchNode& node, IndexBits domain) {
    const auto& view = *place_.view;
    if (view.size() <= kInlineEntries) co_return match_entries(node, view, domain);
    co_return co_await place_.account->store().workers().run([&] { return match_entries(node, view, domain); });
  }

 private:
  SearchAnswer nothing() const { return {IndexBits(place_.view->size()), IndexBits(place_.view->size())}; }

  Task<Result<SearchAnswer>> match_all(const SearchNode& node, IndexBits domain) {
    auto out = nothing();
    for (const auto& child : node.children) {
      if (!domain.any()) break;
      CO_TRY(auto answer, co_await match(child, domain));
      domain = std::move(answer.yes);
      domain |= answer.open;
      out.open |= answer.open;
      out.open &= domain;
    }
    out.yes = std::move(domain);
    out.yes -= out.open;
    co_return out;
  }

  Task<Result<SearchAnswer>> match_any(const SearchNode& node, IndexBits domain) {
    auto out = nothing();
    for (const auto& child : node.children) {
      if (!domain.any()) break;
      CO_TRY(auto answer, co_await match(child, domain));
      out.yes |= answer.yes;
      out.open |= answer.open;
      domain -= answer.yes;
    }
    out.open -= out.yes;
    co_return out;
  }

  Task<Result<SearchAnswer>> match_thread(const SearchNode& node, IndexBits domain) {
    auto out = nothing();
    const auto indexes = domain.indexes();
    for (std::size_t begin = 0; begin < indexes.size(); begin += kThreadBatch) {
      const auto end = std::min(begin + kThreadBatch, indexes.size());
      std::vector<MessageId> ids;
      for (auto i = begin; i < end; ++i) ids.push_back(place_.view->at(indexes[i]).message);
      CO_TRY(const auto threads, co_await place_.account->threads(std::move(ids)));
      for (auto i = begin; i < end; ++i)
        if (threads[i - begin].value() == node.number) out.yes.set(indexes[i]);
      CO_TRY_OK(co_await still_working_());
    }
    co_return out;
  }

  // A key that a column or the word index answers: slice by slice, where there is enough to be asked.
  Task<Result<SearchAnswer>> match_slices(const SearchNode& node, IndexBits domain) {
    auto out = nothing();
    const auto indexes = domain.indexes();
    for (auto begin = indexes.begin(); begin != indexes.end();) {
      const auto end = std::lower_bound(begin, indexes.end(), *begin / kSlice * kSlice + kSlice);
      Found found;
      if (end - begin < kWorthAColumn || !has_column(node)) {
        found.open.assign(begin, end);
      } else {
        CO_TRY(found, co_await match_slice(node, *begin, *std::prev(end) + 1));
        CO_TRY_OK(co_await still_working_());
      }
      for (const auto index : found.hits) out.yes.set(index);
      for (const auto index : found.open) out.open.set(index);
      begin = end;
    }
    out.yes &= domain;
    out.open &= domain;
    co_return out;
  }

  static bool has_column(const SearchNode& node) {
    return node.op != SearchOp::header || text_column_of(node.name) || holds_fields({&node.name, 1});
  }

  Task<Result<Found>> match_slice(const SearchNode& node, std::uint32_t from, std::uint32_t to) {
    const auto& [account, mailbox, view] = place_;
    std::string needle = node.needle;
    if (node.op == SearchOp::text) co_return co_await find_text(account, mailbox, view, node.scope, std::move(needle), from, to);
    if (node.op == SearchOp::sent_date) co_return co_await match_rows(node, Column::sent, from, to);
    const auto column = text_column_of(node.name);
    if (!column) co_return co_await match_rows(node, Column::fields, from, to);
    co_return co_await find_in_field(account, mailbox, view, *column, std::move(needle), from, to);
  }

  Task<Result<Found>> match_rows(const SearchNode& node, Column column, std::uint32_t from, std::uint32_t to) {
    Found found;
    ColumnReader reader(place_.account, place_.mailbox, place_.view, column, from, to);
    for (;;) {
      CO_TRY(const auto rows, co_await reader.next());
      if (!rows) co_return found;
      co_await place_.account->store().workers().run([&] {
        place_.view->for_each(rows->from(), rows->to(), [&](std::uint32_t index, const store::Entry&) {
          const auto row = rows->at(index);
          if (!row) return found.open.push_back(index);
          const bool yes = column == Column::sent ? match_sent_date(node, sent_of_row(*row))
                                                          : message::header_contains(*row, node.name, node.needle);
          if (yes) found.hits.push_back(index);
        });
      });
    }
  }

  const SearchPlace& place_;
  const StillWorking& still_working_;
};

}  // namespace

Task<Result<IndexBits>> run_search(const SearchPlace& place, const SearchProgram& program, const StillWorking& still_working,
                                   UseIndex use_index) {
  ColumnSearch columns(place, still_working);
  auto all = IndexBits::all(place.view->size());
  CO_TRY(auto answer, co_await columns.match_cheap(program.root, std::move(all)));
  auto found = std::move(answer.yes);
  if (use_index == UseIndex::yes && answer.open.any()) {
    CO_TRY(answer, co_await columns.match(program.root, std::move(answer.open)));
    found |= answer.yes;
  }
  if (answer.open.any()) CO_TRY_OK(co_await search_messages(place, program, still_working, answer.open, found));
  co_return found;
}

}  // namespace posthorn::search
