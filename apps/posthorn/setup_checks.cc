// Whether the surroundings are fit for a mail server.
#include <algorithm>
#include <charconv>

#include "app/dns_records.h"
#include "async/reactor.h"
#include "async/task_group.h"
#include "dns/unbound_resolver.h"
#include "net/connect.h"
#include "setup.h"

namespace posthorn {
namespace {

using namespace std::chrono_literals;
using State = app::DnsFinding::State;

constexpr auto kDnsPatience = 10s;
constexpr auto kConnectPatience = 6s;
// Who runs mail servers that everybody may reach.
constexpr const char* kWellKnown[] = {"gmail.com", "outlook.com", "icloud.com"};

Task<SetupCheck> check_resolver(dns::Resolver& resolver) {
  switch (co_await dns::probe_dnssec(resolver, after(kDnsPatience))) {
    case dns::DnssecProbe::works: co_return SetupCheck{true, "the resolver answers, and DNSSEC is validated"};
    case dns::DnssecProbe::off: co_return SetupCheck{false, "DNSSEC is not validated: no DANE (dns.dnssec, dns.trust_anchor)"};
    case dns::DnssecProbe::stripped:
      co_return SetupCheck{
          false,
          "the resolvers pass no DNSSEC signatures on, so that nothing can be resolved: set dns.servers = \"root\", or to better ones"};
    case dns::DnssecProbe::unreachable: break;
  }
  co_return SetupCheck{false, "no resolver answers: see dns.servers"};
}

Task<> check_names(dns::Resolver& resolver, std::string hostname, std::vector<SetupCheck>& out) {
  const auto findings = co_await app::check_host(resolver, hostname);
  for (const auto& f : findings) {
    std::string there;
    for (const auto& text : f.published) there += ' ' + text;
    const auto what = f.record.purpose == "host" ? hostname + " has addresses:" : f.record.name + " leads back:";
    if (f.state == State::ok) out.push_back({true, what + there});
    else if (f.record.purpose == "host")
      out.push_back({false, hostname + " has no address yet (" + std::string(app::to_string(f.state)) + ')'});
    else
      out.push_back({false, f.record.name + " does not lead back to " + hostname + ": " + f.record.note +
                                (there.empty() ? "" : "; it is now" + there)});
  }
}

Task<SetupCheck> check_mx(dns::Resolver& resolver, std::string domain, std::string hostname) {
  const auto name = dns::Name::from_domain(domain);
  if (!name) co_return SetupCheck{false, domain + ": " + name.error().text};
  const auto answer = co_await resolver.mx(*name, after(kDnsPatience));
  if (!answer.definite())
    co_return SetupCheck{false, "nobody can say where mail for " + domain + " goes now: " + std::string(dns::to_string(answer.status))};
  if (!answer.ok()) co_return SetupCheck{true, domain + " has no MX record yet"};
  std::string hosts;
  bool here = false;
  for (const auto& mx : answer.records) {
    hosts += ' ' + mx.host.text();
    here = here || mx.host.text() == hostname;
  }
  if (here) co_return SetupCheck{true, "mail for " + domain + " goes to" + hosts};
  co_return SetupCheck{false, "mail for " + domain + " goes elsewhere until you change its MX records:" + hosts};
}

// A greeting, or not.
Task<> try_address(net::Address to, bool& reached) {
  net::Connector connector;
  const auto deadline = after(kConnectPatience);
  auto connection = co_await connector.connect(std::move(to), {}, deadline);
  if (!connection) co_return;
  const auto line = co_await (*connection)->read_line(1000, net::LineEnd::any_lf, deadline);
  reached = line && line->starts_with("220");
}

Task<> try_domain(dns::Resolver& resolver, std::string domain, bool& reached) {
  const auto name = dns::Name::parse(domain);
  if (!name) co_return;
  const auto mx = co_await resolver.mx(*name, after(kDnsPatience));
  if (!mx.ok()) co_return;
  const auto best = std::ranges::min_element(mx.records, {}, &dns::Mx::preference);
  const auto addresses = co_await resolver.a(best->host, after(kDnsPatience));
  if (addresses.ok()) co_await try_address({addresses.records.front().text(), 25, {}}, reached);
}

Task<SetupCheck> check_port_25(dns::Resolver& resolver, std::vector<std::string> probes) {
  std::vector<char> slots(std::max(probes.size(), std::size(kWellKnown)));
  auto reached = std::make_unique<bool[]>(slots.size());
  TaskGroup group;
  for (std::size_t i = 0; i < probes.size(); ++i) {
    const auto colon = probes[i].rfind(':');
    std::uint16_t port = 0;
    if (colon != probes[i].npos) std::from_chars(probes[i].data() + colon + 1, probes[i].data() + probes[i].size(), port);
    group.spawn(Reactor::current(), try_address({probes[i].substr(0, colon), port, {}}, reached[i]));
  }
  if (probes.empty())
    for (std::size_t i = 0; i < std::size(kWellKnown); ++i)
      group.spawn(Reactor::current(), try_domain(resolver, kWellKnown[i], reached[i]));
  co_await group.join();
  if (std::any_of(reached.get(), reached.get() + slots.size(), [](bool r) { return r; }))
    co_return SetupCheck{true, "other mail servers can be reached on port 25"};
  co_return SetupCheck{false,
                       "no other mail server could be reached on port 25: many providers block it until they are asked; a [[relay]] on "
                       "port 587 goes around it"};
}

Task<> check_into(Task<SetupCheck> check, SetupCheck& out) { out = co_await std::move(check); }

Task<std::vector<SetupCheck>> check_all(dns::Resolver& resolver, SetupPlan plan, std::vector<std::string> probes) {
  std::vector<SetupCheck> out(3), names;
  TaskGroup group;
  auto& here = Reactor::current();
  group.spawn(here, check_into(check_resolver(resolver), out[0]));
  group.spawn(here, check_into(check_mx(resolver, plan.domain, plan.hostname), out[1]));
  group.spawn(here, check_into(check_port_25(resolver, std::move(probes)), out[2]));
  group.spawn(here, check_names(resolver, plan.hostname, names));
  co_await group.join();
  out.insert(out.begin() + 1, names.begin(), names.end());
  co_return out;
}

}  // namespace

std::vector<SetupCheck> check_surroundings(const config::Config&, const SetupPlan& plan, const std::vector<std::string>& probes) {
  const auto options = dns::options_from_settings();
  const auto resolver = dns::UnboundResolver::open(options);
  if (!resolver) return {{false, "there is no resolver: " + resolver.error().text}};
  auto found = run_task(check_all(**resolver, plan, probes));
  (*resolver)->shut_down();
  return found;
}

}  // namespace posthorn
