#include "check/plan.h"

#include <algorithm>
#include <tuple>

namespace posthorn::check {
namespace {

bool is_promise(const Candidate& c) { return c.port != 0 && c.source != Source::guess && c.source != Source::given; }

std::size_t standard_place(const ProbeTarget& t) {
  const auto ports = standard_ports();
  const auto found = std::ranges::find_if(ports, [&](const StandardPort& p) { return p.port == t.port && p.service == t.service; });
  const auto of_service = std::ranges::find(ports, t.service, &StandardPort::service);
  return static_cast<std::size_t>((found == ports.end() ? of_service : found) - ports.begin());
}

ProbeTarget& target_of(std::vector<ProbeTarget>& all, Service service, const std::string& host, std::uint16_t port, Security expected) {
  const auto found =
      std::ranges::find_if(all, [&](const ProbeTarget& t) { return t.service == service && t.host == host && t.port == port; });
  if (found != all.end()) return *found;
  return all.emplace_back(ProbeTarget{.service = service, .host = host, .port = port, .expected = expected});
}

}  // namespace

std::vector<ProbeTarget> plan_targets(std::span<const Candidate> candidates, const std::set<Service>& only) {
  std::vector<ProbeTarget> out;
  std::vector<std::string> hosts;
  for (const auto& c : candidates) {
    if (!only.empty() && !only.contains(c.service)) continue;
    if (std::ranges::find(hosts, c.host) == hosts.end()) {
      if (hosts.size() == kHosts) continue;
      hosts.push_back(c.host);
    }
    if (is_promise(c)) {
      auto& names = target_of(out, c.service, c.host, c.port, c.security).named_by;
      auto name = std::string(to_string(c.source)) + ' ' + c.where;
      if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    }
  }
  for (const auto& c : candidates) {
    if ((!only.empty() && !only.contains(c.service)) || std::ranges::find(hosts, c.host) == hosts.end()) continue;
    for (const auto& p : standard_ports())
      if (p.service == c.service) target_of(out, p.service, c.host, p.port, p.security);
  }
  for (auto& t : out) t.vouched = std::ranges::any_of(candidates, [&](const Candidate& c) { return c.host == t.host && c.vouched; });
  std::ranges::sort(out, {}, [&](const ProbeTarget& t) {
    return std::tuple(std::ranges::find(hosts, t.host) - hosts.begin(), standard_place(t), t.service, t.port);
  });
  if (out.size() > kTargets) out.resize(kTargets);
  return out;
}

std::vector<Candidate> candidates_of_host(const std::string& host) {
  std::vector<Candidate> out;
  for (const auto service : {Service::smtp, Service::submission, Service::imap, Service::pop3})
    out.push_back({.service = service, .host = host, .source = Source::given, .vouched = true});
  return out;
}

}  // namespace posthorn::check
