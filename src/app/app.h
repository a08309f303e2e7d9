// The running server: every object, made in order and taken down in order.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "app/admin.h"
#include "app/control.h"
#include "app/outbound.h"
#include "app/sampler.h"
#include "app/server.h"
#include "app/storage.h"
#include "app/sts_pages.h"
#include "app/web_pages.h"
#include "async/reactor.h"
#include "config/config.h"
#include "net/tls.h"
#include "search/indexer.h"
#include "server/common/session_context.h"
#include "server/drop/drop_box.h"

namespace posthorn::app {

// Threads: one thread starts, reloads and stops it, and that is no reactor.
class App {
 public:
  // Opens the data directory, listens, and serves.  REQUIRES: config::apply(config) has been called.  Blocking.
  // When it returns, every listener accepts, and "app.ready" with their ports is in the log.
  static Result<std::unique_ptr<App>> start(config::Config config, std::string version);
  // Stops, when stop() was not called.
  ~App();
  App(const App&) = delete;

  // Takes over settings and certificate; running sessions go on.  What can only change at a start is logged.
  // On failure of the certificate the old one stays.
  Result<void> reload(const config::Config& config);

  // Accepts no more, lets transactions finish (app.drain_timeout), closes everything.  Answers false when sessions
  // would not end: then nothing can be taken down in order, and the process had better exit at once, which loses
  // nothing that was acknowledged.
  bool stop();

  const Server& server() const { return *server_; }
  Storage& storage() { return *storage_; }

 private:
  App(config::Config config, std::string version, std::unique_ptr<Storage> storage);
  Result<void> load_tls(const config::Config& config);
  void start_indexer();
  void start_drop_box();
  LiveStatus live_status() const;

  const config::Config config_;
  const std::string version_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  mutable std::mutex tls_mutex_;
  std::shared_ptr<const net::TlsContext> tls_;  // guarded by tls_mutex_
  std::unique_ptr<Storage> storage_;
  std::unique_ptr<search::Indexer> indexer_;
  server::Services services_;
  WebPages web_;
  StsPages sts_pages_;
  Sampler sampler_;
  Admin admin_;
  ReactorPool reactors_;
  std::unique_ptr<Outbound> outbound_;
  std::unique_ptr<drop::DropBox> drop_box_;  // none: its directory cannot be used
  std::unique_ptr<Server> server_;
  std::unique_ptr<ControlServer> control_;
  bool stopped_ = false;
};

}  // namespace posthorn::app
