#include "delivery/sts.h"

#include <algorithm>
#include <utility>

#include "async/pause.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/row_codec.h"
#include "delivery/outward_rows.h"
#include "delivery/outward_settings.h"
#include "delivery/web_route.h"
#include "http/client.h"
#include "text/ascii.h"

namespace posthorn::delivery {
namespace {

using namespace std::chrono_literals;

inline Counter policies_fetched{"mta_sts.fetched", "MTA-STS policies fetched since the start."};
inline Counter fetches_failed{"mta_sts.failed", "MTA-STS policies that could not be fetched or read since the start."};
inline Counter too_many{"mta_sts.overload", "Look-ups of MTA-STS policies that were left out because too many were under way."};

constexpr auto kFreshest = 1min, kOldest = 60min;  // how long an answer of the DNS counts
constexpr auto kRefreshAge = 24h;
constexpr auto kForgotten = 30 * 24h;
constexpr std::size_t kPage = 100;

SysTime expiry(const KnownSts& k) { return k.fetched + k.policy->max_age; }

// [RFC8461 3.2] Guards against servers where anybody may store something.
bool is_plain_text(std::string_view type) {
  const auto n = std::min(type.find(';'), type.size());
  return text::iequals(text::trim(type.substr(0, n)), "text/plain");
}

std::string encode(const KnownSts& k) {
  std::string out;
  put_varint(out, 1);
  put_string(out, k.id);
  put_signed(out, k.fetched.time_since_epoch().count());
  put_signed(out, k.used.time_since_epoch().count());
  put_varint(out, static_cast<std::uint64_t>(k.policy->mode));
  put_varint(out, static_cast<std::uint64_t>(k.policy->max_age.count()));
  put_varint(out, k.policy->mx.size());
  for (const auto& pattern : k.policy->mx) put_string(out, pattern);
  return out;
}

std::optional<KnownSts> decode(std::string_view row) {
  RowReader in(row);
  if (in.varint() != 1) return {};
  KnownSts k;
  k.id = in.string();
  k.fetched = SysTime(std::chrono::milliseconds(in.signed_varint()));
  k.used = SysTime(std::chrono::milliseconds(in.signed_varint()));
  StsPolicy policy;
  const auto mode = in.varint();
  if (mode > static_cast<std::uint64_t>(StsPolicy::Mode::none)) return {};
  policy.mode = static_cast<StsPolicy::Mode>(mode);
  policy.max_age = std::chrono::seconds(in.varint32());
  for (auto n = in.varint(); in.ok() && n > 0; --n) policy.mx.emplace_back(in.string());
  if (!in.at_end()) return {};
  k.policy = std::move(policy);
  return k;
}

StsAnswer answer_of(const std::string& domain, const KnownSts& k) {
  StsAnswer out{.policy = k.policy, .failure_type = k.failure_type, .note = {}};
  if (out.policy && expiry(k) <= now()) out.policy.reset();
  if (!k.failure.empty()) out.note = "MTA-STS of " + domain + ": " + k.failure + (out.policy ? "; the policy known before counts" : "");
  return out;
}

}  // namespace

// One look-up of a domain at a time.
struct StsCache::Turn {
  AsyncMutex mutex;
  std::size_t users = 0;  // guarded by StsCache::mutex_
};

class StsCache::Entered {
 public:
  // No turn: too many are under way.
  Entered(StsCache& cache, const std::string& domain) : cache_(cache), domain_(domain) {
    const std::lock_guard hold(cache_.mutex_);
    const auto found = cache_.turns_.find(domain_);
    if (found != cache_.turns_.end()) turn_ = found->second;
    else if (cache_.turns_.size() < kMaxUnderWay) turn_ = cache_.turns_.emplace(domain_, std::make_shared<Turn>()).first->second;
    if (turn_) ++turn_->users;
  }
  ~Entered() {
    if (!turn_) return;
    const std::lock_guard hold(cache_.mutex_);
    if (--turn_->users == 0) cache_.turns_.erase(domain_);
  }
  Entered(const Entered&) = delete;
  Turn* turn() const { return turn_.get(); }

 private:
  StsCache& cache_;
  const std::string domain_;
  std::shared_ptr<Turn> turn_;
};

StsCache::~StsCache() { CHECK(!started_ || stopping_); }

std::optional<StsAnswer> StsCache::recall(const std::string& domain) {
  const std::lock_guard hold(mutex_);
  const auto* known = known_.find(domain);
  if (!known || known->look_again <= steady_now()) return {};
  return answer_of(domain, *known);
}

void StsCache::remember(const std::string& domain, const KnownSts& known) {
  std::size_t cost = sizeof(KnownSts) + 200 + domain.size() + known.failure.size();
  if (known.policy)
    for (const auto& pattern : known.policy->mx) cost += sizeof(std::string) + pattern.size();
  const std::lock_guard hold(mutex_);
  known_.put(domain, known, cost);
}

void StsCache::keep(const std::string& domain, const KnownSts& known) {
  kv::Batch batch;
  batch.put(kOutwardSpace, kOutwardPartition, sts_key(domain), encode(known));
  parts_.store.write_behind(std::move(batch));
}

Task<KnownSts> StsCache::load(std::string domain) {
  {
    const std::lock_guard hold(mutex_);
    if (const auto* known = known_.find(domain)) co_return *known;
  }
  const auto row = co_await parts_.store.get(kOutwardSpace, kOutwardPartition, sts_key(domain));
  if (!row) log::warning("mta_sts.unreadable", {{"domain", domain}, {"error", row.error()}});
  if (!row || !*row) co_return KnownSts{};
  co_return decode(**row).value_or(KnownSts{});
}

Task<StsAnswer> StsCache::policy_of(std::string domain, Deadline deadline) {
  if (!kSts.get()) co_return StsAnswer{};
  if (auto known = recall(domain)) co_return *std::move(known);
  const Entered entered(*this, domain);
  if (!entered.turn()) {
    too_many.add();
    const auto known = co_await load(domain);
    co_return answer_of(domain, known);
  }
  const auto turn = co_await entered.turn()->mutex.lock();
  if (auto known = recall(domain)) co_return *std::move(known);
  const auto until = std::min(deadline, after(kStsTimeout.get()));
  const auto known = co_await look(domain, Mode::when_new, until);
  co_return answer_of(domain, known);
}

// REQUIRES: it is the turn of this domain.
Task<KnownSts> StsCache::look(std::string domain, Mode mode, Deadline deadline) {
  auto known = co_await load(domain);
  if (known.policy && expiry(known) <= now()) known.policy.reset();
  known.failure.clear();
  known.failure_type.clear();
  known.look_again = steady_now() + kFreshest;
  const auto name = dns::Name::parse("_mta-sts." + domain);
  if (!name) co_return known;
  const auto txt = co_await parts_.resolver.txt(*name, deadline);
  std::vector<std::string> records;
  for (const auto& r : txt.records) records.push_back(r.text);
  auto id = sts_id(records);
  // [RFC8461 3.1] Without a record nothing new is to be had; what is known goes on counting.
  if (txt.definite()) known.look_again = steady_now() + std::clamp<std::chrono::seconds>(txt.ttl, kFreshest, kOldest);
  if (id && (mode == Mode::anyway || !known.policy || known.id != *id)) {
    if (*id == known.failed_id && steady_now() < known.failed_until && mode == Mode::when_new) {
      known.failure = "its policy could not be fetched a moment ago";
      known.failure_type = "sts-policy-fetch-error";
      known.look_again = known.failed_until;
    } else {
      co_await fetch(domain, *std::move(id), known, deadline);
    }
  }
  if (known.policy && now() - known.used > kRefreshAge && mode == Mode::when_new) {
    known.used = now();
    keep(domain, known);
  }
  remember(domain, known);
  co_return known;
}

Task<> StsCache::fetch(const std::string& domain, std::string id, KnownSts& known, Deadline deadline) {
  auto policy = co_await download(domain, known.failure_type, deadline);
  if (!policy) {
    fetches_failed.add();
    log::info("mta_sts.failed", {{"domain", domain}, {"id", id}, {"error", policy.error()}});
    known.failure = "its policy could not be fetched: " + policy.error().text;
    known.failed_id = std::move(id);
    known.failed_until = steady_now() + std::chrono::duration_cast<std::chrono::milliseconds>(kStsRetry.get());
    known.look_again = known.failed_until;
    co_return;
  }
  policies_fetched.add();
  log::info("mta_sts.fetched", {{"domain", domain}, {"id", id}, {"mode", to_string(policy->mode)}, {"max_age", policy->max_age.count()}});
  const auto used = known.policy ? known.used : now();
  known = KnownSts{.policy = *std::move(policy), .id = std::move(id), .fetched = now(), .used = used, .look_again = known.look_again};
  keep(domain, known);
}

// [RFC8461 3.3]
Task<Result<StsPolicy>> StsCache::download(const std::string& domain, std::string& failure_type, Deadline deadline) {
  failure_type = "sts-policy-fetch-error";
  const http::Url url{.tls = true, .host = "mta-sts." + domain, .port = 443, .target = "/.well-known/mta-sts.txt"};
  CO_TRY(auto route, co_await find_web_server(parts_.resolver, url.host, parts_.tls(), deadline));
  route.port = static_cast<std::uint16_t>(kStsPort.get());
  http::Client client;
  auto answer = co_await client.get(url, std::move(route), {.header = 16 << 10, .body = StsLimits::kPolicy}, deadline);
  if (!answer) {
    if (answer.error().code == Errc::denied) failure_type = "sts-webpki-invalid";
    co_return fail(answer.error().code, url.text() + ": " + answer.error().text);
  }
  if (answer->status != 200) co_return fail(Errc::not_found, url.text() + ": HTTP status " + std::to_string(answer->status));
  if (!is_plain_text(answer->content_type)) co_return fail(Errc::syntax, url.text() + ": it is no text/plain");
  auto policy = parse_sts_policy(answer->body);
  if (!policy) {
    failure_type = "sts-policy-invalid";
    co_return fail(Errc::syntax, url.text() + ": " + policy.error().text);
  }
  failure_type.clear();
  co_return policy;
}

Task<Result<void>> StsCache::refresh() {
  std::string from = sts_key("");
  for (bool more = true; more && !stopping_;) {
    CO_TRY(const auto rows, co_await parts_.store.scan({kOutwardSpace, kOutwardPartition, from, sts_end(), kPage}));
    more = rows.more;
    for (const auto& row : rows.rows) {
      from = row.key + '\0';
      if (stopping_) break;
      std::string domain = row.key.substr(sts_key("").size());
      const auto known = decode(row.value);
      if (!known || expiry(*known) <= now()) {
        kv::Batch batch;
        batch.erase(kOutwardSpace, kOutwardPartition, row.key);
        parts_.store.write_behind(std::move(batch));
        continue;
      }
      const auto age = now() - known->fetched;
      if (now() - known->used > kForgotten || (age < kRefreshAge && age < known->policy->max_age / 2)) continue;
      const Entered entered(*this, domain);
      if (!entered.turn()) continue;
      const auto turn = co_await entered.turn()->mutex.lock();
      [[maybe_unused]] const auto looked = co_await look(std::move(domain), Mode::anyway, after(kStsTimeout.get()));
    }
  }
  co_return Result<void>{};
}

void StsCache::start(Reactor& reactor) {
  started_ = true;
  reactor.post([this, &reactor] { tasks_.spawn(reactor, run(*this)); });
}

Task<> StsCache::run(StsCache& self) {
  for (;;) {
    co_await pause_until(steady_now() + 1h, self.stopping_);
    if (self.stopping_) co_return;
    const auto done = co_await self.refresh();
    if (!done) log::warning("mta_sts.refresh_failed", {{"error", done.error()}});
  }
}

Task<> StsCache::stop() {
  stopping_ = true;
  co_await tasks_.join();
}

}  // namespace posthorn::delivery
