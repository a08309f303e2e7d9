#include "kv/memory/memory_store.h"

#include <map>
#include <mutex>
#include <set>

#include "kv/key_codec.h"
#include "kv/partition_locks.h"

namespace posthorn::kv {
namespace {

constexpr std::size_t kScanBytes = 4 << 20;

// One value of a key, from `sequence` on; no value: erased.
struct Version {
  std::uint64_t sequence;
  std::optional<std::string> value;
};

}  // namespace

struct MemoryStore::State {
  mutable std::mutex mutex;
  std::map<std::string, std::vector<Version>> rows;
  std::uint64_t sequence = 0;  // of the newest batch
  std::uint64_t durable = 0;   // of the newest batch that a crash keeps
  std::multiset<std::uint64_t> snapshots;
  MemoryFaults faults;
  Stats stats;
  PartitionLocks locks;

  const std::optional<std::string>* find(const std::vector<Version>& versions, std::uint64_t at) const {
    for (auto v = versions.rbegin(); v != versions.rend(); ++v)
      if (v->sequence <= at) return &v->value;
    return nullptr;
  }

  void set(const std::string& key, std::optional<std::string> value) {
    auto& versions = rows[key];
    // Older versions are only needed by snapshots and by after_crash().
    if (snapshots.empty() && !versions.empty() && versions.back().sequence <= durable)
      versions.erase(versions.begin(), versions.end() - 1);
    versions.push_back({sequence, std::move(value)});
  }

  void apply(const Batch& batch) {
    ++sequence;
    for (const auto& op : batch.ops()) {
      std::string key = full_key(op.space, op.partition, op.key);
      switch (op.kind) {
        case Batch::Kind::put: set(key, op.value); break;
        case Batch::Kind::erase: set(key, std::nullopt); break;
        case Batch::Kind::erase_range: {
          std::string end = op.value.empty() ? partition_end(op.space, op.partition)
                                             : full_key(op.space, op.partition, op.value);
          std::vector<std::string> doomed;
          for (auto it = rows.lower_bound(key); it != rows.end() && it->first < end; ++it) doomed.push_back(it->first);
          for (const auto& k : doomed) set(k, std::nullopt);
          break;
        }
      }
    }
  }

  Result<void> write(const Batch& batch, bool is_durable) {
    MemoryFaults fault;
    {
      std::lock_guard hold(mutex);
      fault = faults;
    }
    if (fault.before_commit) TRY_OK(fault.before_commit(batch));
    {
      std::lock_guard hold(mutex);
      apply(batch);
      stats.bytes_written += batch.bytes();
      if (is_durable) {
        durable = sequence;
        ++stats.commits;
        ++stats.syncs;
      }
    }
    if (fault.after_commit) TRY_OK(fault.after_commit(batch));
    return {};
  }
};

namespace {

struct MemorySnapshot final : Snapshot {
  std::uint64_t sequence = 0;
  std::function<void()> release;
  ~MemorySnapshot() override { release(); }
};

std::uint64_t sequence_of(const SnapshotPtr& s) {
  return s ? static_cast<const MemorySnapshot&>(*s).sequence : ~std::uint64_t{0};
}

}  // namespace

MemoryStore::MemoryStore() : state_(std::make_shared<State>()) {}
MemoryStore::~MemoryStore() = default;

SnapshotPtr MemoryStore::snapshot() {
  auto s = std::make_shared<MemorySnapshot>();
  std::lock_guard hold(state_->mutex);
  s->sequence = state_->sequence;
  state_->snapshots.insert(s->sequence);
  s->release = [state = state_, sequence = s->sequence] {
    std::lock_guard inner(state->mutex);
    state->snapshots.erase(state->snapshots.find(sequence));
  };
  return s;
}

Task<Result<std::optional<std::string>>> MemoryStore::get(Space space, std::uint64_t partition, std::string key,
                                                          SnapshotPtr at) {
  std::lock_guard hold(state_->mutex);
  auto it = state_->rows.find(full_key(space, partition, key));
  if (it == state_->rows.end()) co_return std::nullopt;
  const auto* value = state_->find(it->second, sequence_of(at));
  if (!value) co_return std::nullopt;
  co_return *value;
}

Task<Result<std::vector<std::optional<std::string>>>> MemoryStore::multi_get(Space space, std::uint64_t partition,
                                                                             std::vector<std::string> keys,
                                                                             SnapshotPtr at) {
  std::vector<std::optional<std::string>> out;
  out.reserve(keys.size());
  for (auto& key : keys) {
    CO_TRY(auto value, co_await get(space, partition, std::move(key), at));
    out.push_back(std::move(value));
  }
  co_return out;
}

Task<Result<void>> MemoryStore::visit(Space space, std::vector<Place> places, Visitor visitor, SnapshotPtr at) {
  for (std::size_t i = 0; i < places.size(); ++i) {
    CO_TRY(auto value, co_await get(space, places[i].partition, std::move(places[i].key), at));
    visitor(i, value ? std::optional<std::string_view>(*value) : std::nullopt);
  }
  co_return Result<void>{};
}

Task<Result<Rows>> MemoryStore::scan(Range range, SnapshotPtr at) {
  std::lock_guard hold(state_->mutex);
  if (state_->faults.before_scan) CO_TRY_OK(state_->faults.before_scan(range));
  const auto& rows = state_->rows;
  auto begin = rows.lower_bound(full_key(range.space, range.partition, range.from));
  auto end = rows.lower_bound(range.to.empty() ? partition_end(range.space, range.partition)
                                               : full_key(range.space, range.partition, range.to));
  Rows out;
  std::size_t bytes = 0;
  auto take = [&](const auto& row) {  // false: enough
    const auto* value = state_->find(row.second, sequence_of(at));
    if (!value || !*value) return true;
    if (out.rows.size() == range.limit || bytes >= kScanBytes) {
      out.more = true;
      return false;
    }
    bytes += row.first.size() + (*value)->size();
    out.rows.push_back({row.first.substr(kKeyPrefix), **value});
    return true;
  };
  if (range.from < range.to || range.to.empty()) {
    if (range.direction == Direction::forward) {
      for (auto it = begin; it != end; ++it)
        if (!take(*it)) break;
    } else {
      for (auto it = end; it != begin;)
        if (!take(*--it)) break;
    }
  }
  co_return out;
}

Task<Result<void>> MemoryStore::visit_range(Space space, std::uint64_t partition, std::string from, std::string to, RowVisitor visitor,
                                            SnapshotPtr at) {
  if (!at) at = snapshot();
  Range range{space, partition, std::move(from), std::move(to)};
  for (bool more = true; more;) {
    CO_TRY(const auto rows, co_await scan(range, at));
    for (const auto& row : rows.rows) {
      CO_TRY_OK(visitor(row.key, row.value));
      range.from = row.key + '\0';
    }
    more = rows.more;
  }
  co_return Result<void>{};
}

Task<Result<void>> MemoryStore::commit(Batch batch) { co_return state_->write(batch, true); }
Task<Result<void>> MemoryStore::write_ahead(Batch batch) { co_return state_->write(batch, false); }
void MemoryStore::write_behind(Batch batch) { static_cast<void>(state_->write(batch, false)); }

Task<Result<AsyncMutex::Guard>> MemoryStore::lock_partition(std::uint64_t partition) {
  co_return co_await state_->locks.lock(partition);
}

Stats MemoryStore::stats() const {
  std::lock_guard hold(state_->mutex);
  return state_->stats;
}

void MemoryStore::set_faults(MemoryFaults faults) {
  std::lock_guard hold(state_->mutex);
  state_->faults = std::move(faults);
}

std::unique_ptr<MemoryStore> MemoryStore::after_crash() const {
  auto copy = std::make_unique<MemoryStore>();
  std::lock_guard hold(state_->mutex);
  for (const auto& [key, versions] : state_->rows) {
    const auto* value = state_->find(versions, state_->durable);
    if (value && *value) copy->state_->rows[key].push_back({0, **value});
  }
  return copy;
}

}  // namespace posthorn::kv
