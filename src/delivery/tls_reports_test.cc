#include "delivery/tls_reports.h"

#include <gtest/gtest.h>

#include "async/reactor.h"
#include "delivery/outward_rows.h"
#include "delivery/outward_settings.h"
#include "delivery/settings.h"
#include "dns/fake_zone.h"
#include "kv/memory/memory_store.h"

namespace posthorn::delivery {
namespace {

using namespace std::chrono_literals;

// Nobody listens at the web server's address.
constexpr std::string_view kZone =
    "_smtp._tls.mail.test TXT \"v=TLSRPTv1; rua=mailto:reports@elsewhere.test\"\n"
    "_smtp._tls.both.test TXT \"v=TLSRPTv1; rua=https://web.test:1/,mailto:reports@elsewhere.test\"\n"
    "_smtp._tls.damaged.test TXT \"v=TLSRPTv1; rua=\"\n"
    "web.test A 127.0.0.1\n"
    "fail _smtp._tls.unknown.test TXT servfail\n"
    "plain.test A 127.0.0.1\n";

struct World {
  ManualClock clock{SysTime(std::chrono::milliseconds(1'700'000'000'000))};
  dns::FakeZone zone{kZone};
  kv::MemoryStore store;
  blob::Blobs blobs{store};
  queue::Queue queue{store, blobs};
  TlsReports reports{{.store = store,
                      .resolver = zone,
                      .queue = queue,
                      .blobs = blobs,
                      .tls = [] { return *net::TlsContext::client_insecure(); },
                      .hostname = "mail.home.test",
                      .postmaster = [] { return std::string("postmaster@home.test"); }}};

  World() {
    CHECK(kTlsReportDelay.set(SettingValue(std::int64_t{0})).has_value() && kAllowLoopback.set(SettingValue(true)).has_value());
  }
  ~World() {
    queue.close();
    kTlsReportDelay.reset();
    kAllowLoopback.reset();
    kTlsReports.reset();
  }
  void count(std::string domain) { reports.add({.domain = std::move(domain), .policy = std::make_shared<ReportedPolicy>(), .failure = {}}); }
};

Task<> open(World& w) {
  CHECK((co_await w.blobs.open()).has_value());
  CHECK((co_await w.queue.open()).has_value());
}

// Writes and sends; how many rows are left.
Task<std::size_t> turn(World& w) {
  auto done = co_await w.reports.flush();
  EXPECT_TRUE(done);
  done = co_await w.reports.send_due();
  EXPECT_TRUE(done);
  const auto rows = co_await w.store.scan({kOutwardSpace, kOutwardPartition, "", "", 1000}, {});
  co_return rows->rows.size();
}

Task<> one_mail_behind_the_day(World& w) {
  co_await open(w);
  for (int i = 0; i < 3; ++i) w.count("mail.test");
  auto left = co_await turn(w);
  EXPECT_EQ(left, 1u) << "the day is not over";
  w.count("mail.test");
  left = co_await turn(w);
  EXPECT_EQ(left, 1u);
  const auto rows = co_await w.store.scan({kOutwardSpace, kOutwardPartition, "", "", 10}, {});
  EXPECT_EQ(decode_tls_report_row(rows->rows[0].value).value().counts.policies[0].successes, 4u) << "what is counted later is added";
  EXPECT_EQ(w.queue.stats().entries, 0u);
  w.clock.advance(24h);
  left = co_await turn(w);
  EXPECT_EQ(left, 0u);
  EXPECT_EQ(w.queue.stats().entries, 1u);
  left = co_await turn(w);
  EXPECT_EQ(w.queue.stats().entries, 1u) << "once";
}

TEST(TlsReports, OneMailBehindTheDay) {
  World world;
  run_task(one_mail_behind_the_day(world));
}

Task<> who_cannot_be_reached(World& w) {
  co_await open(w);
  w.count("both.test");
  auto left = co_await turn(w);
  w.clock.advance(2h);  // it was ten in the evening
  left = co_await turn(w);
  EXPECT_EQ(left, 1u) << "the web server has not got it";
  EXPECT_EQ(w.queue.stats().entries, 1u);
  for (int hour = 0; hour < 5; ++hour) {
    w.clock.advance(61min);
    left = co_await turn(w);
    EXPECT_EQ(left, 1u);
    EXPECT_EQ(w.queue.stats().entries, 1u) << "who has it does not get it again";
  }
  w.clock.advance(24h);
  left = co_await turn(w);
  EXPECT_EQ(left, 0u) << "given up";
}

TEST(TlsReports, WhoCannotBeReachedIsTriedAgainForADay) {
  World world;
  run_task(who_cannot_be_reached(world));
}

Task<> who_does_not_want_any(World& w) {
  co_await open(w);
  for (const auto* domain : {"plain.test", "nowhere.test", "damaged.test", "unknown.test"}) w.count(domain);
  auto left = co_await turn(w);
  EXPECT_EQ(left, 4u);
  w.clock.advance(24h);
  left = co_await turn(w);
  EXPECT_EQ(left, 1u) << "the DNS may know more of unknown.test later";
  w.clock.advance(25h);
  left = co_await turn(w);
  EXPECT_EQ(left, 0u);
  EXPECT_EQ(w.queue.stats().entries, 0u);
}

TEST(TlsReports, WhoDoesNotWantAnyGetsNone) {
  World world;
  run_task(who_does_not_want_any(world));
}

Task<> bounded(World& w) {
  co_await open(w);
  for (std::size_t i = 0; i < TlsReports::kMaxDomains + 10; ++i) w.count("d" + std::to_string(i) + ".test");
  CHECK(kTlsReports.set(SettingValue(false)).has_value());
  w.count("mail.test");
  const auto written = co_await w.reports.flush();
  EXPECT_TRUE(written);
  std::size_t rows = 0;
  const auto visited = co_await w.store.visit_range(kOutwardSpace, kOutwardPartition, "", "", [&](std::string_view, std::string_view) -> Result<void> {
    ++rows;
    return {};
  }, {});
  EXPECT_TRUE(visited);
  EXPECT_EQ(rows, TlsReports::kMaxDomains);
}

TEST(TlsReports, MemoryIsBounded) {
  World world;
  run_task(bounded(world));
}

}  // namespace
}  // namespace posthorn::delivery
