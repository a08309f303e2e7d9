#include "server/imap/hit_rows.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>

#include "async/worker_pool.h"
#include "search/column_reader.h"
#include "search/rows.h"
#include "store/mail_store.h"

namespace posthorn::imap {
namespace {

constexpr std::uint32_t kSlice = 8192;    // indexes whose rows are held at once
constexpr std::size_t kWorthAColumn = 64;  // fewer messages of a slice are read one by one
constexpr std::size_t kBatch = 512;        // summaries held at once

std::string row_of(search::Column column, std::string_view encoded) {
  const auto summary = message::SummaryView::open(encoded);
  if (!summary) return {};
  if (column == search::Column::sent) return search::sent_row(*summary);
  const auto envelope = summary->envelope();
  if (!envelope) return {};
  if (column == search::Column::base_subject) return search::subject_row(*envelope);
  if (column == search::Column::addresses) return search::address_row(*envelope);
  return search::references_row(*summary, *envelope);
}

// Reads the rows of one slice of the hits.
class SliceReader {
 public:
  SliceReader(const SearchPlace& place, search::Column column, std::span<const std::uint32_t> hits)
      : place_(place), column_(column), hits_(hits), rows_(hits.size()) {}

  Task<Result<void>> read() {
    if (hits_.size() >= kWorthAColumn) CO_TRY_OK(co_await read_column());
    co_return co_await read_summaries();
  }
  std::string_view at(std::size_t i) const { return rows_[i] ? *rows_[i] : std::string_view(); }

 private:
  Task<Result<void>> read_column() {
    search::ColumnReader reader(place_.account, place_.mailbox, place_.view, column_, hits_.front(), hits_.back() + 1);
    auto hit = hits_.begin();
    for (;;) {
      CO_TRY(auto rows, co_await reader.next());
      if (!rows) co_return Result<void>{};
      blocks_.push_back(*std::move(rows));
      const auto& block = blocks_.back();
      for (; hit != hits_.end() && *hit < block.to(); ++hit) rows_[static_cast<std::size_t>(hit - hits_.begin())] = block.at(*hit);
    }
  }

  // Of what no column has.
  Task<Result<void>> read_summaries() {
    std::vector<std::size_t> missing;
    for (std::size_t i = 0; i < rows_.size(); ++i)
      if (!rows_[i]) missing.push_back(i);
    owned_.resize(missing.size());
    for (std::size_t begin = 0; begin < missing.size(); begin += kBatch) {
      const auto end = std::min(begin + kBatch, missing.size());
      std::vector<MessageId> ids;
      for (auto m = begin; m < end; ++m) ids.push_back(place_.view->at(hits_[missing[m]]).message);
      CO_TRY(const auto summaries, co_await place_.account->summaries(std::move(ids)));
      co_await place_.account->store().workers().run([&] {
        for (auto m = begin; m < end; ++m) {
          owned_[m] = row_of(column_, summaries[m - begin]);
          rows_[missing[m]] = owned_[m];
        }
      });
    }
    co_return Result<void>{};
  }

  const SearchPlace& place_;
  const search::Column column_;
  const std::span<const std::uint32_t> hits_;
  std::vector<std::optional<std::string_view>> rows_;
  std::deque<search::ColumnRows> blocks_;  // own what rows_ shows
  std::vector<std::string> owned_;
};

}  // namespace

Task<Result<void>> for_each_row(const SearchPlace& place, search::Column column, const std::vector<std::uint32_t>& hits,
                                const StillWorking& still_working, const TakeRow& take) {
  for (auto begin = hits.begin(); begin != hits.end();) {
    const auto end = std::lower_bound(begin, hits.end(), *begin / kSlice * kSlice + kSlice);
    const auto first = static_cast<std::size_t>(begin - hits.begin());
    const std::span slice(begin, end);
    SliceReader rows(place, column, slice);
    CO_TRY_OK(co_await rows.read());
    co_await place.account->store().workers().run([&] {
      for (std::size_t i = 0; i < slice.size(); ++i) take(first + i, rows.at(i));
    });
    CO_TRY_OK(co_await still_working());
    begin = end;
  }
  co_return Result<void>{};
}

}  // namespace posthorn::imap
