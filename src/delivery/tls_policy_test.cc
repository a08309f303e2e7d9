#include "delivery/tls_policy.h"

#include <gtest/gtest.h>

#include "async/reactor.h"
#include "dns/fake_zone.h"

namespace posthorn::delivery {
namespace {

using client::TlsMode;
using net::TlsTrust;

struct Asked {
  Way way{.kind = Way::Kind::domain, .domain = "example.org"};
  TlsQuestion question{.way = &way, .host = "mx.example.org", .domain = "example.org", .mx_is_secure = false, .dane = {}, .sts = {}};
};

TEST(TlsPolicy, OpportunisticFallsBackToClearText) {
  Asked a;
  const auto d = decide_tls(a.question);
  EXPECT_EQ(d.mode, TlsMode::opportunistic);
  EXPECT_TRUE(d.may_fall_back);
  EXPECT_EQ(d.policy.trust, TlsTrust::none);
}

TEST(TlsPolicy, DaneIsBelievedAndNeverFallsBack) {
  Asked a;
  a.question.dane = {.state = Dane::State::usable, .records = {{3, 1, 1, std::string(32, 'x')}}, .base_domain = "mx.example.org", .why = {}};
  auto d = decide_tls(a.question);
  EXPECT_EQ(d.mode, TlsMode::required);
  EXPECT_FALSE(d.may_fall_back);
  EXPECT_EQ(d.policy.trust, TlsTrust::dane);
  EXPECT_EQ(d.policy.names, (std::vector<std::string>{"mx.example.org", "example.org"}));
  a.question.dane.state = Dane::State::unusable;
  d = decide_tls(a.question);
  EXPECT_EQ(d.mode, TlsMode::required);
  EXPECT_EQ(d.policy.trust, TlsTrust::none);
  a.question.dane.state = Dane::State::failed;
  d = decide_tls(a.question);
  EXPECT_TRUE(d.forbidden);
  EXPECT_FALSE(d.permanent);
}

TEST(TlsPolicy, RequireTlsNeedsAProvenHost) {
  Asked a;
  a.way.require_tls = true;
  auto d = decide_tls(a.question);
  EXPECT_TRUE(d.forbidden && d.permanent);
  EXPECT_EQ(d.code, (smtp::EnhancedCode{5, 7, 30}));
  a.question.mx_is_secure = true;
  d = decide_tls(a.question);
  EXPECT_FALSE(d.forbidden);
  EXPECT_EQ(d.mode, TlsMode::required);
  EXPECT_EQ(d.policy.trust, TlsTrust::ca_and_name);
  EXPECT_EQ(d.policy.names, std::vector<std::string>{"mx.example.org"});
}

TEST(TlsPolicy, StsEnforcedOrTested) {
  Asked a;
  a.question.sts = StsPolicy{.mode = StsPolicy::Mode::enforce, .mx = {"*.example.org"}};
  auto d = decide_tls(a.question);
  EXPECT_EQ(d.mode, TlsMode::required);
  EXPECT_EQ(d.policy.trust, TlsTrust::ca_and_name);
  a.question.sts->mx = {"*.elsewhere.org"};
  EXPECT_TRUE(decide_tls(a.question).forbidden);
  a.question.sts->mode = StsPolicy::Mode::testing;
  d = decide_tls(a.question);
  EXPECT_FALSE(d.forbidden);
  EXPECT_EQ(d.policy.on_mistrust, net::OnMistrust::report);
}

TEST(TlsPolicy, StsPatternsStandForOneLabel) {
  const StsPolicy policy{.mode = StsPolicy::Mode::enforce, .mx = {"mx.example.org", "*.Example.net"}};
  EXPECT_TRUE(policy.allows("mx.example.org"));
  EXPECT_TRUE(policy.allows("a.example.net"));
  EXPECT_FALSE(policy.allows("a.b.example.net"));
  EXPECT_FALSE(policy.allows("example.net"));
}

TEST(TlsPolicy, TheMessageMaySayThatTlsIsOptional) {
  Asked a;
  a.way.tls_optional = true;
  a.question.dane = {.state = Dane::State::usable, .records = {{3, 1, 1, std::string(32, 'x')}}, .base_domain = "mx.example.org", .why = {}};
  const auto d = decide_tls(a.question);
  EXPECT_EQ(d.mode, TlsMode::opportunistic);
  EXPECT_TRUE(d.may_fall_back);
}

// What the operator says of a domain stands.
TEST(TlsPolicy, TheMessageWaivesNothingOfTheOperators) {
  for (const bool verify : {false, true}) {
    Asked a;
    config::Relay relay;
    relay.tls = config::RelayTls::require;
    relay.verify = verify;
    a.way.tls_optional = true;
    a.way.relay = std::make_shared<const config::Relay>(relay);
    const auto d = decide_tls(a.question);
    EXPECT_EQ(d.mode, TlsMode::required);
    EXPECT_FALSE(d.may_fall_back);
  }
}

// [RFC8689] with a TLSA record that nobody can check, or a policy that does not name the host: as without it.
TEST(TlsPolicy, RequireTlsIsNoWaiver) {
  Asked a;
  a.way.require_tls = true;
  a.question.mx_is_secure = true;
  EXPECT_FALSE(decide_tls(a.question).forbidden);
  a.question.dane = {.state = Dane::State::failed, .records = {}, .base_domain = {}, .why = "bogus"};
  EXPECT_TRUE(decide_tls(a.question).forbidden);
  a.question.dane = {};
  a.question.sts = StsPolicy{.mode = StsPolicy::Mode::enforce, .mx = {"mx.elsewhere.org"}};
  EXPECT_TRUE(decide_tls(a.question).forbidden);
}

TEST(TlsPolicy, WhatARelaySays) {
  struct Case {
    config::RelayTls tls;
    bool verify;
    TlsMode mode;
    TlsTrust trust;
  };
  for (const auto& c : {Case{config::RelayTls::none, false, TlsMode::none, TlsTrust::none},
                        Case{config::RelayTls::require, true, TlsMode::required, TlsTrust::ca_and_name},
                        Case{config::RelayTls::implicit, true, TlsMode::implicit, TlsTrust::ca_and_name},
                        Case{config::RelayTls::require, false, TlsMode::required, TlsTrust::none}}) {
    Asked a;
    config::Relay relay;
    relay.host = a.question.host = "smart.example";
    relay.tls = c.tls;
    relay.verify = c.verify;
    a.way.kind = Way::Kind::relay;
    a.way.relay = std::make_shared<const config::Relay>(relay);
    const auto d = decide_tls(a.question);
    EXPECT_EQ(d.mode, c.mode);
    EXPECT_EQ(d.policy.trust, c.trust);
    EXPECT_FALSE(d.may_fall_back);
  }
}

// [RFC7672 2.2.2]
TEST(Dane, LooksWhereTheProofReaches) {
  const std::string tlsa = " TLSA 3 1 1 " + std::string(64, 'a') + "\n";
  struct Case {
    std::string zone;
    const char* host;
    Dane::State state;
    const char* base;
  };
  for (const auto& c : {
           Case{"zone example.org secure\nmx.example.org A 192.0.2.1\n_25._tcp.mx.example.org" + tlsa, "mx.example.org", Dane::State::usable, "mx.example.org"},
           Case{"zone example.org secure\nmx.example.org A 192.0.2.1\n", "mx.example.org", Dane::State::none, ""},
           Case{"mx.example.org A 192.0.2.1\n_25._tcp.mx.example.org" + tlsa, "mx.example.org", Dane::State::off, ""},
           Case{"zone example.org secure\nmx.example.org A 192.0.2.1\nfail _25._tcp.mx.example.org TLSA servfail\n", "mx.example.org", Dane::State::failed, ""},
           Case{"zone example.org secure\nmx.example.org A 192.0.2.1\n_25._tcp.mx.example.org TLSA 0 0 1 " + std::string(64, 'a') + "\n", "mx.example.org",
                Dane::State::unusable, "mx.example.org"},
           Case{"zone example.org secure\nmx.example.org CNAME real.example.org\nreal.example.org A 192.0.2.1\n_25._tcp.real.example.org" + tlsa, "mx.example.org",
                Dane::State::usable, "real.example.org"},
           Case{"zone example.org secure\nmx.example.org CNAME real.example.net\nreal.example.net A 192.0.2.1\n_25._tcp.mx.example.org" + tlsa, "mx.example.org",
                Dane::State::usable, "mx.example.org"},
       }) {
    dns::FakeZone zone(c.zone);
    const auto look = [](dns::Resolver& resolver, std::string host) -> Task<Dane> {
      auto name = dns::Name::parse(host);
      auto addresses = co_await dns::find_addresses(resolver, *name, {}, after(std::chrono::seconds(30)));
      co_return co_await find_dane(resolver, addresses, 25, after(std::chrono::seconds(30)));
    };
    const auto dane = run_task(look(zone, c.host));
    EXPECT_EQ(dane.state, c.state) << c.zone << dane.why;
    if (*c.base) EXPECT_EQ(dane.base_domain, c.base) << c.zone;
  }
}

}  // namespace
}  // namespace posthorn::delivery
