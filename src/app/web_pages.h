// What the server tells by HTTP: /metrics for Prometheus, /health for who watches whether it lives.
#pragma once

#include <string>
#include <vector>

#include "app/storage.h"
#include "base/metrics.h"
#include "http/server.h"

namespace posthorn::app {

// Threads: any.
class WebPages {
 public:
  WebPages(Storage& storage, std::string version);
  WebPages(const WebPages&) = delete;

  http::Service& service() { return service_; }

 private:
  static Task<http::Response> answer(Storage& storage, const std::string& version, http::Request request);
  static Task<http::Response> health(Storage& storage);

  // Figures of the queue and the store, for `posthorn status` too.
  const MetricSource entries_, groups_, held_, bytes_, ready_, taken_, destinations_;
  const MetricSource commits_, syncs_;
  http::Service service_;
};

}  // namespace posthorn::app
