#include "delivery/tls_reports.h"

#include <algorithm>

#include "async/pause.h"
#include "base/log.h"
#include "base/metrics.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "delivery/outward_rows.h"
#include "delivery/outward_settings.h"
#include "delivery/router.h"
#include "delivery/web_route.h"
#include "kv/key_codec.h"

namespace posthorn::delivery {
namespace {

using namespace std::chrono_literals;

inline Counter sessions_counted{"tls_reports.sessions", "Sessions counted for TLS reports since the start."};
inline Counter sessions_dropped{"tls_reports.dropped", "Sessions not counted for TLS reports, because there were too many domains."};
inline Counter reports_sent{"tls_reports.sent", "TLS reports handed over, by mail or https, since the start."};

constexpr std::int64_t kRetry = 3600, kGiveUp = 86400;  // seconds
constexpr auto kPostTime = 20s, kLookupTime = 10s;

std::int64_t seconds_now() { return std::chrono::floor<std::chrono::seconds>(now()).time_since_epoch().count(); }

std::string row_key(std::int64_t start, std::string_view domain) {
  std::string key(1, kReportRow);
  kv::put_be64(key, static_cast<std::uint64_t>(start));
  return key.append(domain);
}

bool is_row_key(std::string_view key) { return key.size() > 9 && key.front() == kReportRow; }

std::string hex_of(std::string_view text) {
  const auto digest = crypto::sha256(text);
  return crypto::to_hex({reinterpret_cast<const char*>(digest.data()), 12});
}

}  // namespace

TlsReports::TlsReports(Parts parts) : parts_(std::move(parts)), lateness_(static_cast<std::int64_t>(crypto::random_u64() % 1001)) {}

TlsReports::~TlsReports() { CHECK(!reactor_ || stopping_); }

void TlsReports::add(const TlsResult& result) {
  if (!kTlsReports.get() || !result.policy) return;
  const auto period = std::max<std::int64_t>(1, kTlsReportPeriod.get().count());
  const auto start = seconds_now() / period * period;
  const std::lock_guard hold(mutex_);
  Key key{start, result.domain};
  auto found = pending_.find(key);
  if (found == pending_.end()) {
    if (pending_.size() >= kMaxDomains) return sessions_dropped.add();
    found = pending_.emplace(std::move(key), Pending{start + period, {}}).first;
  }
  found->second.counts.add(*result.policy, result.failure);
  sessions_counted.add();
}

Task<Result<void>> TlsReports::flush() {
  std::map<Key, Pending> taken;
  {
    const std::lock_guard hold(mutex_);
    taken.swap(pending_);
  }
  auto written = co_await write(taken);
  if (written) co_return written;
  const std::lock_guard hold(mutex_);  // later; some may be counted twice then
  for (auto& [key, old] : taken) {
    if (pending_.size() >= kMaxDomains && !pending_.contains(key)) {
      sessions_dropped.add();
      continue;
    }
    Pending& p = pending_[key];
    p.end = std::max(p.end, old.end);
    p.counts.merge(old.counts);
  }
  co_return written;
}

Task<Result<void>> TlsReports::write(const std::map<Key, Pending>& taken) {
  kv::Batch batch;
  for (const auto& [key, fresh] : taken) {
    auto place = row_key(key.first, key.second);
    CO_TRY(const auto before, co_await parts_.store.get(kOutwardSpace, kOutwardPartition, place));
    TlsReportRow row;
    if (before)
      if (auto decoded = decode_tls_report_row(*before)) row = *std::move(decoded);
    row.end = fresh.end;
    row.counts.merge(fresh.counts);
    batch.put(kOutwardSpace, kOutwardPartition, std::move(place), encode(row));
    if (batch.bytes() < (1 << 20)) continue;
    CO_TRY_OK(co_await parts_.store.write_ahead(std::exchange(batch, {})));
  }
  if (!batch.empty()) CO_TRY_OK(co_await parts_.store.write_ahead(std::move(batch)));
  co_return Result<void>{};
}

Task<Result<void>> TlsReports::send_due() {
  const auto delay = kTlsReportDelay.get().count() * lateness_ / 1000;
  std::string from(1, kReportRow);
  for (bool more = true; more && !stopping_;) {
    CO_TRY(auto rows, co_await parts_.store.scan({kOutwardSpace, kOutwardPartition, from, std::string(1, kReportRow + 1), kAtOnce}));
    more = rows.more;
    TaskGroup sending;
    for (auto& row : rows.rows) {
      from = row.key + '\0';
      const auto decoded = decode_tls_report_row(row.value);
      if (decoded && is_row_key(row.key) && (decoded->end + delay > seconds_now() || decoded->next_try > seconds_now())) continue;
      sending.spawn(Reactor::current(), send_one(*this, std::move(row)));
    }
    co_await sending.join();
  }
  co_return Result<void>{};
}

TlsReportHead TlsReports::head_of(std::int64_t start, std::int64_t end, const std::string& domain) const {
  TlsReportHead head;
  head.contact = parts_.postmaster();
  head.organization = domain_of(head.contact);
  head.domain = domain;
  head.start = std::chrono::sys_seconds(std::chrono::seconds(start));
  head.end = std::chrono::sys_seconds(std::chrono::seconds(end));
  // The same whenever it is sent again.
  head.id = std::to_string(start) + '.' + hex_of(parts_.hostname + '|' + domain + '|' + std::to_string(start)) + '@' + parts_.hostname;
  return head;
}

// Until the row is gone, or to be tried again.
Task<> TlsReports::send_one(TlsReports& self, kv::Row row) {
  kv::Batch batch;
  auto decoded = decode_tls_report_row(row.value);
  bool done = !decoded || !is_row_key(row.key);
  if (!done) {
    const auto start = static_cast<std::int64_t>(kv::get_be64(std::string_view(row.key).substr(1)));
    const auto domain = row.key.substr(9);
    const auto name = dns::Name::parse("_smtp._tls." + domain);
    dns::Answer<dns::Txt> answer{.status = dns::Status::nxdomain};
    if (name) answer = co_await self.parts_.resolver.txt(*name, after(kLookupTime));
    std::vector<std::string> records;
    for (const auto& r : answer.records) records.push_back(r.text);
    auto targets = tls_report_targets(records);
    if (targets) done = co_await self.send_to_all(self.head_of(start, decoded->end, domain), *decoded, *std::move(targets));
    else done = answer.definite();
    done = done || decoded->end + kGiveUp < seconds_now();
  }
  if (done) {
    batch.erase(kOutwardSpace, kOutwardPartition, row.key);
  } else {
    if (!self.stopping_) decoded->next_try = seconds_now() + kRetry;  // else it is our own end that was in the way
    batch.put(kOutwardSpace, kOutwardPartition, row.key, encode(*decoded));
  }
  const auto written = co_await self.parts_.store.write_ahead(std::move(batch));
  if (!written) log::warning("tls_reports.write_failed", {{"error", written.error()}});
}

// true: everybody has got it.
Task<bool> TlsReports::send_to_all(const TlsReportHead& head, TlsReportRow& row, std::vector<TlsReportTarget> targets) {
  std::erase_if(targets, [&](const TlsReportTarget& t) { return std::ranges::find(row.sent, t.uri) != row.sent.end(); });
  const auto report = gzip(tls_report_json(head, row.counts));
  std::vector<std::string> mailboxes;
  for (const auto& t : targets)
    if (!t.mailbox.empty()) mailboxes.push_back(t.mailbox);
  bool mailed = true, all = true;
  if (!mailboxes.empty()) {
    const auto queued = co_await send_mail(head, report, std::move(mailboxes));
    mailed = queued.has_value();
    if (!queued) log::warning("tls_reports.failed", {{"domain", head.domain}, {"error", queued.error()}});
  }
  for (auto& t : targets) {
    bool sent = mailed;
    if (t.mailbox.empty()) {
      const auto posted = co_await post(t.url, report);
      sent = posted.has_value();
      if (!posted) log::info("tls_reports.failed", {{"domain", head.domain}, {"to", t.uri}, {"error", posted.error()}});
    }
    all = all && sent;
    if (!sent) continue;
    reports_sent.add();
    log::info("tls_reports.sent", {{"domain", head.domain}, {"to", t.uri}, {"id", head.id}});
    row.sent.push_back(std::move(t.uri));
  }
  co_return all;
}

Task<Result<void>> TlsReports::send_mail(const TlsReportHead& head, const std::string& report, std::vector<std::string> to) {
  TlsReportMail mail{.from = head.contact, .submitter = head.organization, .to = to, .unique = crypto::to_hex(crypto::random_bytes(16)), .date = now()};
  auto draft = parts_.blobs.begin();
  const auto text = compose_tls_report(mail, head, report);
  CO_TRY_OK(co_await draft.write(text));
  queue::NewEntry entry{.bytes = std::move(draft).seal(), .entry = {}, .recipients = {}};
  entry.entry.arrival = now();
  entry.entry.origin.with = "tlsrpt";
  entry.entry.origin.ours = true;
  entry.entry.options.tls_optional = true;
  for (auto& mailbox : to) {
    queue::Recipient r;
    r.forward_path = std::move(mailbox);
    r.options.notify = smtp::Notify{.never = true, .success = false, .failure = false, .delay = false};
    entry.recipients.push_back(std::move(r));
  }
  CO_TRY_OK(co_await parts_.queue.add(std::move(entry)));
  co_return Result<void>{};
}

// [RFC8460 5.4]
Task<Result<void>> TlsReports::post(http::Url url, const std::string& report) {
  const auto deadline = after(kPostTime);
  CO_TRY(auto route, co_await find_web_server(parts_.resolver, url.host, parts_.tls(), deadline));
  http::Client client;
  clients_.insert(&client);
  if (stopping_) client.cancel();
  auto answer = co_await client.post(std::move(url), std::move(route), "application/tlsrpt+gzip", report, deadline);
  clients_.erase(&client);
  CO_TRY_OK(answer);
  if (answer->status / 100 != 2) co_return fail(Errc::io, "HTTP status " + std::to_string(answer->status));
  co_return Result<void>{};
}

void TlsReports::start(Reactor& reactor) {
  reactor_ = &reactor;
  reactor.post([this, &reactor] { tasks_.spawn(reactor, run(*this)); });
}

Task<> TlsReports::run(TlsReports& self) {
  while (!self.stopping_) {
    const auto pause = std::clamp<std::chrono::milliseconds>(kTlsReportPeriod.get() / 2, 500ms, 30s);
    co_await pause_until(steady_now() + pause, self.stopping_);
    auto done = co_await self.flush();
    if (done && !self.stopping_) done = co_await self.send_due();
    if (!done) log::warning("tls_reports.failed", {{"error", done.error()}});
  }
}

void TlsReports::stop_sending() {
  stopping_ = true;
  if (!reactor_) return;
  reactor_->post([this] {
    for (auto* client : clients_) client->cancel();
  });
}

Task<> TlsReports::stop() {
  stop_sending();
  co_await tasks_.join();
  const auto done = co_await flush();
  if (!done) log::warning("tls_reports.failed", {{"error", done.error()}});
}

}  // namespace posthorn::delivery
