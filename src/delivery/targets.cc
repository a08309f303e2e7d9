#include "delivery/targets.h"

#include <algorithm>
#include <utility>

#include "crypto/random.h"
#include "delivery/settings.h"
#include "delivery/tls_outcome.h"
#include "dns/settings.h"
#include "text/ascii.h"

namespace posthorn::delivery {
namespace {

Deadline lookup_deadline() { return after(dns::kTimeout.get()); }

std::string source_for(const Way& way, const IpAddress& to) {
  if (way.relay && !way.relay->source_address.empty()) {
    const auto ip = IpAddress::parse(way.relay->source_address);
    return ip && ip->is_v4() == to.is_v4() ? way.relay->source_address : std::string();
  }
  std::string_view rest = kSourceAddresses.get();
  while (!rest.empty()) {
    const auto n = std::min(rest.find(' '), rest.size());
    const auto ip = IpAddress::parse(rest.substr(0, n));
    if (ip && ip->is_v4() == to.is_v4()) return ip->text();
    rest.remove_prefix(std::min(n + 1, rest.size()));
  }
  return {};
}

}  // namespace

Targets::Targets(const TargetContext& context, const Way& way) : context_(context), way_(way), seed_(crypto::random_u64()) {}

void Targets::set_trouble(bool permanent, smtp::EnhancedCode code, std::string text) {
  notes_.push_back(text);
  if (trouble_ && !trouble_->permanent && permanent) return;
  trouble_ = Trouble{permanent, code, std::move(text)};
}

dns::AddressOptions Targets::address_options() const {
  dns::AddressOptions options;
  options.v4 = kIpVersions.get() != IpVersions::ipv6;
  options.v6 = kIpVersions.get() != IpVersions::ipv4;
  // What the operator has named himself may be anywhere.
  const bool named = way_.kind == Way::Kind::relay;
  options.allow_loopback = named || kAllowLoopback.get();
  options.allow_private = named || kAllowPrivate.get();
  options.seed = seed_;
  if (!named) options.ours = context_.our_addresses;
  return options;
}

Task<std::optional<Target>> Targets::next() {
  if (!std::exchange(begun_, true)) co_await begin();
  for (;;) {
    if (std::cmp_greater_equal(given_, kMaxTargets.get())) co_return std::nullopt;
    if (!ready_.empty()) {
      auto target = std::move(ready_.front());
      ready_.pop_front();
      ++given_;
      co_return target;
    }
    if (next_host_ >= route_.hosts.size()) co_return std::nullopt;
    auto host = route_.hosts[next_host_++];
    co_await open_host(std::move(host));
  }
}

Task<> Targets::begin() {
  switch (way_.kind) {
    case Way::Kind::relay: co_return co_await open_relay();
    case Way::Kind::domain: co_return co_await find_route();
    case Way::Kind::literal: {
      TlsQuestion question{.way = &way_, .host = way_.literal->text(), .domain = way_.literal->text(), .mx_is_secure = false, .dane = {}, .sts = {}};
      const auto options = address_options();
      const auto reach = way_.literal->reach();
      const bool ours = std::ranges::find(options.ours, *way_.literal) != options.ours.end();
      const bool allowed = reach == Reach::global || (reach == Reach::loopback && options.allow_loopback) || (reach == Reach::private_use && options.allow_private);
      if (ours) co_return set_trouble(true, {5, 4, 6}, way_.literal->text() + " is this server, and the domain is not one of its own");
      if (!allowed) co_return set_trouble(true, {5, 4, 4}, "no mail is sent to the " + std::string(to_string(reach)) + " address " + way_.literal->text());
      const auto decision = decide_tls(question);
      if (decision.forbidden) co_return set_trouble(decision.permanent, decision.code, decision.reason);
      co_return add(*way_.literal, way_.literal->text(), decision, static_cast<std::uint16_t>(kPort.get()));
    }
    case Way::Kind::refused: co_return set_trouble(true, {5, 1, 2}, way_.why);
    case Way::Kind::local: break;
  }
  set_trouble(false, {4, 3, 5}, "a local recipient on the way outside");
}

Task<> Targets::find_route() {
  auto domain = dns::Name::parse(way_.domain);
  if (!domain) co_return set_trouble(true, {5, 1, 2}, way_.domain + ": no domain can have this name");
  auto answer = co_await context_.resolver->mx(*domain, lookup_deadline());
  dns::MxOptions options;
  options.our_names = context_.our_names;
  options.seed = seed_;
  route_ = dns::order_mx(*domain, answer, options);
  using Kind = dns::MxRoute::Kind;
  switch (route_.kind) {
    case Kind::hosts: break;
    case Kind::null_mx: set_trouble(true, {5, 1, 10}, way_.domain + " takes no mail (null MX)"); break;  // [RFC7505 4.2]
    case Kind::no_domain: set_trouble(true, {5, 1, 2}, "the domain " + way_.domain + " does not exist"); break;
    case Kind::unusable: set_trouble(true, {5, 4, 4}, way_.domain + ": " + route_.why); break;
    case Kind::ourselves: set_trouble(true, {5, 4, 6}, "the mail of " + way_.domain + " leads back to this server: " + route_.why); break;
    case Kind::unknown: set_trouble(false, {4, 4, 3}, "MX of " + way_.domain + ": " + route_.why); break;
  }
  if (route_.kind != Kind::hosts) route_.hosts.clear();
  std::string note = "MX of " + way_.domain + " (" + std::string(to_string(route_.dnssec)) + "):";
  if (route_.implicit) note += " none, the domain itself";
  else
    for (const auto& host : route_.hosts) note += ' ' + std::to_string(host.preference) + ' ' + host.name.text();
  notes_.push_back(std::move(note));
  if (!context_.sts || route_.hosts.empty()) co_return;
  sts_ = co_await context_.sts->policy_of(way_.domain, lookup_deadline());
  if (!sts_.note.empty()) notes_.push_back(sts_.note);
  if (sts_.failure_type.empty() || !context_.results || way_.tls_optional || (way_.relay && way_.relay->says_tls)) co_return;
  auto policy = std::make_shared<ReportedPolicy>();
  policy->type = ReportedPolicy::Type::sts;
  if (sts_.policy) policy->strings = sts_.policy->lines();
  context_.results->add({.domain = way_.domain,
                         .policy = std::move(policy),
                         .failure = TlsFailure{.result = sts_.failure_type, .sending_ip = {}, .mx_host = {}, .receiving_ip = {}, .reason = sts_.note}});
}

// [RFC5321 5.1]
Task<> Targets::open_host(dns::MxHost host) {
  const auto name = host.name.text();
  auto addresses = co_await dns::find_addresses(*context_.resolver, host.name, address_options(), lookup_deadline());
  if (addresses.is_ourselves) {
    dns::drop_from_ours(route_, host.name);
    if (route_.kind != dns::MxRoute::Kind::hosts) route_.hosts.clear();
    next_host_ = route_.hosts.size();
    if (given_ == 0) set_trouble(true, {5, 4, 6}, "the mail of " + way_.domain + " leads back to this server: " + name + " has one of its addresses");
    co_return;
  }
  if (addresses.addresses.empty()) {
    const bool certain = dns::is_definite(addresses.status);
    const auto code = certain ? smtp::EnhancedCode{5, 4, 4} : smtp::EnhancedCode{4, 4, 3};
    co_return set_trouble(certain, code, name + ": " + (addresses.why.empty() ? "no address" : addresses.why));
  }
  TlsQuestion question{.way = &way_, .host = name, .domain = way_.domain, .mx_is_secure = route_.dnssec == dns::Dnssec::secure, .dane = {}, .sts = sts_.policy};
  const auto port = static_cast<std::uint16_t>(kPort.get());
  if (kDane.get() && question.mx_is_secure && !way_.tls_optional) question.dane = co_await find_dane(*context_.resolver, addresses, port, lookup_deadline());
  const auto decision = decide_tls(question);
  if (decision.forbidden) {
    count(question, decision);
    co_return set_trouble(decision.permanent, decision.code, decision.reason);
  }
  const auto policy = reported_policy(question);
  const bool is_sts = policy && policy->type == ReportedPolicy::Type::sts;
  for (const auto& address : addresses.addresses) {
    add(address.ip, name, decision, port);
    ready_.back().policy = policy;
    ready_.back().named_by_sts = !is_sts || question.sts->allows(name);
  }
}

void Targets::count(const TlsQuestion& question, const TlsDecision& decision) {
  const auto policy = reported_policy(question);
  const auto failure = failure_of(question, decision);
  if (policy && failure && context_.results) context_.results->add({.domain = way_.domain, .policy = policy, .failure = failure});
}

Task<> Targets::open_relay() {
  const auto& relay = *way_.relay;
  TlsQuestion question{.way = &way_, .host = relay.host, .domain = way_.domain, .mx_is_secure = false, .dane = {}, .sts = {}};
  const auto decision = decide_tls(question);
  if (decision.forbidden) co_return set_trouble(decision.permanent, decision.code, decision.reason);
  if (!relay.unix_path.empty()) {
    ready_.push_back({.address = {.host = {}, .port = 0, .unix_path = relay.unix_path}, .host = relay.unix_path, .tls = decision, .source = {}});
    co_return;
  }
  if (const auto ip = IpAddress::parse(relay.host)) co_return add(*ip, relay.host, decision, relay.port);
  const auto name = dns::Name::parse(relay.host);
  if (!name) co_return set_trouble(false, {4, 3, 5}, "relay " + relay.host + ": no host can have this name");
  const auto addresses = co_await dns::find_addresses(*context_.resolver, *name, address_options(), lookup_deadline());
  // Its name is the operator's word: nobody's mail is sent back for a mistake in it.
  if (addresses.addresses.empty()) co_return set_trouble(false, {4, 4, 3}, "relay " + relay.host + ": " + (addresses.why.empty() ? "no address" : addresses.why));
  for (const auto& address : addresses.addresses) add(address.ip, relay.host, decision, relay.port);
}

void Targets::add(const IpAddress& ip, const std::string& host, const TlsDecision& tls, std::uint16_t port) {
  ready_.push_back({.address = {.host = ip.text(), .port = port, .unix_path = {}}, .host = host, .tls = tls, .source = source_for(way_, ip)});
}

}  // namespace posthorn::delivery
