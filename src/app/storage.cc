#include "app/storage.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "app/settings.h"
#include "async/reactor.h"
#include "base/log.h"
#include "config/core_settings.h"
#include "kv/memory/memory_store.h"
#include "kv/rocksdb/rocksdb_store.h"

namespace posthorn::app {
namespace {

std::size_t processors() { return std::max<std::size_t>(1, std::thread::hardware_concurrency()); }

Result<std::unique_ptr<kv::Store>> open_kv(const config::Config& config, WorkerPool& workers) {
  switch (config::kStorageBackend.get()) {
    case config::StorageBackend::memory:
      return std::make_unique<kv::MemoryStore>();
    case config::StorageBackend::rocksdb:
      break;
  }
  TRY(auto opened, kv::RocksDbStore::open(store_path(config.data_dir), workers));
  return opened;
}

store::MailStore::Options store_options() {
  store::MailStore::Options options;
  options.view_cache_bytes = static_cast<std::size_t>(kViewCache.get());
  options.max_accounts_cached = static_cast<std::size_t>(kAccountCache.get());
  options.max_mailboxes = static_cast<std::size_t>(kMaxMailboxes.get());
  return options;
}

}  // namespace

std::size_t reactor_count() {
  const auto wanted = static_cast<std::size_t>(config::kReactors.get());
  return wanted > 0 ? wanted : processors();
}

// They wait for the disk more than they compute.
std::size_t worker_count() {
  const auto wanted = static_cast<std::size_t>(config::kWorkers.get());
  return wanted > 0 ? wanted : std::clamp<std::size_t>(2 * processors(), 4, 64);
}

Storage::Storage(DataDirLock lock, std::unique_ptr<WorkerPool> workers, std::unique_ptr<kv::Store> kv)
    : lock_(std::move(lock)),
      workers_(std::move(workers)),
      hashers_(processors()),
      kv_(std::move(kv)),
      blobs_(*kv_),
      store_(*kv_, blobs_, *workers_, store_options()),
      directory_(*kv_),
      authenticator_(directory_, hashers_),
      router_([this](std::string_view domain) { return directory_.is_local_domain(domain); }),
      trace_(*kv_),
      queue_(*kv_, blobs_, queue_options()) {
  blobs_.keep_recent(static_cast<std::size_t>(kRecentMail.get()));
}

Storage::~Storage() {
  run_task(trace_.flush());  // of commands; a server has done so
  queue_.close();
  store_.close();
}

queue::Queue::Options Storage::queue_options() {
  queue::Queue::Options options;
  options.destination = [this](const queue::Entry& entry, const queue::Recipient& recipient) { return router_.way(entry, recipient).key(); };
  options.limits = [this](const std::string& destination) { return paces_.limits(destination); };
  return options;
}

Result<std::unique_ptr<Storage>> Storage::open(const config::Config& config, std::chrono::milliseconds patience) {
  TRY(auto lock, DataDirLock::take(config.data_dir, patience));
  auto workers = std::make_unique<WorkerPool>(worker_count());
  TRY(auto kv, open_kv(config, *workers));
  std::unique_ptr<Storage> storage(new Storage(std::move(lock), std::move(workers), std::move(kv)));
  storage->router_.set_relays(config.relays);
  TRY_OK(run_task(storage->open_all()));
  return storage;
}

Task<Result<void>> Storage::open_all() {
  CO_TRY_OK(co_await store_.open());  // first: data of another version are not touched
  CO_TRY_OK(co_await blobs_.open());
  CO_TRY_OK(co_await directory_.open());
  CO_TRY_OK(co_await queue_.open());
  co_return co_await remove_leftovers();
}

Task<Result<void>> Storage::remove_leftovers() {
  CO_TRY(const auto ids, co_await directory_.pending_ids());
  if (ids.empty()) co_return Result<void>{};
  for (const auto id : ids) {
    const auto removed = co_await store_.remove_account(id);
    if (!removed && removed.error().code != Errc::not_found) co_return std::unexpected(removed.error());
  }
  log::info("app.leftovers_removed", {{"accounts", ids.size()}});
  co_return co_await directory_.settle(ids);
}

}  // namespace posthorn::app
