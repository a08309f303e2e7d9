#include "server/imap/fetch_reader.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "async/reactor.h"
#include "message/summary.h"
#include "search/fields.h"
#include "server/imap/imap_settings.h"

namespace posthorn::imap {
namespace {

constexpr std::size_t kBatch = 512;                    // messages
constexpr std::uint64_t kBatchBytes = 1 << 20;         // of them, when their bytes are read: neighbours in the store come cheap...
constexpr std::uint64_t kSmallBatchBytes = 128 << 10;  // ...but beyond imap.fetch_memory so many must do
constexpr std::uint64_t kBatchSummaries = 16 << 20;    // of them, when summaries are read
constexpr std::size_t kAhead = 3;                      // batches
constexpr std::size_t kWorthWorker = 4;                // messages: of fewer, what is in memory is had at once (Account::read)
constexpr std::uint32_t kWorthColumns = 32;            // messages...
constexpr std::uint32_t kNeighbours = 8;               // ...of which one in so many is asked for

bool in_fields_column(const FetchAttribute& a) {
  return a.item == FetchItem::section && a.section.part.empty() && a.section.text == SectionText::header_fields &&
         search::holds_fields(a.section.fields);
}

std::atomic<std::uint64_t> held_bytes{0};
bool is_memory_short() { return held_bytes.load(std::memory_order_relaxed) >= static_cast<std::uint64_t>(kFetchMemory.get()); }

bool is_whole_message(const FetchAttribute& a) {
  return a.item == FetchItem::rfc822 || (a.item == FetchItem::section && a.section.part.empty() && a.section.text == SectionText::whole);
}

}  // namespace

HeldBytes::HeldBytes(std::uint64_t bytes) : bytes_(bytes) { held_bytes += bytes; }
HeldBytes::~HeldBytes() { held_bytes -= bytes_; }

bool needs_bytes(const FetchAttribute& a) {
  switch (a.item) {
    case FetchItem::section:
    case FetchItem::rfc822:
    case FetchItem::rfc822_header:
    case FetchItem::rfc822_text:
    case FetchItem::binary:
    case FetchItem::binary_size:
    case FetchItem::preview: return true;
    default: return false;
  }
}

FetchNeeds needs_of(const std::vector<FetchAttribute>& attributes) {
  FetchNeeds needs;
  for (const auto& a : attributes) {
    needs.threads |= a.item == FetchItem::thread_id;
    needs.summaries |= a.item == FetchItem::envelope || a.item == FetchItem::body || a.item == FetchItem::body_structure;
    if (!needs_bytes(a)) continue;
    const bool fields = in_fields_column(a);
    needs.fields |= fields;
    needs.bytes |= !fields;
    needs.summaries |= !fields && !is_whole_message(a);
  }
  if (needs.bytes && needs.fields) {  // what is read anyway has the fields, too
    needs.fields = false;
    needs.summaries = true;
  }
  return needs;
}

// Walks a column along ascending indexes.
class FetchReader::ColumnCursor {
 public:
  explicit ColumnCursor(search::ColumnReader reader) : reader_(std::move(reader)) {}
  Task<Result<std::shared_ptr<const search::ColumnRows>>> seek(std::uint32_t index) {
    while (!rows_ || rows_->to() <= index) {
      CO_TRY(auto next, co_await reader_.next());
      if (!next) co_return fail(Errc::corrupt, "a column ends before its view");
      rows_ = std::make_shared<const search::ColumnRows>(*std::move(next));
    }
    co_return rows_;
  }

 private:
  search::ColumnReader reader_;
  std::shared_ptr<const search::ColumnRows> rows_;
};

FetchReader::FetchReader(store::AccountPtr account, MailboxId mailbox, store::ViewPtr view, IndexRanges ranges, FetchNeeds needs)
    : account_(std::move(account)), mailbox_(mailbox), view_(std::move(view)), ranges_(std::move(ranges)), needs_(needs) {
  if (ranges_.empty()) return;
  const auto wanted = count(ranges_);
  in_columns_ = wanted >= kWorthColumns && wanted * kNeighbours >= ranges_.back().to - ranges_.front().from;
}

FetchReader::~FetchReader() = default;

Task<> FetchReader::run_ahead(FetchReader& self, std::shared_ptr<Ahead> ahead) {
  ahead->begun.set();
  ahead->batch = co_await self.read();
  ahead->done.set();
}

Task<Result<FetchBatch>> FetchReader::next() {
  Result<FetchBatch> batch;
  if (pending_.empty()) {
    batch = co_await read();
  } else {
    const auto first = std::move(pending_.front());
    pending_.pop_front();
    co_await first->done.wait();
    batch = std::move(first->batch);
  }
  // A column is read by one at a time; messages are worth two threads.
  const bool reads_columns = in_columns_ && (needs_.summaries || needs_.fields);
  const std::size_t wanted = is_memory_short() ? 0 : reads_columns ? 1 : kAhead;
  while (batch && !at_end() && pending_.size() < wanted) {
    const auto next = pending_.emplace_back(std::make_shared<Ahead>());
    ahead_.spawn(Reactor::current(), run_ahead(*this, next));
    co_await next->begun.wait();  // else it would begin when this batch has been written
  }
  co_return batch;
}

void FetchReader::take_indexes(FetchBatch& batch) {
  batch.rows.reserve(kBatch);
  const bool reads_messages = needs_.bytes || (needs_.fields && !in_columns_);
  const std::uint64_t most = is_memory_short() ? kSmallBatchBytes : kBatchBytes;
  std::uint64_t bytes = 0, summaries = 0;
  for (; range_ < ranges_.size(); ++range_) {
    const auto& range = ranges_[range_];
    for (auto index = std::max(next_, range.from); index < range.to; ++index) {
      const auto size = reads_messages ? view_->at(index).size : 0;
      if (needs_.summaries) summaries += message::longest_summary(view_->at(index).size);
      const bool is_full = bytes + size > most || summaries > kBatchSummaries;
      if (batch.rows.size() == kBatch || (is_full && !batch.rows.empty())) {
        next_ = index;
        return;
      }
      if (size <= kLongMessage) bytes += size;
      batch.rows.push_back({.index = index});
    }
  }
}

Task<Result<FetchBatch>> FetchReader::read() {
  FetchBatch batch;
  take_indexes(batch);
  if (batch.rows.empty()) co_return batch;
  if (needs_.fields && in_columns_) CO_TRY_OK(co_await read_column(batch, search::Column::fields, fields_));
  if (needs_.summaries && in_columns_) CO_TRY_OK(co_await read_column(batch, search::Column::summary, summaries_));
  if (needs_.summaries || needs_.fields) CO_TRY_OK(co_await read_summaries(batch));
  if (needs_.bytes || needs_.fields) CO_TRY_OK(co_await read_bytes(batch));
  if (needs_.threads) CO_TRY_OK(co_await read_threads(batch));
  co_return batch;
}

Task<Result<void>> FetchReader::read_column(FetchBatch& batch, search::Column column, std::unique_ptr<ColumnCursor>& cursor) {
  if (!cursor) {
    search::ColumnReader reader(account_, mailbox_, view_, column, ranges_.front().from, ranges_.back().to);
    cursor = std::make_unique<ColumnCursor>(std::move(reader));
  }
  for (auto& row : batch.rows) {
    if (batch.columns.empty() || row.index >= batch.columns.back()->to() || &row == &batch.rows.front()) {
      CO_TRY(auto rows, co_await cursor->seek(row.index));
      batch.columns.push_back(std::move(rows));
    }
    const auto value = batch.columns.back()->at(row.index);
    if (column == search::Column::fields) row.fields = value;
    else row.summary = value.value_or(std::string_view());
  }
  co_return Result<void>{};
}

// Of messages that are in no column.
Task<Result<void>> FetchReader::read_summaries(FetchBatch& batch) {
  std::vector<MessageId> ids;
  std::vector<FetchRow*> rows;
  for (auto& row : batch.rows) {
    if (!row.summary.empty() || !(needs_.summaries || needs_message(row))) continue;
    ids.push_back(message(row));
    rows.push_back(&row);
  }
  if (ids.empty()) co_return Result<void>{};
  CO_TRY(batch.summaries, co_await account_->summaries(std::move(ids)));
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i]->summary = batch.summaries[i];
  co_return Result<void>{};
}

Task<Result<void>> FetchReader::read_bytes(FetchBatch& batch) {
  std::vector<MessageId> ids;
  std::vector<FetchRow*> rows;
  std::uint64_t bytes = 0;
  for (auto& row : batch.rows) {
    const auto size = view_->at(row.index).size;
    if (!needs_message(row) || size > kLongMessage || bytes + size > kBatchBytes) continue;
    bytes += size;
    ids.push_back(message(row));
    rows.push_back(&row);
  }
  if (ids.size() < kWorthWorker) co_return Result<void>{};
  batch.held = HeldBytes(bytes);
  CO_TRY(batch.bytes, co_await account_->read_whole(std::move(ids), bytes));
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (batch.bytes[i] && batch.bytes[i]->size() == view_->at(rows[i]->index).size) rows[i]->bytes = batch.bytes[i];
  co_return Result<void>{};
}

Task<Result<void>> FetchReader::read_threads(FetchBatch& batch) {
  std::vector<MessageId> ids;
  for (const auto& row : batch.rows) ids.push_back(message(row));
  CO_TRY(const auto threads, co_await account_->threads(std::move(ids)));
  for (std::size_t i = 0; i < batch.rows.size(); ++i) batch.rows[i].thread = threads[i];
  co_return Result<void>{};
}

}  // namespace posthorn::imap
