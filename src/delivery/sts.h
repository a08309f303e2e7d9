// The MTA-STS policies of domains: fetched, kept and refreshed. [RFC8461]
//
// On disk: docs/formats/outward.md.  Authorities: delivery.ca_file.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "async/mutex.h"
#include "async/reactor.h"
#include "async/task_group.h"
#include "auth/lru_map.h"
#include "base/clock.h"
#include "delivery/tls_policy.h"
#include "dns/resolver.h"
#include "kv/store.h"
#include "net/tls.h"

namespace posthorn::delivery {

// What is known of a domain.
struct KnownSts {
  std::optional<StsPolicy> policy;
  std::string id;                 // of `policy`
  SysTime fetched{}, used{};
  // In memory only.
  SteadyTime look_again{};        // until then it counts as it is
  std::string failed_id;          // the policy that could not be had
  SteadyTime failed_until{};
  std::string failure_type, failure;
};

// 1. A policy counts for its max_age, whatever becomes of record and web server meanwhile; only a new policy takes its place. [RFC8461 3.3, 5.1]
// 2. policy_of() ends within mta_sts.timeout, or twice that when another message asks about the same domain.  Who has none by then has none.
// 3. A web server that fails is left alone for mta_sts.retry.
// 4. At most kMaxUnderWay domains are being looked up, and one look-up for each; beyond that what is known counts.  Memory: kCache.
//
// Threads: any; start() and stop() by one.
class StsCache final : public StsPolicies {
 public:
  static constexpr std::size_t kMaxUnderWay = 200;
  static constexpr std::size_t kCache = 8 << 20;  // bytes
  struct Parts {
    kv::Store& store;
    dns::Resolver& resolver;
    std::function<std::shared_ptr<const net::TlsContext>()> tls;
  };

  explicit StsCache(Parts parts) : parts_(std::move(parts)) {}
  ~StsCache() override;  // REQUIRES: stop() has been awaited, when it was started

  // Once an hour: what has expired is forgotten, what is a day old, or past half of its life, is fetched anew if mail has gone there in the last month.
  void start(Reactor&);
  Task<> stop();

  Task<StsAnswer> policy_of(std::string domain, Deadline) override;
  // What start() does every hour.
  Task<Result<void>> refresh();

 private:
  struct Turn;
  class Entered;
  static Task<> run(StsCache& self);
  std::optional<StsAnswer> recall(const std::string& domain);
  void remember(const std::string& domain, const KnownSts& known);
  void keep(const std::string& domain, const KnownSts& known);
  Task<KnownSts> load(std::string domain);
  enum class Mode : std::uint8_t { when_new, anyway };
  Task<KnownSts> look(std::string domain, Mode mode, Deadline);
  Task<> fetch(const std::string& domain, std::string id, KnownSts& known, Deadline);
  Task<Result<StsPolicy>> download(const std::string& domain, std::string& failure_type, Deadline);

  const Parts parts_;
  std::mutex mutex_;
  auth::LruMap<KnownSts> known_{kCache};                           // guarded by mutex_
  std::unordered_map<std::string, std::shared_ptr<Turn>> turns_;   // guarded by mutex_
  TaskGroup tasks_;
  bool started_ = false;
  std::atomic<bool> stopping_{false};
};

}  // namespace posthorn::delivery
