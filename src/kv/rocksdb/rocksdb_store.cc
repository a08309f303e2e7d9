#include "kv/rocksdb/rocksdb_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/rate_limiter.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <thread>

#include "base/log.h"
#include "kv/key_codec.h"
#include "kv/partition_locks.h"

namespace posthorn::kv {
namespace {

constexpr std::size_t kScanBytes = 4 << 20;
constexpr std::size_t kFewKeys = 64;  // so many are looked up on the reactor, if they are in memory: about 100 us
constexpr std::size_t kEncodedOp = 32;  // what an operation needs beyond its key and value, at most
constexpr std::size_t kGroupBytes = 8 << 20;  // one synced write carries at most about this much
constexpr std::size_t kReadAhead = 128 << 10;  // small enough that its buffer is memory used again, not pages fresh from the kernel
constexpr std::uint64_t kWorthFlushing = 4 << 20;       // bytes that were written
constexpr auto kQuietStart = std::chrono::seconds(10);  // no table files are merged so long
constexpr auto kGatherTime = std::chrono::microseconds(300);
constexpr auto kPatience = std::chrono::milliseconds(3);  // of batches that can wait
constexpr std::size_t kCompany = 64;                      // so many of them are enough for a sync of their own

Error error_of(const rocksdb::Status& s) {
  Errc code = Errc::io;
  if (s.IsNoSpace()) code = Errc::no_space;
  if (s.IsCorruption()) code = Errc::corrupt;
  return {code, "storage: " + s.ToString()};
}

struct RocksSnapshot final : Snapshot {
  RocksSnapshot(rocksdb::DB* d) : db(d), snapshot(d->GetSnapshot()) {}
  ~RocksSnapshot() override { db->ReleaseSnapshot(snapshot); }
  rocksdb::DB* db;
  const rocksdb::Snapshot* snapshot;
};

rocksdb::ReadOptions read_options(const SnapshotPtr& s, rocksdb::ReadTier tier) {
  rocksdb::ReadOptions options;
  if (s) options.snapshot = static_cast<const RocksSnapshot&>(*s).snapshot;
  options.read_tier = tier;
  return options;
}

// A batch on its way; lives in the frame of the coroutine that waits for it, or is the committer's when nobody does.
struct Pending {
  Batch batch;
  bool durable;
  Result<void> result;
  Event done;
  bool is_awaited = true;
};

bool is_urgent(const Pending* p) { return p->is_awaited && !p->batch.waits(); }

bool stores_mail(const Batch& batch) {
  for (const auto& op : batch.ops())
    if (op.kind == Batch::Kind::put && op.space == Space::blob) return true;
  return false;
}

}  // namespace

struct RocksDbStore::Impl {
  std::string directory;
  WorkerPool& workers;
  std::unique_ptr<rocksdb::DB> db;
  rocksdb::ColumnFamilyHandle* rows = nullptr;   // everything small
  rocksdb::ColumnFamilyHandle* blobs = nullptr;  // Space::blob: values go to blob files
  std::shared_ptr<rocksdb::Cache> cache;
  PartitionLocks locks;

  std::mutex mutex;
  std::condition_variable wake;
  std::vector<Pending*> queue;  // in the order of the calls
  std::size_t wanted = 1;       // so many make the committer wake
  std::size_t urgent = 0;       // of the queue: those that cannot wait
  bool resting = false;         // the committer wakes for any of these
  bool stopping = false;
  std::thread committer;
  std::thread collector;
  std::condition_variable collect;

  std::atomic<std::uint64_t> commits{0}, syncs{0}, bytes{0}, garbage{0};
  bool failed = false;                             // the last write failed: resume first (committer only)
  bool full = false;                               // for want of room (committer only)
  std::chrono::steady_clock::time_point complained{};    // committer only
  std::chrono::steady_clock::time_point free_checked{};  // committer only
  std::uint64_t free_bytes = 0;

  explicit Impl(WorkerPool& w) : workers(w) {}

  rocksdb::ColumnFamilyHandle* family(Space space) const { return space == Space::blob ? blobs : rows; }

  void add(rocksdb::WriteBatch& out, const Batch::Op& op) const {
    auto* cf = family(op.space);
    std::string key = full_key(op.space, op.partition, op.key);
    switch (op.kind) {
      case Batch::Kind::put: out.Put(cf, key, op.value); break;
      case Batch::Kind::erase: out.Delete(cf, key); break;
      case Batch::Kind::erase_range:
        out.DeleteRange(cf, key,
                        op.value.empty() ? partition_end(op.space, op.partition)
                                         : full_key(op.space, op.partition, op.value));
        break;
    }
  }

  std::uint64_t free_space() {
    auto now = std::chrono::steady_clock::now();
    if (now - free_checked > std::chrono::milliseconds(50)) {
      struct statvfs s {};
      free_bytes = ::statvfs(directory.c_str(), &s) == 0 ? s.f_bavail * s.f_frsize : ~std::uint64_t{0};
      free_checked = now;
    }
    return free_bytes;
  }

  // New mail is refused well before the disk is full, so that what frees room (deleting is writing, too) still works.
  Result<void> admit(const Batch& batch) {
    const auto kept_free = static_cast<std::uint64_t>(kMinFreeSpace.get());
    const auto needed = stores_mail(batch) ? kept_free : kept_free / 4;
    if (free_space() < needed + batch.bytes()) return fail(Errc::no_space, "the disk of " + directory + " is nearly full");
    return {};
  }

  // A full disk mends itself; after another failed write of its log RocksDB refuses everything until the next start.
  void complain(const rocksdb::Status& status) {
    const auto now = std::chrono::steady_clock::now();
    if (failed && now - complained < std::chrono::seconds(10)) return;
    complained = now;
    log::error("storage.write_failed",
               {{"error", status.ToString()},
                {"directory", directory},
                {"advice", status.IsNoSpace() ? "make room: it goes on by itself" : "look at the disk, then restart the server"}});
  }

  // Room for all of it at once: growing would copy the mail again and again.
  static std::size_t encoded_size(const std::vector<Pending*>& group) {
    std::size_t size = 0;
    for (const Pending* p : group) size += p->batch.bytes() + p->batch.ops().size() * kEncodedOp;
    return size;
  }

  void write_group(std::vector<Pending*>& group) {
    rocksdb::WriteBatch out(encoded_size(group));
    bool sync = false;
    std::uint64_t durable = 0;
    std::vector<Pending*> admitted;
    for (Pending* p : group) {
      p->result = admit(p->batch);
      if (!p->result) continue;
      for (const auto& op : p->batch.ops()) add(out, op);
      sync |= p->durable;
      durable += p->durable;
      admitted.push_back(p);
    }
    if (admitted.empty()) return;
    rocksdb::Status status;
    if (failed) {
      status = db->Resume();
      // For want of room RocksDB goes on by itself, some seconds after there is enough again; until then nothing is written.
      if (status.IsBusy() && full) status = rocksdb::Status::NoSpace();
    }
    if (status.ok()) {
      rocksdb::WriteOptions options;
      options.sync = sync;
      status = db->Write(options, &out);
    }
    if (failed && status.ok()) log::info("storage.resumed", {});
    if (!status.ok()) complain(status);
    failed = !status.ok();
    full = status.IsNoSpace();
    if (status.ok()) {
      commits += durable;
      syncs += sync;
      bytes += out.GetDataSize();
    } else {
      for (Pending* p : admitted) p->result = std::unexpected(error_of(status));
    }
  }

  // Writers that were answered together come back together: waiting for them a moment, when there were several, makes one sync
  // of what would be many.  A single writer never waits.
  void gather(std::unique_lock<std::mutex>& hold, std::size_t writers) {
    if (writers < 2) return;
    wanted = writers - writers / 2;  // the slower ones make the next round
    wake.wait_for(hold, kGatherTime, [this] { return stopping || queue.size() >= wanted; });
    wanted = 1;
  }

  // What can wait is written with what cannot: one sync less.
  void wait_for_company(std::unique_lock<std::mutex>& hold) {
    if (urgent > 0) return;
    resting = true;
    wanted = kCompany;
    wake.wait_for(hold, kPatience, [this] { return stopping || urgent > 0 || queue.size() >= kCompany; });
    wanted = 1;
    resting = false;
  }

  // *p is gone after this.
  static void conclude(Pending* p) {
    if (p->is_awaited) {
      p->done.set();
      return;
    }
    const std::unique_ptr<Pending> owned(p);
    if (!owned->result) log::warning("storage.write_behind_failed", {{"error", owned->result.error()}});
  }

  void run_committer() {
    std::vector<Pending*> group;
    std::unique_lock hold(mutex);
    std::size_t writers = 0;  // of the last round: those answered, and those that were waiting then
    for (;;) {
      wake.wait(hold, [this] { return stopping || !queue.empty(); });
      if (queue.empty()) return;
      wait_for_company(hold);
      gather(hold, writers);
      group.clear();
      std::size_t size = 0, taken = 0;
      while (taken < queue.size() && size < kGroupBytes) size += queue[taken++]->batch.bytes();
      group.assign(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(taken));
      queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(taken));
      urgent = static_cast<std::size_t>(std::ranges::count_if(queue, is_urgent));
      hold.unlock();
      write_group(group);
      for (Pending* p : group) conclude(p);
      hold.lock();
      writers = group.size() + queue.size();
    }
  }

  // Gives the room of deleted mail back: blob files are only rewritten when a quarter of their bytes is garbage.
  void run_collector() {
    std::unique_lock hold(mutex);
    // After a start everybody comes back at once: they go first.
    collect.wait_for(hold, kQuietStart, [this] { return stopping; });
    if (stopping) return;
    hold.unlock();
    const auto enabled = db->EnableAutoCompaction({rows, blobs});
    if (!enabled.ok()) log::error("storage.no_compaction", {{"error", enabled.ToString()}, {"advice", "restart the server"}});
    hold.lock();
    while (!stopping) {
      collect.wait_for(hold, std::chrono::seconds(30));
      if (stopping) return;
      std::uint64_t total = 0;
      db->GetIntProperty(blobs, "rocksdb.total-blob-file-size", &total);
      if (garbage.load() < (64u << 20) || garbage.load() < total / 4) continue;
      garbage = 0;
      hold.unlock();
      rocksdb::CompactRangeOptions options;
      options.exclusive_manual_compaction = false;
      options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
      options.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
      options.blob_garbage_collection_age_cutoff = 1.0;
      auto status = db->CompactRange(options, blobs, nullptr, nullptr);
      std::uint64_t after = 0;
      db->GetIntProperty(blobs, "rocksdb.total-blob-file-size", &after);
      log::info("storage.collected", {{"before", total}, {"after", after}, {"status", status.ToString()}});
      hold.lock();
    }
  }

  Task<Result<void>> submit(Batch batch, bool durable) {
    Pending pending{std::move(batch), durable, {}, {}};
    push(&pending);
    co_await pending.done.wait();
    co_return std::move(pending.result);
  }

  void push(Pending* pending) {
    const bool hurries = is_urgent(pending);
    bool enough = false;
    {
      std::lock_guard hold(mutex);
      queue.push_back(pending);
      urgent += hurries;
      enough = queue.size() >= wanted || (resting && hurries);
    }
    if (enough) wake.notify_one();
  }

  Result<std::optional<std::string>> read(Space space, const std::string& key, const SnapshotPtr& at) const {
    std::string value;
    const auto status = db->Get(read_options(at, rocksdb::kReadAllTier), family(space), key, &value);
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return std::unexpected(error_of(status));
    return value;
  }

  // What is known without the disk.  An empty value may be one that is not known: RocksDB answers OK and nothing when the table file is
  // not open yet.
  Result<std::optional<std::string>> read_memory(Space space, const std::string& key, const SnapshotPtr& at, bool& incomplete) const {
    std::string value;
    const auto status = db->Get(read_options(at, rocksdb::kBlockCacheTier), family(space), key, &value);
    incomplete = status.IsIncomplete() || (status.ok() && value.empty());
    if (incomplete || status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return std::unexpected(error_of(status));
    return value;
  }

  // Neighbours are read with one iterator: stepping is cheaper than looking up, and values are not copied.
  Result<void> visit(Space space, const std::vector<Place>& places, const Visitor& visitor, const SnapshotPtr& at) const {
    std::vector<std::pair<std::string, std::size_t>> sorted;
    sorted.reserve(places.size());
    for (std::size_t i = 0; i < places.size(); ++i)
      sorted.emplace_back(full_key(space, places[i].partition, places[i].key), i);
    std::ranges::sort(sorted);
    auto options = read_options(at, rocksdb::kReadAllTier);
    options.verify_checksums = space != Space::blob;  // Debian's RocksDB has no CRC instruction: a quarter of the time
    options.fill_cache = space != Space::blob;        // whole mailboxes pass here, and would push out what is worth keeping
    std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(options, family(space)));
    unsigned strangers = 0;  // stepped onto in a row: a step reads the value, wanted or not
    for (const auto& [key, index] : sorted) {
      if (it->Valid() && it->key().compare(key) < 0 && (strangers < 2 || index % 16 == 0)) {
        it->Next();
        strangers = it->Valid() && it->key().compare(key) == 0 ? 0 : strangers + 1;
      }
      if (!it->Valid() || it->key().compare(key) < 0) it->Seek(key);
      if (!it->status().ok()) return std::unexpected(error_of(it->status()));
      const bool found = it->Valid() && it->key() == rocksdb::Slice(key);
      visitor(index, found ? std::optional(it->value().ToStringView()) : std::nullopt);
    }
    return {};
  }

  Result<void> visit_range(Space space, std::uint64_t partition, const std::string& first, const std::string& behind,
                           const RowVisitor& visitor, const SnapshotPtr& at) const {
    auto options = read_options(at, rocksdb::kReadAllTier);
    // The caller keeps what it wants: blocks that pass through the cache would only cost fresh memory there, and push others out.
    options.fill_cache = false;
    options.readahead_size = kReadAhead;
    const std::string to = behind.empty() ? partition_end(space, partition) : full_key(space, partition, behind);
    const rocksdb::Slice upper(to);
    options.iterate_upper_bound = &upper;
    std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(options, family(space)));
    for (it->Seek(full_key(space, partition, first)); it->Valid(); it->Next())
      TRY_OK(visitor(it->key().ToStringView().substr(kKeyPrefix), it->value().ToStringView()));
    if (!it->status().ok()) return std::unexpected(error_of(it->status()));
    return {};
  }

  Result<Rows> scan(const Range& range, const SnapshotPtr& at) const {
    Rows out;
    auto options = read_options(at, rocksdb::kReadAllTier);
    const std::string from = full_key(range.space, range.partition, range.from);
    const std::string to =
        range.to.empty() ? partition_end(range.space, range.partition) : full_key(range.space, range.partition, range.to);
    if (from >= to) return out;
    const rocksdb::Slice lower(from), upper(to);
    options.iterate_lower_bound = &lower;
    options.iterate_upper_bound = &upper;
    std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(options, family(range.space)));
    const bool forward = range.direction == Direction::forward;
    std::size_t size = 0;
    for (forward ? it->SeekToFirst() : it->SeekToLast(); it->Valid(); forward ? it->Next() : it->Prev()) {
      if (out.rows.size() == range.limit || size >= kScanBytes) {
        out.more = true;
        break;
      }
      auto key = it->key();
      key.remove_prefix(kKeyPrefix);
      out.rows.push_back({key.ToString(), it->value().ToString()});
      size += key.size() + it->value().size();
    }
    if (!it->status().ok()) return std::unexpected(error_of(it->status()));
    return out;
  }
};

namespace {

rocksdb::DBOptions db_options() {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.max_background_jobs = 2;
  // No recycle_log_file_num: RocksDB switches it off with point-in-time recovery, which is the one we need.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.max_total_wal_size = 512 << 20;
  options.bytes_per_sync = 1 << 20;
  options.keep_log_file_num = 4;
  options.max_log_file_size = 4 << 20;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.paranoid_checks = true;
  options.max_open_files = 1000;
  options.advise_random_on_open = false;  // mail is often read in the order it came: the kernel sees that, and reads ahead
  options.enable_pipelined_write = false;  // there is one writer: the committer
  options.allow_concurrent_memtable_write = false;
  return options;
}

rocksdb::ColumnFamilyOptions row_options(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  // Two buffers of each family: RocksDB wants room for all of them before it goes on after a full disk, and that must be less than
  // kMinFreeSpace.
  options.write_buffer_size = std::min<std::size_t>(32 << 20, static_cast<std::size_t>(kWriteBuffer.get()));
  options.max_write_buffer_number = 2;
  // Every delivery looks for message-ids that nobody has seen yet.
  options.memtable_prefix_bloom_size_ratio = 0.05;
  options.memtable_whole_key_filtering = true;
  // No memtable_insert_with_hint_prefix_extractor: with RocksDB 7.8 an assertion of its skip list fails then (inlineskiplist.h:977), when a
  // mailbox is deleted behind a move out of it.
  options.disable_auto_compactions = true;  // for a while: run_collector
  options.compression = rocksdb::kLZ4Compression;
  options.level_compaction_dynamic_level_bytes = true;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::ColumnFamilyOptions blob_options(const std::shared_ptr<rocksdb::Cache>& cache) {
  auto options = row_options(cache);
  options.write_buffer_size = static_cast<std::size_t>(kWriteBuffer.get());
  options.enable_blob_files = true;
  options.min_blob_size = 1024;
  options.blob_file_size = 256 << 20;
  options.blob_compression_type = rocksdb::kNoCompression;  // blob/ compresses chunks itself, before the log
  options.enable_blob_garbage_collection = false;           // in the foreground it copies live mail; see run_collector
  options.blob_cache = cache;  // what is read again soon (several devices, a page of a message after the other) is had without a worker
  return options;
}

}  // namespace

Result<std::unique_ptr<RocksDbStore>> RocksDbStore::open(const std::string& directory, WorkerPool& workers) {
  auto impl = std::make_unique<Impl>(workers);
  impl->directory = directory;
  impl->cache = rocksdb::NewLRUCache(static_cast<std::size_t>(kCacheSize.get()));
  std::vector<rocksdb::ColumnFamilyDescriptor> families{{rocksdb::kDefaultColumnFamilyName, row_options(impl->cache)},
                                                        {"blobs", blob_options(impl->cache)}};
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  auto status = rocksdb::DB::Open(db_options(), directory, families, &handles, &db);
  if (!status.ok()) return std::unexpected(error_of(status));
  impl->db.reset(db);
  impl->rows = handles[0];
  impl->blobs = handles[1];
  Impl& i = *impl;
  i.committer = std::thread([&i] { i.run_committer(); });
  i.collector = std::thread([&i] { i.run_collector(); });
  return std::unique_ptr<RocksDbStore>(new RocksDbStore(std::move(impl)));
}

RocksDbStore::RocksDbStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

RocksDbStore::~RocksDbStore() {
  {
    std::lock_guard hold(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_all();
  impl_->collect.notify_all();
  impl_->db->DisableManualCompaction();
  impl_->committer.join();
  impl_->collector.join();
  // The next start has little to read again from the log, and nothing to sort out while the first clients come.
  rocksdb::Status flushed;
  if (impl_->bytes > kWorthFlushing) flushed = impl_->db->Flush({}, {impl_->rows, impl_->blobs});
  if (!flushed.ok()) log::warning("storage.flush_failed", {{"error", flushed.ToString()}, {"advice", "nothing is lost: it is in the log"}});
  impl_->db->DestroyColumnFamilyHandle(impl_->rows);
  impl_->db->DestroyColumnFamilyHandle(impl_->blobs);
  auto status = impl_->db->Close();
  if (!status.ok()) log::error("storage.close_failed", {{"error", status.ToString()}});
}

SnapshotPtr RocksDbStore::snapshot() { return std::make_shared<RocksSnapshot>(impl_->db.get()); }

Task<Result<std::optional<std::string>>> RocksDbStore::get(Space space, std::uint64_t partition, std::string key,
                                                           SnapshotPtr at) {
  const std::string full = full_key(space, partition, key);
  bool incomplete = false;
  // What is in memory is answered at once; the rest may wait for the disk.
  auto value = impl_->read_memory(space, full, at, incomplete);
  if (!incomplete) co_return value;
  auto from_disk = [&] { return impl_->read(space, full, at); };
  co_return co_await impl_->workers.run(from_disk);
}

Task<Result<std::vector<std::optional<std::string>>>> RocksDbStore::multi_get(Space space, std::uint64_t partition,
                                                                              std::vector<std::string> keys,
                                                                              SnapshotPtr at) {
  using Values = std::vector<std::optional<std::string>>;
  Values values;
  values.reserve(keys.size());
  bool incomplete = keys.size() > kFewKeys;
  for (std::size_t i = 0; i < keys.size() && !incomplete; ++i) {
    CO_TRY(auto value, impl_->read_memory(space, full_key(space, partition, keys[i]), at, incomplete));
    values.push_back(std::move(value));
  }
  if (!incomplete) co_return values;
  auto from_disk = [&]() -> Result<Values> {
    values.clear();
    for (const auto& key : keys) {
      TRY(auto value, impl_->read(space, full_key(space, partition, key), at));
      values.push_back(std::move(value));
    }
    return std::move(values);
  };
  co_return co_await impl_->workers.run(from_disk);
}

Task<Result<void>> RocksDbStore::visit(Space space, std::vector<Place> places, Visitor visitor, SnapshotPtr at) {
  auto from_disk = [&] { return impl_->visit(space, places, visitor, at); };
  co_return co_await impl_->workers.run(from_disk);
}

Task<Result<Rows>> RocksDbStore::scan(Range range, SnapshotPtr at) {
  auto from_disk = [&] { return impl_->scan(range, at); };
  co_return co_await impl_->workers.run(from_disk);
}

Task<Result<void>> RocksDbStore::visit_range(Space space, std::uint64_t partition, std::string from, std::string to, RowVisitor visitor,
                                             SnapshotPtr at) {
  auto from_disk = [&] { return impl_->visit_range(space, partition, from, to, visitor, at); };
  co_return co_await impl_->workers.run(from_disk);
}

Task<Result<void>> RocksDbStore::commit(Batch batch) { return impl_->submit(std::move(batch), true); }
Task<Result<void>> RocksDbStore::write_ahead(Batch batch) { return impl_->submit(std::move(batch), false); }
void RocksDbStore::write_behind(Batch batch) {
  auto pending = std::make_unique<Pending>(std::move(batch), false);
  pending->is_awaited = false;
  impl_->push(pending.release());
}

Task<Result<AsyncMutex::Guard>> RocksDbStore::lock_partition(std::uint64_t partition) {
  co_return co_await impl_->locks.lock(partition);
}

Stats RocksDbStore::stats() const {
  Stats s;
  s.commits = impl_->commits;
  s.syncs = impl_->syncs;
  s.bytes_written = impl_->bytes;
  s.cache_bytes = impl_->cache->GetUsage();
  return s;
}

void RocksDbStore::note_garbage(std::uint64_t bytes) { impl_->garbage += bytes; }

}  // namespace posthorn::kv
