#include "check/mail_hosts.h"

#include <algorithm>

#include "async/task_group.h"
#include "check/judge.h"
#include "check/plan.h"

namespace posthorn::check {
namespace {

Task<std::string> way_back(World& world, IpAddress address, Deadline until) {
  const auto answer = co_await world.resolver.ptr(dns::Name::reverse(address), world.dns_deadline());
  if (!answer.definite()) co_return address.text() + ": the DNS gives no answer (" + std::string(dns::to_string(answer.status)) + ')';
  if (!answer.ok()) co_return address.text() + " has no name (no PTR record)";
  constexpr std::size_t kNames = 4;
  for (std::size_t i = 0; i < std::min(kNames, answer.records.size()) && std::chrono::steady_clock::now() < until; ++i) {
    const auto forward = co_await look_up_host(world, answer.records[i].text());
    if (std::ranges::find(forward.addresses, address) != forward.addresses.end()) co_return std::string();
  }
  co_return address.text() + " is called " + answer.records.front().text() + ", which does not lead back to it";
}

std::vector<net::TlsaRecord> for_tls(const std::vector<dns::Tlsa>& records) {
  std::vector<net::TlsaRecord> out;
  for (const auto& r : records) out.push_back({r.usage, r.selector, r.matching_type, r.data});
  return out;
}

Task<> look_with_dane(World& world, MailHost& out) {
  auto options = world.probe;
  net::TlsPolicy policy{
      .trust = net::TlsTrust::dane, .server_name = out.mx.name.text(), .names = {out.mx.name.text()}, .tlsa = for_tls(out.tlsa.records)};
  if (!out.lookup.canonical_name.empty()) policy.names.push_back(out.lookup.canonical_name);  // [RFC7672 2.2.2]
  options.policy = [policy = std::move(policy)](const std::string&) { return policy; };
  options.old_tls = nullptr;  // these are looked for elsewhere
  options.relay_to.clear();
  for (const auto& address : out.lookup.addresses) {
    out.dane = co_await probe_port({.service = Service::smtp, .host = out.mx.name.text(), .port = 25, .expected = Security::starttls},
                                   address, options);
    if (out.dane->reached == Reached::yes) break;
  }
}

Task<> look_at(World& world, MailHost& out) {
  if (out.mx.name.as_address()) co_return;
  out.lookup = co_await look_up_host(world, out.mx.name.text());
  out.is_alias = !out.lookup.canonical_name.empty();
  const auto until = after(3 * world.dns_timeout);  // for all, whatever the zones of their names do
  for (const auto& address : out.lookup.addresses) {
    const bool late = std::chrono::steady_clock::now() >= until;
    auto wrong = late ? address.text() + ": the DNS is too slow to tell" : co_await way_back(world, address, until);
    if (!wrong.empty()) out.reverse.push_back(std::move(wrong));
  }
  const auto name = out.mx.name.below("_25._tcp");
  if (!name) co_return;
  out.tlsa = co_await world.resolver.tlsa(*name, world.dns_deadline());
  if (out.tlsa.ok() && !out.lookup.addresses.empty()) co_await look_with_dane(world, out);
}

bool is_reachable_by_all(const IpAddress& a) { return a.reach() == Reach::global; }

void judge_host(Findings& out, const MailHost& h) {
  const auto name = h.mx.name.text();
  if (h.mx.name.as_address())
    return out.error("MX", name + " is an address; an MX record must name a host [RFC5321 5.1]",
                     "name the host; many servers do not deliver as it is");
  if (h.is_alias)
    out.warn("MX", name + " is an alias of " + h.lookup.canonical_name + ", which it must not be [RFC2181 10.3]",
             "let the MX record name " + h.lookup.canonical_name);
  if (h.lookup.addresses.empty())
    return out.error("MX", name + ": " + h.lookup.why, "give it an address, or take it out of the MX records");
  for (const auto& a : h.lookup.addresses)
    if (!is_reachable_by_all(a))
      out.warn("MX", name + " has the address " + a.text() + ", which others cannot reach", "publish addresses of the internet only");
}

}  // namespace

Task<std::vector<MailHost>> look_at_mail_hosts(World& world, const dns::MxRoute& route) {
  std::vector<MailHost> out;
  for (const auto& host : route.hosts)
    if (out.size() < kHosts) out.push_back({.mx = host});
  TaskGroup group;
  for (auto& host : out) group.spawn(Reactor::current(), look_at(world, host));
  co_await group.join();
  co_return out;
}

Findings judge_mx(const Discovery& found, std::span<const MailHost> hosts, const std::string& domain) {
  Findings out;
  const auto& route = found.mx;
  switch (route.kind) {
    case dns::MxRoute::Kind::null_mx:
      out.note("MX", "the domain takes no mail, and says so (null MX) [RFC7505]");
      return out;
    case dns::MxRoute::Kind::no_domain:
      out.error("MX", "there is no domain " + domain, "see whether it is written correctly, registered, and its zone is served");
      return out;
    case dns::MxRoute::Kind::unusable:
    case dns::MxRoute::Kind::ourselves:
      out.error("MX", "no MX record names a host that could take mail" + (route.why.empty() ? "" : ": " + in_quotes(route.why)),
                "publish MX records with names of hosts");
      return out;
    case dns::MxRoute::Kind::unknown:
      out.error("MX", "the DNS gives no answer: " + in_quotes(route.why),
                route.dnssec == dns::Dnssec::bogus ? "repair the zone's DNSSEC: signatures, and the DS record above"
                                                   : "look at the zone and its name servers");
      return out;
    case dns::MxRoute::Kind::hosts:
      break;
  }
  const bool null_beside =
      found.mx_records.size() > 1 && std::ranges::any_of(found.mx_records, [](const dns::Mx& mx) { return mx.host.is_root(); });
  if (null_beside) out.error("MX", "there is a null MX (\".\") beside other records [RFC7505 3]", "take it out");
  if (route.implicit) {
    const bool reachable = !hosts.empty() && !hosts.front().lookup.addresses.empty();
    if (reachable)
      out.warn("MX", "there is no MX record; mail goes to the address of " + domain + " itself",
               "publish an MX record; or a null MX, if the domain takes no mail");
    else
      out.error("MX", "there is no MX record, and the domain has no address: it takes no mail",
                "publish an MX record; or a null MX, if that is what you want");
    if (!reachable) return out;
  }
  for (const auto& h : hosts) judge_host(out, h);
  std::string listed;
  for (const auto& h : hosts)
    listed += (listed.empty() ? "" : ", ") + (route.implicit ? "" : std::to_string(h.mx.preference) + ' ') + h.mx.name.text();
  if (out.all.empty()) out.ok("MX", listed);
  bool all_back = true;
  for (const auto& h : hosts)
    for (const auto& wrong : h.reverse) {
      all_back = false;
      out.warn("reverse", h.mx.name.text() + ": " + in_quotes(wrong),
               "if it sends mail too: whoever gave you the address sets its name; many refuse mail from hosts without");
    }
  const bool any = std::ranges::any_of(hosts, [](const auto& h) { return !h.lookup.addresses.empty(); });
  if (all_back && any) out.ok("reverse", "the addresses of the MX hosts have names that lead back to them");
  return out;
}

Findings judge_dane(std::span<const MailHost> hosts, dns::Dnssec of_mx) {
  Findings out;
  std::string good;
  for (const auto& h : hosts) {
    const auto about = "TLSA " + h.mx.name.text();
    if (!h.tlsa.definite() && h.tlsa.status != dns::Status::cancelled && !h.lookup.addresses.empty() && h.lookup.secure)
      out.error(about,
                "the DNS gives no answer: " + std::string(dns::to_string(h.tlsa.status)) +
                    "; servers that follow DANE wait and do not deliver [RFC7672 2.2]",
                "let the name servers answer for _25._tcp." + h.mx.name.text());
    if (!h.tlsa.ok()) continue;
    if (!h.tlsa.secure() || of_mx != dns::Dnssec::secure) {
      out.note(about, "without effect: " + std::string(h.tlsa.secure() ? "the domain's zone" : "its zone") + " is not signed (DNSSEC)");
      continue;
    }
    const bool seen = h.dane && h.dane->reached == Reached::yes;
    if (!seen)
      out.note(about, "there are records; the host could not be reached to compare its certificate with them");
    else if (h.dane->verdict.verified)
      good += (good.empty() ? "" : ", ") + h.mx.name.text() + " (" + h.dane->verdict.text + ')';
    else if (!h.dane->before.start_tls)
      out.error(about, "there are records, but the server offers no STARTTLS: servers that follow DANE do not deliver", "turn on TLS");
    else
      out.error(about, in_quotes(h.dane->verdict.text) + ": servers that follow DANE do not deliver",
                "publish \"3 1 1\" with the digest of the key in use, and the next key's before it is used");
  }
  if (!good.empty()) out.ok("TLSA", good);
  return out;
}

}  // namespace posthorn::check
