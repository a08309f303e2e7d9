#include "check/doctor.h"

#include <algorithm>

#include "async/task_group.h"
#include "check/domain.h"
#include "check/judge.h"
#include "check/plan.h"

namespace posthorn::check {
namespace {

// The jobs of some workers that take one after the other.
struct Probes {
  World& world;
  const std::vector<ProbeTarget>& targets;
  const std::vector<HostReport>& hosts;
  const OnStep& on_step;
  std::vector<PortReport> reports;
  std::vector<Findings> findings;
  std::size_t next = 0, done = 0;
};

const HostLookup& lookup_of(const std::vector<HostReport>& hosts, const std::string& host) {
  return std::ranges::find(hosts, host, &HostReport::host)->lookup;
}

// The first address that takes the connection is looked at; that others do not is worth a word, for programs may come to them first.
Task<> probe_one(Probes& p, std::size_t i) {
  const auto& target = p.targets[i];
  const auto& addresses = lookup_of(p.hosts, target.host).addresses;
  auto& out = p.reports[i];
  std::vector<std::string> silent;
  for (const auto& address : addresses) {
    auto report = co_await probe_port(target, address, p.world.probe);
    const bool better = out.address.empty() || report.reached == Reached::yes || out.reached == Reached::no_way;
    if (report.reached == Reached::no_answer || report.reached == Reached::refused) silent.push_back(report.address);
    if (better) out = std::move(report);
    if (out.reached == Reached::yes) break;
  }
  if (out.reached != Reached::yes) co_return;
  for (const auto& address : silent)
    p.findings[i].warn(place_of(out), "it does not answer at " + address + ", though the host has this address",
                       "let the server listen there, or take the address out of the DNS: programs that try it first wait");
}

Task<> work(Probes& p) {
  while (p.next < p.targets.size()) {
    const auto i = p.next++;
    co_await probe_one(p, i);
    ++p.done;
    if (p.on_step) p.on_step({"ports", p.done, p.targets.size()});
  }
}

Task<> look_up_into(World& world, HostReport& out) { out.lookup = co_await look_up_host(world, out.host); }

Task<> look_up_hosts(World& world, const std::vector<ProbeTarget>& targets, std::vector<HostReport>& out) {
  for (const auto& t : targets)
    if (std::ranges::find(out, t.host, &HostReport::host) == out.end()) out.push_back({t.host, {}});
  TaskGroup group;
  for (auto& host : out) group.spawn(Reactor::current(), look_up_into(world, host));
  co_await group.join();
}

// `asked`: the host that the user named, if he did.
void judge_hosts(const std::vector<ProbeTarget>& targets, const std::vector<HostReport>& hosts, const std::string& asked, Findings& out) {
  for (const auto& h : hosts) {
    if (!h.lookup.addresses.empty()) continue;
    const auto promise = std::ranges::find_if(targets, [&](const ProbeTarget& t) { return t.host == h.host && !t.named_by.empty(); });
    if (asked == h.host)
      out.error(h.host, h.lookup.why, "see whether the name is written correctly, and whether this machine's resolver works");
    if (promise != targets.end())
      out.error(h.host, promise->named_by.front() + " names this host, but " + h.lookup.why, "give it an address, or change what names it");
  }
}

Task<> probe_all(World& world, std::vector<ProbeTarget> targets, const OnStep& on_step, Report& out, Findings& findings) {
  co_await look_up_hosts(world, targets, out.hosts);
  judge_hosts(targets, out.hosts, out.question.host, findings);
  std::erase_if(targets, [&](const ProbeTarget& t) { return lookup_of(out.hosts, t.host).addresses.empty(); });
  Probes probes{world, targets, out.hosts, on_step, std::vector<PortReport>(targets.size()), std::vector<Findings>(targets.size())};
  TaskGroup group;
  for (std::size_t i = 0; i < std::min(kAtOnce, targets.size()); ++i) group.spawn(Reactor::current(), work(probes));
  co_await group.join();
  for (std::size_t i = 0; i < targets.size(); ++i) {
    findings.add(std::move(probes.findings[i]));
    findings.add(judge_port(probes.reports[i], now()));
  }
  out.ports = std::move(probes.reports);
}

// Programs need a way in and a way out; somebody who looks at one service only asks for no more.
void judge_settings(const Report& r, Findings& out) {
  const auto wanted = [&](Service s) { return r.question.only.empty() || r.question.only.contains(s); };
  const auto have = [&](Service s) { return std::ranges::find(r.settings, s, &Setting::service) != r.settings.end(); };
  if (r.question.domain.empty()) return;
  if (wanted(Service::imap) && wanted(Service::pop3) && !have(Service::imap) && !have(Service::pop3))
    out.error(r.question.domain, "no server was found from which a program could read mail safely",
              "offer IMAP on port 993, and publish SRV records for it (_imaps._tcp)");
  if (wanted(Service::submission) && !have(Service::submission))
    out.error(r.question.domain, "no server was found by which a program could send mail safely",
              "offer submission on port 465, and publish SRV records for it (_submissions._tcp)");
}

// A host that nobody promised anything of: is there any mail server on it?
void judge_host(const Report& r, Findings& out) {
  const auto reached = [](const PortReport& p) { return p.reached == Reached::yes; };
  const auto no_way = [](const PortReport& p) { return p.reached == Reached::no_way; };
  if (r.ports.empty() || std::ranges::any_of(r.ports, reached)) return;
  if (std::ranges::all_of(r.ports, no_way))
    out.error(r.question.host, "nothing could be looked at: this machine has no way to it", "see whether this machine is on the network");
  else
    out.error(r.question.host,
              r.question.only.empty() ? "no port for mail can be reached on it" : "none of the ports that were asked for can be reached",
              "see whether it is the right host, its servers run, and the firewall lets programs through");
}

// Who says "example.org" may mean the domain.
Task<> look_for_domain(World& world, std::string host, Findings& out) {
  const auto name = IpAddress::parse(host) ? Result<dns::Name>(fail(Errc::invalid)) : dns::Name::parse(host);
  if (!name) co_return;
  const auto answer = co_await world.resolver.mx(*name, world.dns_deadline());
  if (answer.ok())
    out.note(host, "it is also a domain with servers of its own for mail (MX)", "posthorn check @" + host + " examines those");
}

}  // namespace

bool Report::has_errors() const {
  const auto bad = [](const Finding& f) { return f.level == Level::error; };
  return std::ranges::any_of(servers, bad) || std::ranges::any_of(domain, bad);
}

Task<Report> examine(World& world, Question question, OnStep on_step) {
  Report out{.question = question};
  Findings findings;
  Discovery found;
  if (question.host.empty()) {
    if (on_step) on_step({"looking for the servers", 0, 0});
    found = co_await discover(world, {question.domain, question.address, question.ispdb});
    findings.add(std::move(found.findings));
    out.candidates = found.candidates;
    out.dns_is_silent = !world.dns_answers && found.mx.kind == dns::MxRoute::Kind::unknown;
    if (out.dns_is_silent) {
      out.servers.push_back({Level::error, "DNS", "no question is answered: nothing is known of " + question.domain,
                             "see whether this machine is on the network and its resolver runs; --resolver asks another"});
      co_return out;
    }
  } else {
    out.candidates = candidates_of_host(question.host);
  }
  co_await probe_all(world, plan_targets(out.candidates, question.only), on_step, out, findings);
  out.settings = choose_settings(out.ports, out.candidates, question.address);
  if (found.mx.kind != dns::MxRoute::Kind::no_domain) judge_settings(out, findings);
  if (!question.host.empty()) {
    judge_host(out, findings);
    co_await look_for_domain(world, question.host, findings);
  } else {
    if (on_step) on_step({"reading the domain's records", 0, 0});
    auto records = co_await examine_domain(world, found, question.domain, question.selectors, out.ports);
    out.domain = std::move(records.all);
  }
  if (question.login) {
    if (on_step) on_step({"signing in", 0, 0});
    auto trip = co_await make_round_trip(world, out.ports, *question.login);
    findings.add(std::move(trip.findings));
    out.round_trip = std::move(trip);
  }
  out.servers = folded(std::move(findings.all));
  co_return out;
}

}  // namespace posthorn::check
