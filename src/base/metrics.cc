#include "base/metrics.h"

#include <algorithm>
#include <map>
#include <mutex>

namespace posthorn {
namespace {

constinit std::atomic<const Metric*> g_first{nullptr};

struct Sources {
  std::mutex mutex;
  std::uint64_t next_id = 1;
  struct Source {
    std::string name, help;
    std::function<std::int64_t()> read;
    MetricKind kind;
  };
  std::map<std::uint64_t, Source> by_id;
};
Sources& sources() {
  static auto* const instance = new Sources;  // never destroyed: objects may end after main()
  return *instance;
}

}  // namespace

Metric::Metric(MetricKind kind, std::string_view name, std::string_view help) : kind_(kind), name_(name), help_(help) {
  next_ = g_first.load();
  while (!g_first.compare_exchange_weak(next_, this)) {
  }
}

MetricSource::MetricSource(std::string name, std::string help, std::function<std::int64_t()> read, MetricKind kind) {
  Sources& all = sources();
  const std::lock_guard lock(all.mutex);
  id_ = all.next_id++;
  all.by_id.emplace(id_, Sources::Source{std::move(name), std::move(help), std::move(read), kind});
}

MetricSource::~MetricSource() {
  Sources& all = sources();
  const std::lock_guard lock(all.mutex);
  all.by_id.erase(id_);
}

std::vector<MetricSample> metric_samples() {
  std::vector<MetricSample> out;
  for (const Metric* m = g_first.load(); m; m = m->next_) out.push_back({std::string(m->name_), std::string(m->help_), m->kind_, m->value()});
  {
    Sources& all = sources();
    const std::lock_guard lock(all.mutex);
    for (const auto& [id, source] : all.by_id) out.push_back({source.name, source.help, source.kind, source.read()});
  }
  std::ranges::sort(out, {}, &MetricSample::name);
  return out;
}

std::vector<std::pair<std::string, std::int64_t>> metrics_snapshot() {
  std::vector<std::pair<std::string, std::int64_t>> out;
  for (auto& sample : metric_samples()) out.emplace_back(std::move(sample.name), sample.value);
  return out;
}

}  // namespace posthorn
