// Sending: the resolver, the engine and what they need, made in order and taken down in order.
#pragma once

#include <chrono>
#include <memory>

#include "app/storage.h"
#include "async/reactor.h"
#include "config/config.h"
#include "delivery/engine.h"
#include "delivery/forwarder.h"
#include "delivery/sts.h"
#include "delivery/tls_reports.h"
#include "delivery/trace.h"
#include "dns/unbound_resolver.h"
#include "net/tls.h"
#include "server/common/session_context.h"

namespace posthorn::app {

// Threads: one thread makes, starts and stops it, and that is no reactor.
class Outbound {
 public:
  // Reads files; sends nothing yet.
  static Result<std::unique_ptr<Outbound>> open(const config::Config&, Storage&, ReactorPool&);
  ~Outbound();

  // What sessions may use of it.
  void offer(server::Services&);
  // REQUIRES: the reactors run.
  void start();
  // Once, when no session runs any more.  Closes the queue.  Blocking.
  void stop(std::chrono::steady_clock::duration patience);

 private:
  Outbound(Storage& storage, ReactorPool& reactors, std::string srs_secret);
  static Task<> tell_of_dnssec(dns::Resolver& resolver);

  Storage& storage_;
  ReactorPool& reactors_;
  delivery::Forwarder forwarder_;
  delivery::Trace& trace_;
  delivery::Signatures signatures_;
  std::shared_ptr<const net::TlsContext> tls_;
  std::unique_ptr<dns::UnboundResolver> resolver_;
  std::unique_ptr<delivery::StsCache> sts_;
  std::unique_ptr<delivery::TlsReports> reports_;
  std::unique_ptr<delivery::Engine> engine_;
  TaskGroup at_start_;
};

}  // namespace posthorn::app
