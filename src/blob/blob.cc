#include "blob/blob.h"

#include <chrono>

#include "base/log.h"
#include "blob/chunk.h"
#include "kv/key_codec.h"

namespace posthorn::blob {
namespace {

using kv::Space;

constexpr std::uint64_t kShards = 16;
constexpr std::string_view kReservation = "blob_ids_reserved";
// Ids are microseconds since 1970, made unique by counting on.  Reserved ahead in steps of an hour.
constexpr std::uint64_t kReserveStep = 3'600'000'000;

std::uint64_t shard_of(Id id) { return id.value() % kShards; }

std::string id_key(Id id) {
  std::string key;
  kv::put_be64(key, id.value());
  return key;
}
std::string chunk_key(Id id, std::uint32_t number) {
  std::string key = id_key(id);
  kv::put_be32(key, number);
  return key;
}
std::string link_key(Id id, AccountId account) {
  std::string key = id_key(id);
  kv::put_be64(key, account.value());
  return key;
}
std::string next_key(Id id) { return id_key(Id(id.value() + 1)); }

void erase_chunks(kv::Batch& batch, Blobs::Unlinked blob) {
  const std::uint64_t chunks = std::max<std::uint64_t>(1, (blob.size + kChunkSize - 1) / kChunkSize);
  for (std::uint64_t i = 0; i < chunks; ++i)
    batch.erase(Space::blob, shard_of(blob.id), chunk_key(blob.id, static_cast<std::uint32_t>(i)));
}

std::uint64_t now_microseconds() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(duration_cast<microseconds>(system_clock::now().time_since_epoch()).count());
}

}  // namespace

Draft::Draft(Draft&& other) noexcept
    : blobs_(std::exchange(other.blobs_, nullptr)),
      id_(other.id_),
      packing_(other.packing_),
      size_(other.size_),
      chunks_(other.chunks_),
      complete_(other.complete_),
      pending_(std::move(other.pending_)) {}

Draft::~Draft() {
  if (blobs_ && chunks_ > 0 && blobs_->on_abandoned_) blobs_->on_abandoned_({id_, size_});
}

Task<Result<void>> Draft::write(std::string_view bytes) {
  size_ += bytes.size();
  while (!bytes.empty()) {
    const std::size_t piece = std::min(bytes.size(), kChunkSize - pending_.size());
    pending_.append(bytes.substr(0, piece));
    bytes.remove_prefix(piece);
    if (bytes.empty()) break;  // a full chunk waits: it may turn out to be the last one
    std::string rest(bytes);   // the caller's bytes are valid until our first wait only
    std::string full = std::exchange(pending_, {});
    CO_TRY_OK(co_await blobs_->write_ahead_chunk(id_, chunks_++, std::move(full), packing_));
    while (rest.size() > kChunkSize) {
      CO_TRY_OK(co_await blobs_->write_ahead_chunk(id_, chunks_++, rest.substr(0, kChunkSize), packing_));
      rest.erase(0, kChunkSize);
    }
    pending_ = std::move(rest);
    break;
  }
  co_return Result<void>{};
}

Task<Result<void>> Draft::write_ahead() {
  if (std::exchange(complete_, true)) co_return Result<void>{};
  co_return co_await blobs_->write_ahead_chunk(id_, chunks_++, std::exchange(pending_, {}), packing_, true);
}

Sealed Draft::seal() && {
  Sealed sealed{id_, size_, {}, chunks_ > 0};
  if (!complete_) {
    std::string key = chunk_key(id_, chunks_);
    std::string chunk = encode_chunk(key, pending_, true, packing_);
    sealed.batch.put(Space::blob, shard_of(id_), std::move(key), std::move(chunk));
  }
  if (chunks_ > 0) sealed.batch.erase(Space::blob_open, shard_of(id_), id_key(id_));
  else blobs_->recent_.put(id_, std::move(pending_));
  std::exchange(blobs_, nullptr)->renew_reservation(sealed.batch);
  pending_ = {};
  return sealed;
}

Task<Result<void>> Blobs::open() {
  CO_TRY(auto stored, co_await store_.get(Space::meta, 0, std::string(kReservation)));
  if (stored && stored->size() != 8) co_return fail(Errc::corrupt, "meta: blob_ids_reserved is damaged");
  // Ids of an earlier run end below its reservation, also when the clock was set back since.
  CO_TRY(auto newest, co_await newest_stored_id());
  last_id_ = std::max({now_microseconds(), newest, stored ? kv::get_be64(*stored) : 0});
  kv::Batch batch;
  renew_reservation(batch);
  CO_TRY_OK(co_await store_.commit(std::move(batch)));
  for (std::uint64_t shard = 0; shard < kShards; ++shard) CO_TRY_OK(co_await sweep_shard(shard));
  co_return Result<void>{};
}

// Blobs that were being written ahead, or were about to be removed, when the process ended.
Task<Result<void>> Blobs::sweep_shard(std::uint64_t shard) {
  for (;;) {
    CO_TRY(auto open, co_await store_.scan({Space::blob_open, shard, "", "", 100}));
    if (open.rows.empty()) co_return Result<void>{};
    kv::Batch batch;
    for (const auto& row : open.rows) {
      if (row.key.size() != 8) co_return fail(Errc::corrupt, "blob_open: damaged key");
      const Id id(kv::get_be64(row.key));
      CO_TRY(auto links, co_await store_.scan({Space::blob_link, shard, id_key(id), next_key(id), 1}));
      if (links.rows.empty()) batch.erase_range(Space::blob, shard, id_key(id), next_key(id));
      batch.erase(Space::blob_open, shard, row.key);
    }
    log::info("blob.swept", {{"count", open.rows.size()}});
    CO_TRY_OK(co_await store_.commit(std::move(batch)));
  }
}

Id Blobs::next_id() {
  std::lock_guard hold(mutex_);
  last_id_ = std::max(last_id_ + 1, now_microseconds());
  return Id(last_id_);
}

void Blobs::renew_reservation(kv::Batch& batch) {
  std::lock_guard hold(mutex_);
  if (last_id_ + kReserveStep < reserved_until_) return;
  reserved_until_ = last_id_ + 2 * kReserveStep;
  std::string value;
  kv::put_be64(value, reserved_until_);
  batch.put(Space::meta, 0, std::string(kReservation), std::move(value));
}

Task<Result<std::uint64_t>> Blobs::newest_stored_id() {
  std::uint64_t newest = 0;
  for (std::uint64_t shard = 0; shard < kShards; ++shard) {
    CO_TRY(auto last, co_await store_.scan({Space::blob_link, shard, "", "", 1, kv::Direction::backward}));
    if (!last.rows.empty() && last.rows[0].key.size() == 16) newest = std::max(newest, kv::get_be64(last.rows[0].key));
  }
  co_return newest;
}

Draft Blobs::begin(Packing packing) { return Draft(*this, next_id(), packing); }

Task<Result<void>> Blobs::write_ahead_chunk(Id id, std::uint32_t number, std::string bytes, Packing packing, bool last) {
  kv::Batch batch;
  if (number == 0) batch.put(Space::blob_open, shard_of(id), id_key(id), "");
  std::string key = chunk_key(id, number);
  std::string chunk = encode_chunk(key, bytes, last, packing);
  batch.put(Space::blob, shard_of(id), std::move(key), std::move(chunk));
  co_return co_await store_.write_ahead(std::move(batch));
}

void Blobs::put_link(kv::Batch& batch, Id id, AccountId account) {
  batch.put(Space::blob_link, shard_of(id), link_key(id, account), "");
}

void Blobs::erase_link(kv::Batch& batch, Id id, AccountId account) {
  batch.erase(Space::blob_link, shard_of(id), link_key(id, account));
}

void Blobs::put_doomed(kv::Batch& batch, Id id) { batch.put(Space::blob_open, shard_of(id), id_key(id), ""); }

void Blobs::put_removal(kv::Batch& batch, Unlinked blob, AccountId account) {
  erase_link(batch, blob.id, account);
  erase_chunks(batch, blob);
}

void Blobs::removed(Unlinked blob) {
  recent_.erase(blob.id);
  store_.note_garbage(blob.size);
}

Task<Result<void>> Blobs::remove_one(Unlinked blob) {
  const std::uint64_t shard = shard_of(blob.id);
  const kv::Range links_of{Space::blob_link, shard, id_key(blob.id), next_key(blob.id), 1};
  CO_TRY(auto links, co_await store_.scan(links_of));
  kv::Batch batch;
  // Another account has it.  The mark stays until the next start: it may be that account's, too, by now.
  if (!links.rows.empty()) co_return Result<void>{};
  erase_chunks(batch, blob);
  batch.erase(Space::blob_open, shard, id_key(blob.id));
  CO_TRY_OK(co_await store_.write_ahead(std::move(batch)));
  removed(blob);
  co_return Result<void>{};
}

Task<Result<void>> Blobs::remove_unlinked(std::vector<Unlinked> blobs) {
  for (const Unlinked& blob : blobs) CO_TRY_OK(co_await remove_one(blob));
  co_return Result<void>{};
}

Task<Result<std::string>> Blobs::read(Id id, std::uint64_t offset, std::uint64_t length, kv::SnapshotPtr at) {
  if (const auto recent = recent_.find(id)) co_return offset < recent->size() ? recent->substr(offset, length) : std::string();
  const auto number = static_cast<std::uint32_t>(offset / kChunkSize);
  const std::string key = chunk_key(id, number);
  CO_TRY(auto stored, co_await store_.get(Space::blob, shard_of(id), key, at));
  if (!stored) {
    if (number == 0) co_return fail(Errc::not_found, "no blob " + std::to_string(id.value()));
    co_return std::string();  // behind the end
  }
  CO_TRY(auto chunk, decode_chunk(key, *stored));
  const std::uint64_t start = offset % kChunkSize;
  if (start >= chunk.bytes.size()) co_return std::string();
  if (start == 0 && length >= chunk.bytes.size()) co_return std::move(chunk.bytes);
  co_return chunk.bytes.substr(start, length);
}

Task<Result<Wholes>> Blobs::read_whole(std::vector<Id> ids, std::uint64_t bytes, kv::SnapshotPtr at) {
  std::vector<kv::Place> places;
  places.reserve(ids.size());
  for (const Id id : ids) places.push_back({shard_of(id), chunk_key(id, 0)});
  Wholes out;
  out.places_.resize(ids.size());
  auto& all = *(out.bytes_ = std::make_unique<std::string>());
  all.reserve(bytes);
  auto decode = [&](std::size_t index, std::optional<std::string_view> stored) {
    if (!stored) return;
    const std::size_t before = all.size();
    const auto head = append_chunk(all, chunk_key(ids[index], 0), *stored);
    if (!head) return;
    // Nothing else has verified what is visited: an older chunk is for read().
    if (head->last && head->knows_key)
      out.places_[index] = {.offset = before, .length = static_cast<std::uint32_t>(all.size() - before), .found = true};
    else all.resize(before);
  };
  CO_TRY_OK(co_await store_.visit(Space::blob, std::move(places), decode, at));
  co_return out;
}

Task<Result<void>> Blobs::check_shard(std::uint64_t shard, kv::SnapshotPtr at, Report& report) {
  auto complain = [&](Id id, std::string text) {
    if (report.problems.size() < 1000) report.problems.push_back({id, std::move(text)});
  };
  std::string from;
  Id current{0};
  std::uint32_t expected = 0;
  bool ended = true, coming_in = false;
  for (bool more = true; more;) {
    CO_TRY(auto rows, co_await store_.scan({Space::blob, shard, from, "", 64}, at));
    for (const auto& row : rows.rows) {
      from = row.key + '\0';
      if (row.key.size() != 12) {
        complain(Id(0), "blob: damaged key");
        continue;
      }
      const Id id(kv::get_be64(row.key));
      if (id != current) {
        if (!ended && !coming_in) complain(current, "blob has no last chunk");
        current = id;
        expected = 0;
        ++report.blobs;
        CO_TRY(auto links, co_await store_.scan({Space::blob_link, shard, id_key(id), next_key(id), 1}, at));
        CO_TRY(auto open, co_await store_.get(Space::blob_open, shard, id_key(id), at));
        coming_in = open.has_value();
        if (links.rows.empty() && !open) complain(id, "blob has no link: nothing refers to its bytes");
      }
      if (kv::get_be32(std::string_view(row.key).substr(8)) != expected++) complain(id, "blob lacks a chunk");
      auto chunk = decode_chunk(row.key, row.value);
      ended = chunk ? chunk->last : true;
      if (!chunk) complain(id, chunk.error().text);
    }
    more = rows.more;
  }
  if (!ended && !coming_in) complain(current, "blob has no last chunk");
  co_return Result<void>{};
}

Task<Result<void>> Blobs::check_links(std::uint64_t shard, kv::SnapshotPtr at, Report& report) {
  kv::Range range{Space::blob_link, shard, "", ""};
  for (bool more = true; more;) {
    CO_TRY(auto rows, co_await store_.scan(range, at));
    for (const auto& row : rows.rows) {
      range.from = row.key + '\0';
      if (row.key.size() != 16) {
        report.problems.push_back({Id(0), "blob link: damaged key"});
        continue;
      }
      report.links.emplace_back(Id(kv::get_be64(row.key)), AccountId(kv::get_be64(std::string_view(row.key).substr(8))));
    }
    more = rows.more;
  }
  co_return Result<void>{};
}

Task<Result<Blobs::Report>> Blobs::check(kv::SnapshotPtr at) {
  Report report;
  for (std::uint64_t shard = 0; shard < kShards; ++shard) {
    CO_TRY_OK(co_await check_shard(shard, at, report));
    CO_TRY_OK(co_await check_links(shard, at, report));
  }
  co_return report;
}

}  // namespace posthorn::blob
