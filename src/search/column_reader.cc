#include "search/column_reader.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "async/worker_pool.h"
#include "search/drop.h"
#include "search/row_maker.h"
#include "search/uids.h"
#include "store/mail_store.h"

namespace posthorn::search {
namespace {

constexpr std::size_t kSegmentsAhead = 4;
constexpr std::size_t kReadAtOnce = 64;  // messages of up to a chunk

// The messages, or their first chunk; empty: gone.
Task<Result<std::vector<std::string>>> read_starts(store::Account& account, std::vector<MessageId> ids) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from < ids.size(); from += kReadAtOnce) {
    const auto end = std::min(from + kReadAtOnce, ids.size());
    CO_TRY(const auto whole, co_await account.read_whole({ids.begin() + static_cast<std::ptrdiff_t>(from), ids.begin() + static_cast<std::ptrdiff_t>(end)}));
    for (auto i = from; i < end; ++i) {
      if (const auto bytes = whole[i - from]) {
        out.emplace_back(*bytes);
        continue;
      }
      auto start = co_await account.read(ids[i], 0, blob::kChunkSize);
      if (!start && start.error().code != Errc::not_found) co_return std::unexpected(std::move(start).error());
      out.push_back(start ? *std::move(start) : std::string());
    }
  }
  co_return out;
}

}  // namespace

std::vector<std::uint32_t> ColumnRows::matching_rows(std::string_view needle) const {
  std::vector<std::uint32_t> rows;
  const auto pool = block_.pool();
  if (needle.empty()) {
    for (std::uint32_t row = 0; row < block_.size(); ++row)
      if (!block_.at(row).empty()) rows.push_back(row);
    return rows;
  }
  std::uint32_t row = 0;
  for (auto at = pool.find(needle); at != pool.npos; at = pool.find(needle, block_.offset(row))) {
    while (block_.offset(row + 1) <= at) ++row;
    rows.push_back(row++);
  }
  return rows;
}

ColumnReader::ColumnReader(store::AccountPtr account, MailboxId mailbox, store::ViewPtr view, Column column, std::uint32_t from,
                           std::uint32_t to)
    : account_(std::move(account)), mailbox_(mailbox), view_(std::move(view)), column_(column), at_(from), end_(std::min(to, view_->size())) {
  if (at_ < end_) scan_.emplace(account_, mailbox_, column_, view_->at(at_).uid, view_->at(end_ - 1).uid, kSegmentsAhead);
}

ColumnReader::ColumnReader(store::AccountPtr account, MailboxId mailbox, store::ViewPtr view, Column column)
    : ColumnReader(std::move(account), mailbox, view, column, 0, view->size()) {}

Task<Result<std::optional<ColumnRows>>> ColumnReader::next() {
  if (at_ >= end_) co_return std::nullopt;
  while (ready_.empty() && scan_->more()) CO_TRY_OK(co_await read_segments());
  const auto gap_end = ready_.empty() ? end_ : ready_.front().from();
  if (at_ < gap_end) {
    CO_TRY(auto rows, co_await read_messages(std::min(gap_end, at_ + Block::kMaxRows)));
    at_ = rows.to();
    co_return rows;
  }
  auto rows = std::move(ready_.front());
  ready_.pop_front();
  at_ = rows.to();
  co_return rows;
}

// The segments that follow, as far as they have entries of the view.
Task<Result<void>> ColumnReader::read_segments() {
  CO_TRY(const auto found, co_await scan_->next());
  bool damaged = false;
  const auto decode = [&] {
    auto from = at_;
    for (const auto& row : found) {
      auto block = Block::decode(row.value);
      damaged |= !block;
      if (!block || block->size() == 0) continue;
      ColumnRows rows;
      rows.from_ = std::max(from, view_->lower_bound(block->uid(0)));
      const auto& uids = block->uids();
      if (is_run_of(*view_, rows.from_, uids) && rows.from_ + uids.size() <= end_) {
        rows.rows_.resize(uids.size());
        std::iota(rows.rows_.begin(), rows.rows_.end(), 0U);
      }
      const auto behind = uids.back().value() == 0xFFFFFFFF ? view_->size() : view_->lower_bound(Uid(uids.back().value() + 1));
      std::uint32_t at = 0;
      view_->for_each(rows.to(), std::min(end_, behind), [&](std::uint32_t, const store::Entry& entry) {
        while (uids[at] < entry.uid) ++at;
        rows.rows_.push_back(uids[at] == entry.uid ? at : ColumnRows::kNone);
      });
      if (rows.rows_.empty()) continue;
      from = rows.to();
      rows.block_ = *std::move(block);
      ready_.push_back(std::move(rows));
    }
  };
  co_await account_->store().workers().run(decode);
  if (damaged) co_await drop_index(account_, mailbox_);
  co_return Result<void>{};
}

// Packs the entries [at_, to) as the indexer would.
Task<Result<ColumnRows>> ColumnReader::read_messages(std::uint32_t to) {
  std::vector<MessageId> ids;
  view_->for_each(at_, to, [&](std::uint32_t, const store::Entry& entry) { ids.push_back(entry.message); });
  std::vector<std::string> bytes;
  if (is_from_header(column_)) {
    CO_TRY(bytes, co_await read_starts(*account_, ids));
  } else {
    CO_TRY(bytes, co_await account_->summaries(ids));
  }
  ColumnRows rows;
  rows.from_ = at_;
  const auto make = [&] {
    BlockBuilder block;
    view_->for_each(at_, to, [&](std::uint32_t index, const store::Entry& entry) {
      const std::string_view got = bytes[index - at_];
      RowSource source{.summary = got, .header = header_at_start(got, got.size() == entry.size)};
      const auto row = got.empty() ? std::nullopt : make_row(column_, source);
      row ? block.add(entry.uid, *row) : block.add_not_held(entry.uid);
      rows.rows_.push_back(index - at_);
    });
    rows.block_ = std::move(block).take();
  };
  co_await account_->store().workers().run(make);
  co_return rows;
}

}  // namespace posthorn::search
