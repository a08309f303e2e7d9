// SORT and UID SORT. [RFC5256 3] [RFC5957] [RFC5267 3]
#include <numeric>
#include <ranges>
#include <utility>

#include "async/worker_pool.h"
#include "proto/imap/writer.h"
#include "search/rows.h"
#include "server/imap/hit_rows.h"
#include "server/imap/session.h"
#include "server/imap/sort_keys.h"
#include "store/mail_store.h"

namespace posthorn::imap {
namespace {

std::string_view address_of(SortKey key, const search::AddressRow& row) {
  switch (key) {
    case SortKey::cc: return row.cc;
    case SortKey::to: return row.to;
    case SortKey::display_from: return row.display_from;
    case SortKey::display_to: return row.display_to;
    default: return row.from;
  }
}

// What the entries know.
void set_entry_keys(SortKey key, const store::View& view, const std::vector<std::uint32_t>& hits, SortKeys& keys) {
  for (std::size_t i = 0; i < hits.size(); ++i) {
    const auto& entry = view.at(hits[i]);
    keys.set(i, key == SortKey::size ? std::int64_t{entry.size} : entry.internal_date.seconds);
  }
}

Task<Result<void>> read_keys(const SearchPlace& place, SortKey key, const std::vector<std::uint32_t>& hits,
                             const StillWorking& still_working, SortKeys& keys) {
  switch (key) {
    case SortKey::arrival:
    case SortKey::size: {
      co_await place.account->store().workers().run([&] { set_entry_keys(key, *place.view, hits, keys); });
      co_return Result<void>{};
    }
    case SortKey::date: {
      // [RFC5256 2.2] Without a date that can be read, the internal date.
      const TakeRow take = [&](std::size_t i, std::string_view row) {
        const auto sent = search::sent_of_row(row);
        keys.set(i, sent ? sent->time.time_since_epoch().count() : place.view->at(hits[i]).internal_date.seconds);
      };
      co_return co_await for_each_row(place, search::Column::sent, hits, still_working, take);
    }
    case SortKey::subject: {
      const TakeRow take = [&](std::size_t i, std::string_view row) { keys.set(i, search::subject_of_row(row).base); };
      co_return co_await for_each_row(place, search::Column::base_subject, hits, still_working, take);
    }
    case SortKey::cc:
    case SortKey::from:
    case SortKey::to:
    case SortKey::display_from:
    case SortKey::display_to: break;
  }
  const TakeRow take = [&](std::size_t i, std::string_view row) { keys.set(i, address_of(key, search::addresses_of_row(row))); };
  co_return co_await for_each_row(place, search::Column::addresses, hits, still_working, take);
}

// Hits in mailbox order to the order asked for.
Task<Result<std::vector<std::uint32_t>>> sort_hits(const SearchPlace& place, const std::vector<SortCriterion>& criteria,
                                                   const std::vector<std::uint32_t>& hits, const StillWorking& still_working) {
  std::vector<std::uint32_t> order(hits.size());
  std::iota(order.begin(), order.end(), 0U);
  for (const auto& criterion : criteria | std::views::reverse) {
    SortKeys keys(hits.size());
    CO_TRY_OK(co_await read_keys(place, criterion.key, hits, still_working, keys));
    co_await place.account->store().workers().run([&] { keys.sort(order, criterion.reverse); });
  }
  for (auto& place_in_hits : order) place_in_hits = hits[place_in_hits];
  co_return order;
}

}  // namespace

Task<Result<Reply>> Session::cmd_sort(Command& command) {
  auto& sort = std::get<Sort>(command.command);
  auto hits = co_await find_messages(sort.search);
  if (!hits) co_return search_failed(sort.search.result, std::move(hits).error());
  const SearchPlace place{selected_->account, selected_->id, hits->view};
  auto last_sign = steady_now();
  const StillWorking still_working = [this, &last_sign] { return show_life(last_sign); };
  auto sorted = co_await sort_hits(place, sort.criteria, hits->indexes, still_working);
  if (!sorted) co_return search_failed(sort.search.result, std::move(sorted).error());
  hits->indexes = *std::move(sorted);
  if (sort.search.result.given) co_return co_await answer_esearch(command, sort.search.result, *hits, "SORT completed");

  output() += "* SORT";
  CO_TRY_OK(co_await put_numbers(*hits, command.uid));
  // [RFC7162 3.1.6] says so of SEARCH, and its grammar of SORT too.
  if (hits->wants_mod_seq && !hits->indexes.empty())
    Writer(output()).raw(" (MODSEQ ").number(highest_mod_seq(*hits, hits->indexes).value()).raw(")");
  output() += "\r\n";
  co_return ok("SORT completed");
}

}  // namespace posthorn::imap
