// TLS reports: sessions are counted by domain, and once a day told to those who want to know. [RFC8460]
//
// On disk: docs/formats/outward.md.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "async/reactor.h"
#include "async/task_group.h"
#include "base/clock.h"
#include "blob/blob.h"
#include "delivery/tls_report.h"
#include "delivery/tls_report_target.h"
#include "dns/resolver.h"
#include "http/client.h"
#include "kv/store.h"
#include "net/tls.h"
#include "queue/queue.h"

namespace posthorn::delivery {

// 1. What is counted is in the store within half a minute; a crash loses no more than that.
// 2. A report goes to every mailto and https URI that the domain publishes; who could not be reached gets it again, with the same Report-ID, for a day.
// 3. A report asks nothing of TLS (TLS-Required: No), and its own sessions are not counted. [RFC8460 3]
// 4. Memory: at most kMaxDomains domains between two writes; TlsCounts for each.
//
// Threads: add() any; start() and stop() by one; the rest on the reactor of start(), one at a time.
class TlsReports final : public TlsResults {
 public:
  static constexpr std::size_t kMaxDomains = 10'000;
  static constexpr std::size_t kAtOnce = 16;  // reports being sent
  struct Parts {
    kv::Store& store;
    dns::Resolver& resolver;
    queue::Queue& queue;
    blob::Blobs& blobs;
    std::function<std::shared_ptr<const net::TlsContext>()> tls;
    std::string hostname;
    std::function<std::string()> postmaster;  // mailbox of ours: reports come from it
  };

  explicit TlsReports(Parts parts);
  ~TlsReports() override;  // REQUIRES: stop() has been awaited, when it was started

  // Writes and sends what is due, again and again.
  void start(Reactor&);
  // Before the resolver and the queue end: what they refuse then says nothing about who is to get a report.
  void stop_sending();
  // Writes the rest.
  Task<> stop();

  void add(const TlsResult&) override;
  // What start() does.
  Task<Result<void>> flush();
  Task<Result<void>> send_due();

 private:
  using Key = std::pair<std::int64_t, std::string>;  // start of the period (seconds), domain
  struct Pending {
    std::int64_t end = 0;
    TlsCounts counts;
  };
  static Task<> run(TlsReports& self);
  Task<Result<void>> write(const std::map<Key, Pending>&);
  static Task<> send_one(TlsReports& self, kv::Row row);
  Task<bool> send_to_all(const TlsReportHead& head, TlsReportRow& row, std::vector<TlsReportTarget> targets);
  Task<Result<void>> send_mail(const TlsReportHead& head, const std::string& report, std::vector<std::string> to);
  Task<Result<void>> post(http::Url url, const std::string& report);
  TlsReportHead head_of(std::int64_t start, std::int64_t end, const std::string& domain) const;

  const Parts parts_;
  const std::int64_t lateness_;  // of reports behind their period, in thousandths of tls_reports.delay
  std::mutex mutex_;
  std::map<Key, Pending> pending_;     // guarded by mutex_
  std::set<http::Client*> clients_;    // on the reactor's thread
  Reactor* reactor_ = nullptr;
  TaskGroup tasks_;
  std::atomic<bool> stopping_{false};
};

}  // namespace posthorn::delivery
