#include "search/segment_scan.h"

#include "search/drop.h"
#include "search/keys.h"
#include "store/mail_store.h"

namespace posthorn::search {

Task<Result<std::vector<kv::Row>>> SegmentScan::next() {
  auto rows = co_await read();
  if (rows || rows.error().code != Errc::corrupt) co_return rows;
  more_ = false;  // what the engine cannot read is damage like any other
  co_await drop_index(account_, mailbox_);
  co_return std::vector<kv::Row>();
}

Task<Result<std::vector<kv::Row>>> SegmentScan::read() {
  auto& store = account_->store().kv();
  kv::Range range{kv::Space::column, account_->id().value(), next_key_, after_segment_key(mailbox_, column_, last_), ahead_};
  if (next_key_.empty()) {
    // The last one that begins at the first UID or before it.
    range.from = column_key(mailbox_, column_);
    range.to = next_key_ = after_segment_key(mailbox_, column_, first_);
    range.limit = 1;
    range.direction = kv::Direction::backward;
    CO_TRY(auto found, co_await store.scan(range, at_));
    if (!found.rows.empty()) co_return std::move(found.rows);
    range = {kv::Space::column, account_->id().value(), next_key_, after_segment_key(mailbox_, column_, last_), ahead_};
  }
  CO_TRY(auto found, co_await store.scan(range, at_));
  more_ = found.more;
  if (!found.rows.empty()) next_key_ = found.rows.back().key + '\0';
  co_return std::move(found.rows);
}

}  // namespace posthorn::search
