#include "check/domain.h"

#include <algorithm>

#include "async/task_group.h"
#include "check/dkim_keys.h"
#include "check/dmarc.h"
#include "check/mail_hosts.h"
#include "check/spf.h"
#include "check/transport.h"

namespace posthorn::check {
namespace {

Task<> into(Task<Findings> task, Findings& out) { out = co_await std::move(task); }
Task<> hosts_into(World& world, const dns::MxRoute& route, std::vector<MailHost>& out) { out = co_await look_at_mail_hosts(world, route); }

Findings judge_dnssec(const World& world, const Discovery& found) {
  Findings out;
  if (!world.dnssec)
    out.note("DNSSEC", "not looked at: the resolver of this machine drops the signatures", "ask another one with --resolver, or \"root\"");
  else if (found.mx.dnssec == dns::Dnssec::secure)
    out.ok("DNSSEC", "the zone is signed");
  else if (found.mx.dnssec == dns::Dnssec::insecure)
    out.note("DNSSEC", "the zone is not signed: its records can be forged on the way, and DANE is not possible");
  return out;
}

// [RFC6186] [RFC8314 5.1]
Findings judge_services(const Discovery& found) {
  Findings out;
  const auto has = [&](Source source) {
    return std::ranges::any_of(found.candidates, [&](const Candidate& c) { return c.source == source; });
  };
  std::string listed;
  for (const auto& c : found.candidates)
    if (c.source == Source::srv)
      listed += (listed.empty() ? "" : ", ") + c.where.substr(0, c.where.find('.')) + ' ' + c.host + ':' + std::to_string(c.port);
  if (!listed.empty())
    out.ok("SRV", listed);
  else if (!found.srv_is_known)
    return out;  // said where they were asked for
  else if (has(Source::autoconfig))
    out.note("SRV", "there are no records; programs that do not know autoconfig guess", "publish _imaps._tcp and _submissions._tcp");
  else
    out.warn("SRV", "neither SRV records nor autoconfig name the servers: mail programs guess",
             "publish _imaps._tcp and _submissions._tcp, as \"0 1 993 mail.example.org.\"");
  return out;
}

}  // namespace

Task<Findings> examine_domain(World& world, const Discovery& found, std::string domain, std::vector<std::string> selectors,
                              std::span<const PortReport> ports) {
  Findings out, spf, dkim, dmarc, sts, tlsrpt;
  const auto name = dns::Name::parse(domain);
  if (!name || found.mx.kind == dns::MxRoute::Kind::no_domain) {
    out.add(judge_mx(found, {}, domain));
    co_return out;
  }
  std::vector<std::string> names;
  for (const auto& h : found.mx.hosts) names.push_back(h.name.text());
  std::vector<MailHost> hosts;
  {
    TaskGroup group;
    auto& here = Reactor::current();
    group.spawn(here, hosts_into(world, found.mx, hosts));
    group.spawn(here, into(check_spf(world, *name), spf));
    group.spawn(here, into(check_dkim(world, *name, std::move(selectors)), dkim));
    group.spawn(here, into(check_dmarc(world, *name), dmarc));
    group.spawn(here, into(check_sts(world, *name, names, ports), sts));
    group.spawn(here, into(check_tlsrpt(world, *name), tlsrpt));
    co_await group.join();
  }
  out.add(judge_mx(found, hosts, domain));
  out.add(judge_dnssec(world, found));
  for (auto* more : {&spf, &dkim, &dmarc, &sts, &tlsrpt}) out.add(std::move(*more));
  if (world.dnssec) out.add(judge_dane(hosts, found.mx.dnssec));
  out.add(judge_services(found));
  co_return out;
}

}  // namespace posthorn::check
