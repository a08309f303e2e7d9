#include "delivery/sts.h"

#include <gtest/gtest.h>

#include "async/reactor.h"
#include "async/task_group.h"
#include "base/log.h"
#include "delivery/outward_settings.h"
#include "delivery/settings.h"
#include "dns/fake_zone.h"
#include "http/server.h"
#include "kv/memory/memory_store.h"
#include "net/certificate_testing.h"
#include "net/listener.h"

namespace posthorn::delivery {
namespace {

using namespace std::chrono_literals;

const std::string kEnforce = "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 604800\r\n";
const std::string kTesting = "version: STSv1\nmode: testing\nmx: mx.example.org\nmax_age: 604800\n";

// A web server for the policies of example.org, and everything around it.
struct World {
  ManualClock clock{SysTime(std::chrono::milliseconds(1'700'000'000'000))};
  net::TestAuthority authority;
  std::shared_ptr<const net::TlsContext> certificate =
      net::test_server_context(authority.issue({.names = {"mta-sts.example.org", "mta-sts.example.net"}}));
  std::shared_ptr<const net::TlsContext> trust = net::test_client_context(authority);
  http::Response page{.status = 200, .content_type = "text/plain", .location = {}, .body = kEnforce};
  std::size_t fetches = 0;
  bool silent = false;
  std::string expected;
  dns::FakeZone zone{"mta-sts.example.org A 127.0.0.1\n_mta-sts.example.org 60 TXT \"v=STSv1; id=1;\"\n"};
  kv::MemoryStore store;
  std::unique_ptr<StsCache> cache = make();

  World() {
    CHECK(kAllowLoopback.set(SettingValue(true)).has_value());
    CHECK(kStsTimeout.set(SettingValue(std::string("1 s"))).has_value());
  }
  ~World() {
    kAllowLoopback.reset();
    kStsTimeout.reset();
    kStsPort.reset();
    kSts.reset();
  }
  std::unique_ptr<StsCache> make() { return std::make_unique<StsCache>(StsCache::Parts{store, zone, [this] { return trust; }}); }
  void publish(const std::string& id) {
    zone.clear();
    CHECK(zone.load("mta-sts.example.org A 127.0.0.1\n_mta-sts.example.org 60 TXT \"v=STSv1; id=" + id + ";\"\n").has_value());
  }
};

Task<http::Response> answer(World& world, http::Request request) {
  EXPECT_EQ(request.path, "/.well-known/mta-sts.txt");
  co_return world.page;
}

Task<> serve(World& world, http::Service& service, int fd, net::Peer peer) {
  ++world.fetches;
  net::Connection connection(fd, std::move(peer));
  if (world.silent) [[maybe_unused]] const auto left = co_await connection.read_more(after(3s));
  const auto ready = co_await connection.start_tls(*world.certificate, after(5s));
  if (ready) co_await service.serve(connection);
  connection.close();
}

// Runs `body` while the web server runs.
void with_server(World& world, std::function<Task<>(World&)> body) {
  const auto all = [](World& w, std::function<Task<>(World&)>& f) -> Task<> {
    http::Service service([&w](http::Request r) { return answer(w, std::move(r)); });
    TaskGroup group;
    auto listener = net::Listener::open(Reactor::current(), {.host = "127.0.0.1", .port = 0, .unix_path = {}}, [&](int fd, net::Peer peer) {
      group.spawn(Reactor::current(), serve(w, service, fd, std::move(peer)));
    });
    CHECK(listener.has_value() && kStsPort.set(SettingValue(std::int64_t{(*listener)->port()})).has_value());
    (*listener)->start();
    co_await f(w);
    (*listener)->stop();
    co_await group.join();
  };
  run_task(all(world, body));
}

std::string outline(const StsAnswer& a) {
  std::string out = a.policy ? std::string(to_string(a.policy->mode)) : "none";
  if (!a.failure_type.empty()) out += ", " + a.failure_type;
  return out;
}

Task<std::string> ask(World& world) {
  const auto got = co_await world.cache->policy_of("example.org", after(20s));
  co_return outline(got);
}

TEST(Sts, FetchedOnceAndKeptOverARestart) {
  World world;
  with_server(world, [](World& w) -> Task<> {
    auto got = co_await ask(w);
    EXPECT_EQ(got, "enforce");
    got = co_await ask(w);
    EXPECT_EQ(got, "enforce");
    EXPECT_EQ(w.fetches, 1u);
    EXPECT_EQ(w.zone.asked("_mta-sts.example.org", dns::Type::txt), 1u) << "its answer counts for a minute";
    w.cache = w.make();
    got = co_await ask(w);
    EXPECT_EQ(got, "enforce");
    EXPECT_EQ(w.fetches, 1u) << "from the store";
  });
}

TEST(Sts, NewIdMeansNewPolicy) {
  World world;
  with_server(world, [](World& w) -> Task<> {
    auto got = co_await ask(w);
    w.page.body = kTesting;
    w.clock.advance(2min);
    got = co_await ask(w);
    EXPECT_EQ(got, "enforce") << "the same id";
    w.publish("2");
    w.clock.advance(2min);
    got = co_await ask(w);
    EXPECT_EQ(got, "testing");
    EXPECT_EQ(w.fetches, 2u);
  });
}

TEST(Sts, OldPolicyStaysWhateverFails) {
  World world;
  with_server(world, [](World& w) -> Task<> {
    auto got = co_await ask(w);
    w.publish("2");
    w.page.status = 500;
    w.clock.advance(2min);
    got = co_await ask(w);
    EXPECT_EQ(got, "enforce, sts-policy-fetch-error");
    EXPECT_EQ(w.fetches, 2u);
    w.clock.advance(2min);
    got = co_await ask(w);
    EXPECT_EQ(w.fetches, 2u) << "a web server that fails is left alone for a while";
    w.zone.clear();
    w.clock.advance(10min);
    got = co_await ask(w);
    EXPECT_EQ(got, "enforce") << "without a record too";
    w.clock.advance(8 * 24h);
    got = co_await ask(w);
    EXPECT_EQ(got, "none") << "until it has expired";
  });
}

TEST(Sts, WhatIsWrongIsSaid) {
  struct Case {
    std::string what;
    std::function<void(World&)> change;
    std::string got;
  };
  const Case cases[] = {
      {"no record", [](World& w) { w.zone.clear(); }, "none"},
      {"no address", [](World& w) { w.zone.clear(); CHECK(w.zone.load("_mta-sts.example.org TXT \"v=STSv1; id=1;\"").has_value()); }, "none, sts-policy-fetch-error"},
      {"not there", [](World& w) { w.page.status = 404; }, "none, sts-policy-fetch-error"},
      {"a redirect", [](World& w) { w.page = {.status = 301, .content_type = {}, .location = "https://example.org/", .body = {}}; }, "none, sts-policy-fetch-error"},
      {"a page for people", [](World& w) { w.page.content_type = "text/html"; }, "none, sts-policy-fetch-error"},
      {"no policy", [](World& w) { w.page.body = "hello"; }, "none, sts-policy-invalid"},
      {"too long", [](World& w) { w.page.body += std::string(StsLimits::kPolicy, '\n'); }, "none, sts-policy-fetch-error"},
      {"a certificate for somebody else", [](World& w) { w.certificate = net::test_server_context(w.authority.issue({.names = {"example.org"}})); }, "none, sts-webpki-invalid"},
      {"a certificate of nobody", [](World& w) { w.certificate = net::test_server_context(net::make_self_signed_identity({.names = {"mta-sts.example.org"}})); },
       "none, sts-webpki-invalid"},
      {"silence", [](World& w) { w.silent = true; }, "none, sts-policy-fetch-error"},
      {"switched off", [](World&) { CHECK(kSts.set(SettingValue(false)).has_value()); }, "none"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    World world;
    c.change(world);
    world.expected = c.got;
    with_server(world, [](World& w) -> Task<> {
      const auto got = co_await ask(w);
      EXPECT_EQ(got, w.expected);
    });
  }
}

Task<> ask_into(World& world, std::vector<std::string>& out) {
  auto got = co_await ask(world);
  out.push_back(std::move(got));
}

TEST(Sts, ManyMessagesAskOnce) {
  World world;
  with_server(world, [](World& w) -> Task<> {
    std::vector<std::string> got;
    TaskGroup group;
    for (int i = 0; i < 20; ++i) group.spawn(Reactor::current(), ask_into(w, got));
    co_await group.join();
    EXPECT_EQ(got, std::vector<std::string>(20, "enforce"));
    EXPECT_EQ(w.fetches, 1u);
  });
}

TEST(Sts, RefreshedBeforeItExpires) {
  World world;
  with_server(world, [](World& w) -> Task<> {
    auto got = co_await ask(w);
    auto done = co_await w.cache->refresh();
    EXPECT_TRUE(done);
    EXPECT_EQ(w.fetches, 1u) << "it is fresh";
    for (int day = 0; day < 10; ++day) {
      w.clock.advance(25h);
      done = co_await w.cache->refresh();
    }
    EXPECT_EQ(w.fetches, 11u);
    w.page.status = 500;
    got = co_await ask(w);
    EXPECT_EQ(got, "enforce") << "longer than its first max_age";
    w.clock.advance(9 * 24h);
    done = co_await w.cache->refresh();
    const auto rows = co_await w.store.scan({kv::Space::trace, 1, "", "", 10}, {});
    EXPECT_TRUE(rows && rows->rows.empty()) << "what has expired is forgotten";
  });
}

}  // namespace
}  // namespace posthorn::delivery
