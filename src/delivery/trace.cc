#include "delivery/trace.h"

#include <algorithm>
#include <set>

#include "base/log.h"
#include "base/metrics.h"
#include "base/row_codec.h"
#include "delivery/settings.h"
#include "kv/key_codec.h"
#include "text/ascii.h"

namespace posthorn::delivery {
namespace {

using kv::Space;

inline Counter records_dropped{"trace.dropped", "Records of what happened to messages that could not be kept since the start."};

constexpr std::uint64_t kPartition = 0;
constexpr char kMessageRow = 'm', kAddressRow = 'a', kDayRow = 'd';
constexpr std::size_t kMaxAddress = 255;

std::uint32_t day_of(SysTime t) { return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::days>(t).time_since_epoch().count()); }

std::string message_prefix(queue::EntryId id) {
  std::string key(1, kMessageRow);
  kv::put_be64(key, id.value());
  return key;
}

std::string message_key(const TraceRecord& r, std::uint32_t number) {
  auto key = message_prefix(r.message);
  kv::put_be64(key, static_cast<std::uint64_t>(r.when.time_since_epoch().count()));
  kv::put_be32(key, number);
  return key;
}

std::string address_prefix(std::uint32_t day, std::string_view address) {
  std::string key(1, kAddressRow);
  kv::put_be32(key, day);
  key += text::to_lower(address.substr(0, kMaxAddress));
  key.push_back('\0');
  return key;
}

// The first message of a day: with it the older ones go.
std::string day_key(std::uint32_t day) {
  std::string key(1, kDayRow);
  kv::put_be32(key, day);
  return key;
}

std::string encode(const TraceRecord& r) {
  std::string out;
  put_varint(out, 1);
  put_string(out, r.reverse_path);
  put_varint(out, r.recipients.size());
  for (const auto& to : r.recipients) put_string(out, to);
  put_varint(out, r.lines.size());
  for (const auto& line : r.lines) {
    put_signed(out, (line.when - r.when).count());
    out.push_back(static_cast<char>(line.kind));
    put_string(out, line.text);
  }
  return out;
}

Result<TraceRecord> decode(std::string_view key, std::string_view value) {
  TraceRecord r;
  if (key.size() != 21) return fail(Errc::corrupt, "trace: a key of another length");
  r.message = queue::EntryId(kv::get_be64(key.substr(1)));
  r.when = SysTime(std::chrono::milliseconds(static_cast<std::int64_t>(kv::get_be64(key.substr(9)))));
  RowReader in(value);
  if (in.varint() != 1) return fail(Errc::corrupt, "trace: another version");
  r.reverse_path = in.string();
  for (auto n = in.varint(); in.ok() && n > 0; --n) r.recipients.emplace_back(in.string());
  for (auto n = in.varint(); in.ok() && n > 0; --n) {
    DialogueLine line;
    line.when = r.when + std::chrono::milliseconds(in.signed_varint());
    // One byte, which is a varint, too.
    line.kind = static_cast<DialogueLine::Kind>(in.varint());
    line.text = in.string();
    r.lines.push_back(std::move(line));
  }
  if (!in.at_end()) return fail(Errc::corrupt, "trace: a damaged row");
  return r;
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
  for (std::span<const TraceRecord> rest(records); !rest.empty();) {
    const auto piece = rest.first(std::min(kPiece, rest.size()));
    co_await write(piece, number);
    number += static_cast<std::uint32_t>(piece.size());
    rest = rest.subspan(piece.size());
  }
}

Task<> Trace::write(std::span<const TraceRecord> records, std::uint32_t number) {
  kv::Batch batch;
  std::set<std::uint32_t> days;
  std::set<std::string> names;  // a message has several records within a second, with the same addresses
  for (const auto& r : records) {
    const auto day = day_of(r.when);
    batch.put(Space::trace, kPartition, message_key(r, number++), encode(r));
    const auto name = [&](std::string_view address) {
      if (address.empty()) return;
      auto key = address_prefix(day, address);
      kv::put_be64(key, r.message.value());
      if (const auto [at, is_new] = names.insert(std::move(key)); is_new) batch.put(Space::trace, kPartition, *at, "");
    };
    name(r.reverse_path);
    for (const auto& to : r.recipients) name(to);
    if (!days.insert(day).second) continue;
    const auto known = co_await store_.get(Space::trace, kPartition, day_key(day));
    if (!known || *known) continue;
    std::string id;
    kv::put_be64(id, r.message.value());
    batch.put(Space::trace, kPartition, day_key(day), id);
  }
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
    co_await sleep_for(std::chrono::seconds(1));
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
  for (const auto& row : rows.rows) {
    CO_TRY(auto record, decode(row.key, row.value));
    out.push_back(std::move(record));
  }
  co_return out;
}

Task<Result<std::vector<queue::EntryId>>> Trace::of_address(std::string address) {
  std::vector<queue::EntryId> out;
  const auto today = day_of(now());
  const auto days = static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::days>(kTraceAge.get()).count());
  for (std::uint32_t back = 0; back <= days && back <= today && out.size() < kMaxFound; ++back) {
    const auto from = address_prefix(today - back, address);
    auto to = from;
    to.back() = '\1';
    CO_TRY(const auto rows, co_await store_.scan({Space::trace, kPartition, from, to, kMaxFound - out.size(), kv::Direction::backward}));
    for (const auto& row : rows.rows) {
      const queue::EntryId id(kv::get_be64(std::string_view(row.key).substr(from.size())));
      if (std::ranges::find(out, id) == out.end()) out.push_back(id);
    }
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
  batch.erase_range(Space::trace, kPartition, std::string(1, kAddressRow), address_prefix(day, "").substr(0, 5));
  batch.erase_range(Space::trace, kPartition, day_key(0), day_key(day));
  co_return co_await store_.write_ahead(std::move(batch));
}

}  // namespace posthorn::delivery
