#include "delivery/tls_policy.h"

#include <algorithm>

#include "base/ip_address.h"
#include "delivery/settings.h"
#include "text/ascii.h"

namespace posthorn::delivery {
namespace {

using client::TlsMode;
using net::TlsTrust;

std::vector<net::TlsaRecord> records_of(const dns::Answer<dns::Tlsa>& answer) {
  std::vector<net::TlsaRecord> out;
  for (const auto& r : answer.records)
    out.push_back({.usage = r.usage, .selector = r.selector, .matching_type = r.matching_type, .data = r.data});
  return out;
}

struct Found {
  Dane dane;
  bool decided = false;  // no other base domain is asked
};

Task<Found> ask_at(dns::Resolver& resolver, dns::Name base, std::uint16_t port, Deadline deadline) {
  Found found;
  const auto name = base.below('_' + std::to_string(port) + "._tcp");
  if (!name) co_return found;
  const auto answer = co_await resolver.tlsa(*name, deadline);
  if (!answer.definite()) {
    found = {{.state = Dane::State::failed, .records = {}, .base_domain = base.text(),
              .why = "TLSA of " + name->text() + ": " + std::string(to_string(answer.status)) + (answer.why.empty() ? "" : ", " + answer.why)},
             true};
  } else if (answer.ok() && answer.secure()) {
    found.decided = true;
    found.dane = {.state = Dane::State::unusable, .records = records_of(answer), .base_domain = base.text(), .why = {}};
    if (net::any_usable(found.dane.records)) found.dane.state = Dane::State::usable;
  } else {
    found.dane.state = Dane::State::none;
  }
  co_return found;
}

std::string quoted_host(const TlsQuestion& q) { return q.host.empty() ? "the host" : q.host; }

void check_name(TlsDecision& d, const TlsQuestion& q) {
  d.policy.trust = TlsTrust::ca_and_name;
  d.policy.names = {q.host.empty() ? q.domain : q.host};
}

void use_dane(TlsDecision& d, const TlsQuestion& q) {
  d.mode = TlsMode::required;
  if (q.dane.state == Dane::State::unusable) {
    d.reason = "DANE: TLSA records at " + q.dane.base_domain + ", none that is usable: TLS with any certificate";
    return;
  }
  d.policy.trust = TlsTrust::dane;
  d.policy.tlsa = q.dane.records;
  d.policy.names = {q.dane.base_domain};  // [RFC7672 3.2.2] and the names that led there
  for (const auto& name : {q.host, q.domain})
    if (!name.empty() && std::ranges::find(d.policy.names, name) == d.policy.names.end()) d.policy.names.push_back(name);
  d.reason = "DANE: TLSA records at " + q.dane.base_domain;
}

TlsDecision forbid(TlsDecision d, bool permanent, smtp::EnhancedCode code, std::string why) {
  d.forbidden = true;
  d.permanent = permanent;
  d.code = code;
  d.reason = std::move(why);
  return d;
}

// [RFC8689 4.2.1]
TlsDecision decide_required(TlsDecision d, const TlsQuestion& q) {
  if (q.way->kind == Way::Kind::domain) {
    // No less than without REQUIRETLS.
    if (q.dane.state == Dane::State::failed) return forbid(std::move(d), false, {4, 7, 5}, "REQUIRETLS; DANE: " + q.dane.why);
    if (q.dane.state != Dane::State::usable && q.sts && q.sts->mode == StsPolicy::Mode::enforce && !q.sts->allows(q.host))
      return forbid(std::move(d), false, {4, 7, 5}, "REQUIRETLS; MTA-STS: the policy of " + q.domain + " does not name " + quoted_host(q));
  }
  const bool sts_names_it = q.sts && q.sts->mode == StsPolicy::Mode::enforce && q.sts->allows(q.host);
  const bool named = q.way->kind == Way::Kind::relay || q.mx_is_secure || sts_names_it;
  if (!named)
    return forbid(std::move(d), true, {5, 7, 30}, "REQUIRETLS: neither DNSSEC nor MTA-STS proves that " + quoted_host(q) + " is a host of " + q.domain);
  d.mode = d.mode == TlsMode::implicit ? TlsMode::implicit : TlsMode::required;
  d.may_fall_back = false;
  if (q.dane.state == Dane::State::usable) use_dane(d, q);
  else check_name(d, q);
  d.reason = "REQUIRETLS" + (d.reason.empty() ? std::string(": the certificate must be that of " + d.policy.names.front()) : "; " + d.reason);
  return d;
}

TlsDecision decide_relay(TlsDecision d, const TlsQuestion& q, const config::Relay& relay) {
  d.reason = "relay " + relay.text() + ": tls = " + std::string(config::to_string(relay.tls));
  d.may_fall_back = false;
  switch (relay.tls) {
    case config::RelayTls::none: d.mode = TlsMode::none; break;
    case config::RelayTls::opportunistic:
      d.mode = TlsMode::opportunistic;
      d.may_fall_back = relay.username.empty();
      break;
    case config::RelayTls::require: d.mode = TlsMode::required; break;
    case config::RelayTls::implicit: d.mode = TlsMode::implicit; break;
  }
  if (relay.verify) {
    check_name(d, q);
    d.reason += ", verified";
  }
  return d;
}

}  // namespace

Task<Dane> find_dane(dns::Resolver& resolver, const dns::HostAddresses& addresses, std::uint16_t port, Deadline deadline) {
  const bool alias = addresses.canonical_name != addresses.host;
  // [RFC7672 2.2.2] Behind aliases that are all proven the last name is asked first; else an alias that is itself proven.
  if (addresses.dnssec == dns::Dnssec::secure) {
    if (alias) {
      auto found = co_await ask_at(resolver, addresses.canonical_name, port, deadline);
      if (found.decided) co_return std::move(found.dane);
    }
  } else {
    if (!alias) co_return Dane{};
    const auto link = co_await resolver.cname(addresses.host, deadline);
    if (!link.definite())
      co_return Dane{.state = Dane::State::failed, .records = {}, .base_domain = {}, .why = "CNAME of " + addresses.host.text() + ": " + std::string(to_string(link.status))};
    if (!link.secure()) co_return Dane{};
  }
  auto found = co_await ask_at(resolver, addresses.host, port, deadline);
  co_return std::move(found.dane);
}

TlsDecision decide_tls(const TlsQuestion& q) {
  TlsDecision d;
  if (!IpAddress::parse(q.host)) d.policy.server_name = q.host;
  const auto& relay = q.way->relay;
  if (relay && relay->has_host()) {
    d = decide_relay(std::move(d), q, *relay);
    if (!q.way->require_tls || relay->protocol == config::RelayProtocol::lmtp) return d;
    if (d.mode == TlsMode::none) return forbid(std::move(d), true, {5, 7, 30}, "REQUIRETLS, but the relay is used without TLS");
    return decide_required(std::move(d), q);
  }
  if (q.way->require_tls) return decide_required(std::move(d), q);

  const bool said = relay && relay->says_tls;
  const auto rule = said ? relay->tls : static_cast<config::RelayTls>(kTls.get() == TlsRule::none      ? config::RelayTls::none
                                                                       : kTls.get() == TlsRule::require ? config::RelayTls::require
                                                                                                        : config::RelayTls::opportunistic);
  const std::string who = said ? "[[relay]] for " + q.domain : "delivery.tls";
  if (rule == config::RelayTls::none) {
    d.mode = TlsMode::none;
    d.reason = who + ": no TLS";
    return d;
  }
  // [RFC8689 3] A message waives what the domain of its recipients asks for, not what the operator does.
  if (said && relay->verify) {
    d.mode = TlsMode::required;
    check_name(d, q);
    d.reason = who + ": TLS, verified";
    return d;
  }
  if (q.way->tls_optional && !(said && rule != config::RelayTls::opportunistic)) {
    d.may_fall_back = true;
    d.reason = "the message says TLS-Required: No: TLS where it works";
    return d;
  }
  if (q.dane.state == Dane::State::failed) return forbid(std::move(d), false, {4, 7, 5}, "DANE: " + q.dane.why);
  if (q.dane.state == Dane::State::usable || q.dane.state == Dane::State::unusable) {
    use_dane(d, q);
    return d;
  }
  if (q.sts && q.sts->mode != StsPolicy::Mode::none) {
    const bool enforce = q.sts->mode == StsPolicy::Mode::enforce;
    if (!q.sts->allows(q.host) && enforce)
      return forbid(std::move(d), false, {4, 7, 5}, "MTA-STS: the policy of " + q.domain + " does not name " + quoted_host(q));
    check_name(d, q);
    d.mode = enforce ? TlsMode::required : TlsMode::opportunistic;
    d.policy.on_mistrust = enforce ? net::OnMistrust::fail : net::OnMistrust::report;
    d.may_fall_back = !enforce;
    d.reason = "MTA-STS: the policy of " + q.domain + (enforce ? ", enforced" : ", being tested");
    return d;
  }
  if (rule == config::RelayTls::require || rule == config::RelayTls::implicit) {
    d.mode = rule == config::RelayTls::implicit ? TlsMode::implicit : TlsMode::required;
    d.reason = who + ": TLS, with any certificate";
    return d;
  }
  d.may_fall_back = true;
  d.reason = "opportunistic: TLS where the host offers it";
  return d;
}

}  // namespace posthorn::delivery
