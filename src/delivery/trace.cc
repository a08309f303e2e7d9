#include "delivery/trace.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "async/pause.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/row_codec.h"
#include "crypto/digest.h"
#include "delivery/settings.h"
#include "kv/key_codec.h"
#include "text/ascii.h"

namespace posthorn::delivery {
namespace {

using kv::Space;

inline Counter records_dropped{"trace.dropped", "Records of what happened to messages that could not be kept since the start."};

constexpr std::uint64_t kPartition = 0;
constexpr char kMessageRow = 'm', kPageRow = 'p', kDayRow = 'd';
constexpr std::size_t kPagesAtOnce = 256;
constexpr std::size_t kPairSize = 12;  // of a page: an address's checksum (4), a message (8)

std::uint32_t day_of(SysTime t) { return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::days>(t).time_since_epoch().count()); }

std::uint64_t milliseconds_of(SysTime t) { return static_cast<std::uint64_t>(t.time_since_epoch().count()); }

std::string message_prefix(queue::EntryId id) {
  std::string key(1, kMessageRow);
  kv::put_be64(key, id.value());
  return key;
}

std::string message_key(const TraceRecord& first, std::uint32_t number) {
  auto key = message_prefix(first.message);
  kv::put_be64(key, milliseconds_of(first.when));
  kv::put_be32(key, number);
  return key;
}

std::string page_prefix(SysTime when) {
  std::string key(1, kPageRow);
  kv::put_be64(key, milliseconds_of(when));
  return key;
}

// The first message of a day: with it the older ones go.
std::string day_key(std::uint32_t day) {
  std::string key(1, kDayRow);
  kv::put_be32(key, day);
  return key;
}

std::uint32_t checksum_of(std::string_view address) { return crypto::crc32c(text::to_lower(address)); }

bool has_address(const TraceRecord& r, std::string_view address) {
  return text::iequals(r.reverse_path, address) ||
         std::ranges::any_of(r.recipients, [&](const auto& to) { return text::iequals(to, address); });
}

void put_record(std::string& out, const TraceRecord& r, SysTime from, const TraceRecord* before) {
  put_signed(out, (r.when - from).count());
  const bool same = before && before->reverse_path == r.reverse_path && before->recipients == r.recipients;
  put_varint(out, same ? 1 : 0);
  if (!same) {
    put_string(out, r.reverse_path);
    put_varint(out, r.recipients.size());
    for (const auto& to : r.recipients) put_string(out, to);
  }
  put_varint(out, r.lines.size());
  for (const auto& line : r.lines) {
    put_signed(out, (line.when - r.when).count());
    out.push_back(static_cast<char>(line.kind));
    put_string(out, line.text);
  }
}

TraceRecord get_record(RowReader& in, queue::EntryId message, SysTime from, const TraceRecord* before) {
  TraceRecord r{.message = message, .when = from + std::chrono::milliseconds(in.signed_varint()), .reverse_path = {}, .recipients = {}, .lines = {}};
  if (in.varint() == 1 && before) {
    r.reverse_path = before->reverse_path;
    r.recipients = before->recipients;
  } else {
    r.reverse_path = in.string();
    for (auto n = in.varint(); in.ok() && n > 0; --n) r.recipients.emplace_back(in.string());
  }
  for (auto n = in.varint(); in.ok() && n > 0; --n) {
    DialogueLine line;
    line.when = r.when + std::chrono::milliseconds(in.signed_varint());
    // One byte, which is a varint, too.
    line.kind = static_cast<DialogueLine::Kind>(in.varint());
    line.text = in.string();
    r.lines.push_back(std::move(line));
  }
  return r;
}

// Of one message, in the order of time.
std::string encode(std::span<const TraceRecord> records) {
  std::string out;
  put_varint(out, 2);
  put_varint(out, records.size());
  const TraceRecord* before = nullptr;
  for (const auto& r : records) {
    put_record(out, r, records.front().when, before);
    before = &r;
  }
  return out;
}

Result<void> decode(std::string_view key, std::string_view value, std::vector<TraceRecord>& out) {
  if (key.size() != 21) return fail(Errc::corrupt, "trace: a key of another length");
  const queue::EntryId message(kv::get_be64(key.substr(1)));
  const SysTime from(std::chrono::milliseconds(static_cast<std::int64_t>(kv::get_be64(key.substr(9)))));
  RowReader in(value);
  if (in.varint() != 2) return fail(Errc::corrupt, "trace: another version");
  const auto known = out.size();
  for (auto n = in.varint(); in.ok() && n > 0; --n) out.push_back(get_record(in, message, from, out.size() > known ? &out.back() : nullptr));
  if (!in.at_end()) return fail(Errc::corrupt, "trace: a damaged row");
  return {};
}

// Which messages an address is in: pairs, ascending.
std::string encode_page(const std::set<std::pair<std::uint32_t, std::uint64_t>>& pairs) {
  std::string out;
  out.reserve(pairs.size() * kPairSize);
  for (const auto& [checksum, message] : pairs) {
    kv::put_be32(out, checksum);
    kv::put_be64(out, message);
  }
  return out;
}

// The newest message first.
std::vector<queue::EntryId> find_in_page(std::string_view page, std::uint32_t checksum) {
  std::vector<queue::EntryId> out;
  for (; page.size() >= kPairSize; page.remove_suffix(kPairSize)) {
    const auto pair = page.substr(page.size() - kPairSize);
    if (kv::get_be32(pair) == checksum) out.emplace_back(kv::get_be64(pair.substr(4)));
  }
  return out;
}

// Those of one message stay in their order.
void sort_by_message(std::vector<TraceRecord>& records) {
  std::vector<std::size_t> order(records.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(records[i].message, i); });
  std::vector<TraceRecord> sorted;
  sorted.reserve(records.size());
  for (const auto i : order) sorted.push_back(std::move(records[i]));
  records = std::move(sorted);
}

std::size_t memory_of(const TraceRecord& r) {
  std::size_t bytes = sizeof r + r.reverse_path.size();
  for (const auto& to : r.recipients) bytes += to.size() + sizeof to;
  for (const auto& line : r.lines) bytes += line.text.size() + sizeof line;
  return bytes;
}

}  // namespace

Trace::~Trace() { CHECK(tasks_.running() == 0); }

void Trace::add(TraceRecord r) {
  if (r.recipients.size() > kMaxRecipients) r.recipients.resize(kMaxRecipients);
  const auto bytes = memory_of(r);
  std::lock_guard hold(mutex_);
  if (waiting_bytes_ + bytes > kMaxWaiting) return records_dropped.add();
  waiting_bytes_ += bytes;
  waiting_.push_back(std::move(r));
}

Task<> Trace::flush() {
  std::vector<TraceRecord> records;
  std::uint32_t number = 0;
  {
    std::lock_guard hold(mutex_);
    records.swap(waiting_);
    waiting_bytes_ = 0;
    number = next_number_;
    next_number_ += static_cast<std::uint32_t>(records.size());
  }
  // Most messages are accepted and sent within the same second: what is told of one then is one row.
  sort_by_message(records);
  for (std::span<const TraceRecord> rest(records); !rest.empty();) {
    auto size = std::min(kPiece, rest.size());
    while (size < rest.size() && size < 2 * kPiece && rest[size].message == rest[size - 1].message) ++size;
    co_await write(rest.first(size), number);
    number += static_cast<std::uint32_t>(size);
    rest = rest.subspan(size);
  }
}

Task<> Trace::write(std::span<const TraceRecord> records, std::uint32_t number) {
  kv::Batch batch;
  std::set<std::pair<std::uint32_t, std::uint64_t>> pairs;
  std::map<std::uint32_t, std::uint64_t> days;  // with the first message of each
  SysTime latest = records.front().when;
  for (auto rest = records; !rest.empty();) {
    const auto& first = rest.front();
    const auto end = std::ranges::find_if(rest, [&](const auto& r) { return r.message != first.message; });
    const auto own = rest.first(static_cast<std::size_t>(end - rest.begin()));
    batch.put(Space::trace, kPartition, message_key(first, number++), encode(own));
    for (const auto& r : own) {
      if (!r.reverse_path.empty()) pairs.emplace(checksum_of(r.reverse_path), r.message.value());
      for (const auto& to : r.recipients) pairs.emplace(checksum_of(to), r.message.value());
      days.try_emplace(day_of(r.when), r.message.value());
      latest = std::max(latest, r.when);
    }
    rest = rest.subspan(own.size());
  }
  auto page = page_prefix(latest);
  kv::put_be32(page, number);
  batch.put(Space::trace, kPartition, std::move(page), encode_page(pairs));
  for (const auto& [day, message] : days) {
    const auto known = co_await store_.get(Space::trace, kPartition, day_key(day));
    if (!known || *known) continue;
    std::string id;
    kv::put_be64(id, message);
    batch.put(Space::trace, kPartition, day_key(day), std::move(id));
  }
  batch.can_wait();
  const auto count = records.size();
  if (auto written = co_await store_.write_ahead(std::move(batch)); !written) {
    records_dropped.add(static_cast<std::int64_t>(count));
    log::warning("trace.not_written", {{"error", written.error()}, {"records", count}});
  }
}

void Trace::start(Reactor& reactor) {
  started_ = true;
  tasks_.spawn(reactor, run(*this));
}

Task<> Trace::run(Trace& self) {
  SteadyTime cleaned{};
  while (!self.stopping_) {
    co_await pause_until(steady_now() + std::chrono::seconds(1), self.stopping_);
    co_await self.flush();
    if (cleaned != SteadyTime{} && steady_now() - cleaned < std::chrono::hours(1)) continue;
    cleaned = steady_now();
    if (auto done = co_await self.forget(now() - kTraceAge.get()); !done) log::warning("trace.not_cleaned", {{"error", done.error()}});
  }
}

Task<> Trace::stop() {
  stopping_ = true;
  if (started_) co_await tasks_.join();
  co_await flush();
}

Task<Result<std::vector<TraceRecord>>> Trace::of_message(queue::EntryId id) {
  std::vector<TraceRecord> out;
  const auto from = message_prefix(id), to = message_prefix(queue::EntryId(id.value() + 1));
  CO_TRY(const auto rows, co_await store_.scan({Space::trace, kPartition, from, to, 1000}));
  for (const auto& row : rows.rows) CO_TRY_OK(decode(row.key, row.value, out));
  co_return out;
}

// The page has checksums: the records tell whether it is this address.
Task<Result<bool>> Trace::concerns(queue::EntryId id, std::string_view address) {
  CO_TRY(const auto records, co_await of_message(id));
  co_return std::ranges::any_of(records, [&](const auto& r) { return has_address(r, address); });
}

Task<Result<std::vector<queue::EntryId>>> Trace::of_address(std::string address) {
  std::vector<queue::EntryId> out;
  std::set<std::uint64_t> seen;
  const auto checksum = checksum_of(address);
  kv::Range range{Space::trace, kPartition, page_prefix(SysTime()), std::string(1, kPageRow + 1), kPagesAtOnce, kv::Direction::backward};
  for (bool more = true; more && out.size() < kMaxFound;) {
    CO_TRY(const auto pages, co_await store_.scan(range));
    for (const auto& page : pages.rows) {
      for (const auto id : find_in_page(page.value, checksum)) {
        if (out.size() >= kMaxFound || !seen.insert(id.value()).second) continue;
        CO_TRY(const bool is_it, co_await concerns(id, address));
        if (is_it) out.push_back(id);
      }
    }
    more = pages.more;
    if (more) range.to = pages.rows.back().key;
  }
  co_return out;
}

// Ids ascend with time: what came before the first message of the oldest day that stays goes.
Task<Result<void>> Trace::forget(SysTime before) {
  const auto day = day_of(before);
  CO_TRY(const auto kept, co_await store_.scan({Space::trace, kPartition, day_key(day), std::string(1, kDayRow + 1), 1}));
  CO_TRY(const auto old, co_await store_.scan({Space::trace, kPartition, day_key(0), day_key(day), 1}));
  if (old.rows.empty()) co_return Result<void>{};
  kv::Batch batch;
  const auto end = kept.rows.empty() ? std::string(1, kMessageRow + 1) : std::string(1, kMessageRow) + kept.rows.front().value;
  batch.erase_range(Space::trace, kPartition, std::string(1, kMessageRow), end);
  batch.erase_range(Space::trace, kPartition, page_prefix(SysTime()), page_prefix(SysTime(std::chrono::days(day))));
  batch.erase_range(Space::trace, kPartition, day_key(0), day_key(day));
  co_return co_await store_.write_ahead(std::move(batch));
}

}  // namespace posthorn::delivery
