// Everything that keeps data, opened together: for the server, and for commands while no server runs.
#pragma once

#include <chrono>
#include <memory>

#include "app/data_dir.h"
#include "async/worker_pool.h"
#include "auth/authenticator.h"
#include "auth/directory.h"
#include "blob/blob.h"
#include "config/config.h"
#include "delivery/pace.h"
#include "delivery/router.h"
#include "delivery/trace.h"
#include "kv/store.h"
#include "queue/queue.h"
#include "store/mail_store.h"

namespace posthorn::app {

// Threads: what it holds may be used from any.
class Storage {
 public:
  // Takes the lock of the data directory, opens what is in it, and removes what a crash left of accounts half made or half
  // removed.  Blocking; not on a reactor.  REQUIRES: the settings of `config` are in effect.
  // busy: another process has the directory (after `patience`).
  static Result<std::unique_ptr<Storage>> open(const config::Config& config, std::chrono::milliseconds patience);
  // Waits for background work.  Blocking; not on a reactor.  REQUIRES: nobody uses it any more.
  ~Storage();
  Storage(const Storage&) = delete;

  kv::Store& kv() { return *kv_; }
  blob::Blobs& blobs() { return blobs_; }
  store::MailStore& store() { return store_; }
  auth::Directory& directory() { return directory_; }
  auth::Authenticator& authenticator() { return authenticator_; }
  WorkerPool& hashers() { return hashers_; }
  delivery::Router& router() { return router_; }
  delivery::Paces& paces() { return paces_; }
  queue::Queue& queue() { return queue_; }
  delivery::Trace& trace() { return trace_; }

 private:
  Storage(DataDirLock lock, std::unique_ptr<WorkerPool> workers, std::unique_ptr<kv::Store> kv);
  queue::Queue::Options queue_options();
  Task<Result<void>> open_all();
  Task<Result<void>> remove_leftovers();

  DataDirLock lock_;
  std::unique_ptr<WorkerPool> workers_;  // for the disk
  WorkerPool hashers_;                   // for passwords: a wave of sign-ins must not stop reading
  std::unique_ptr<kv::Store> kv_;
  blob::Blobs blobs_;
  store::MailStore store_;
  auth::Directory directory_;
  auth::Authenticator authenticator_;
  delivery::Router router_;
  delivery::Paces paces_;
  delivery::Trace trace_;
  queue::Queue queue_;
};

// threads.reactors, threads.workers with their defaults filled in.
std::size_t reactor_count();
std::size_t worker_count();

}  // namespace posthorn::app
