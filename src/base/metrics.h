// Counters and gauges, for `posthorn status` and for Prometheus (prometheus.h).  Declared in one line where they are counted:
//
//   inline Counter messages_stored{"store.messages_stored", "Messages committed since the start."};
//   messages_stored.add();
//
// Changing one is a relaxed atomic operation, from any thread, also during static initialisation and exit.
// Names and sentences must be literals.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace posthorn {

enum class MetricKind : std::uint8_t { counter, gauge };

// A metric with its value at a moment.
struct MetricSample {
  std::string name, help;
  MetricKind kind = MetricKind::gauge;
  std::int64_t value = 0;
};

class Metric {
 public:
  Metric(const Metric&) = delete;
  Metric& operator=(const Metric&) = delete;
  std::string_view name() const { return name_; }
  std::string_view help() const { return help_; }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 protected:
  Metric(MetricKind, std::string_view name, std::string_view help);  // registers; REQUIRES: static storage duration
  ~Metric() = default;
  // A line of its own, so that two busy counters do not slow each other down.
  alignas(64) std::atomic<std::int64_t> value_{0};

 private:
  friend std::vector<MetricSample> metric_samples();
  const MetricKind kind_;
  const std::string_view name_, help_;
  const Metric* next_ = nullptr;
};

class Counter final : public Metric {  // only rises
 public:
  Counter(std::string_view name, std::string_view help) : Metric(MetricKind::counter, name, help) {}
  void add(std::int64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
};

class Gauge final : public Metric {  // rises and falls
 public:
  Gauge(std::string_view name, std::string_view help) : Metric(MetricKind::gauge, name, help) {}
  void add(std::int64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  void sub(std::int64_t n = 1) { value_.fetch_sub(n, std::memory_order_relaxed); }
  void set(std::int64_t n) { value_.store(n, std::memory_order_relaxed); }
};

// Counts something for as long as it lives, e.g. a connection.  REQUIRES: the gauge outlives it.
class GaugeHold {
 public:
  explicit GaugeHold(Gauge& gauge) : gauge_(&gauge) { gauge.add(); }
  GaugeHold(GaugeHold&& other) noexcept : gauge_(std::exchange(other.gauge_, nullptr)) {}
  GaugeHold& operator=(GaugeHold&& other) noexcept {
    std::swap(gauge_, other.gauge_);
    return *this;
  }
  ~GaugeHold() {
    if (gauge_) gauge_->sub();
  }

 private:
  Gauge* gauge_;
};

// A figure that is asked for when a snapshot is taken (a cache's size), for as long as the object lives.
// `read` runs on the thread that takes the snapshot, under the registry's lock: quick, and no snapshot inside
// it.
class MetricSource {
 public:
  MetricSource(std::string name, std::string help, std::function<std::int64_t()> read, MetricKind = MetricKind::gauge);
  ~MetricSource();
  MetricSource(const MetricSource&) = delete;
  MetricSource& operator=(const MetricSource&) = delete;

 private:
  std::uint64_t id_;
};

// Every metric with its value now, ordered by name.
std::vector<MetricSample> metric_samples();
std::vector<std::pair<std::string, std::int64_t>> metrics_snapshot();

}  // namespace posthorn
