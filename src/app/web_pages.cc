#include "app/web_pages.h"

#include <utility>

#include "base/log.h"
#include "base/prometheus.h"

namespace posthorn::app {
namespace {

constexpr std::string_view kPlain = "text/plain; charset=utf-8";

http::Response page(unsigned status, std::string_view type, std::string body) {
  return {.status = status, .content_type = std::string(type), .location = {}, .body = std::move(body)};
}

template <class T>
std::function<std::int64_t()> of_queue(Storage& storage, T queue::Stats::*figure) {
  return [&storage, figure] { return static_cast<std::int64_t>(storage.queue().stats().*figure); };
}

template <class T>
std::function<std::int64_t()> of_kv(Storage& storage, T kv::Stats::*figure) {
  return [&storage, figure] { return static_cast<std::int64_t>(storage.kv().stats().*figure); };
}

}  // namespace

WebPages::WebPages(Storage& storage, std::string version)
    : entries_("queue.entries", "Messages in the queue.", of_queue(storage, &queue::Stats::entries)),
      groups_("queue.groups", "Groups of recipients in the queue that go the same way.", of_queue(storage, &queue::Stats::groups)),
      held_("queue.held", "Groups in the queue that are held.", of_queue(storage, &queue::Stats::held)),
      bytes_("queue.bytes", "Bytes of the messages in the queue.", of_queue(storage, &queue::Stats::bytes)),
      ready_("queue.ready", "Groups that are due and wait for an attempt.", of_queue(storage, &queue::Stats::ready)),
      taken_("queue.taken", "Groups that are being attempted.", of_queue(storage, &queue::Stats::taken)),
      destinations_("queue.destinations", "Destinations that have groups in memory.", of_queue(storage, &queue::Stats::destinations)),
      commits_("store.commits", "Commits to the store since the start.", of_kv(storage, &kv::Stats::commits), MetricKind::counter),
      syncs_("store.syncs", "Synced writes that carried them.", of_kv(storage, &kv::Stats::syncs), MetricKind::counter),
      service_([&storage, version = std::move(version)](http::Request request) { return answer(storage, version, std::move(request)); }) {}

Task<http::Response> WebPages::answer(Storage& storage, const std::string& version, http::Request request) {
  if (request.path == "/health") co_return co_await health(storage);
  if (request.path != "/metrics") co_return page(404, kPlain, "/metrics and /health are here\n");
  auto text = prometheus_info("build_info", "The version of this server.", "version", version);
  co_return page(200, kPrometheusType, text + prometheus_text(metric_samples()));
}

// A reactor runs, or nobody would answer; the store must be readable too.
Task<http::Response> WebPages::health(Storage& storage) {
  const auto row = co_await storage.kv().get(kv::Space::meta, 0, "format");
  if (row) co_return page(200, kPlain, "ok\n");
  log::error("app.unhealthy", {{"error", row.error()}});
  co_return page(503, kPlain, "the store cannot be read\n");
}

}  // namespace posthorn::app
