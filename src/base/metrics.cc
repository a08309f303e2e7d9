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
    std::string name;
    std::function<std::int64_t()> read;
  };
  std::map<std::uint64_t, Source> by_id;
};
Sources& sources() {
  static auto* const instance = new Sources;  // never destroyed: objects may end after main()
  return *instance;
}

}  // namespace

Metric::Metric(std::string_view name, std::string_view help) : name_(name), help_(help) {
  next_ = g_first.load();
  while (!g_first.compare_exchange_weak(next_, this)) {
  }
}

MetricSource::MetricSource(std::string name, std::function<std::int64_t()> read) {
  Sources& all = sources();
  const std::lock_guard lock(all.mutex);
  id_ = all.next_id++;
  all.by_id.emplace(id_, Sources::Source{std::move(name), std::move(read)});
}

MetricSource::~MetricSource() {
  Sources& all = sources();
  const std::lock_guard lock(all.mutex);
  all.by_id.erase(id_);
}

std::vector<std::pair<std::string, std::int64_t>> metrics_snapshot() {
  std::vector<std::pair<std::string, std::int64_t>> out;
  for (const Metric* m = g_first.load(); m; m = m->next_) out.emplace_back(m->name(), m->value());
  {
    Sources& all = sources();
    const std::lock_guard lock(all.mutex);
    for (const auto& [id, source] : all.by_id) out.emplace_back(source.name, source.read());
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace posthorn
