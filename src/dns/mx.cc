#include "dns/mx.h"

#include <algorithm>
#include <random>
#include <unordered_set>

namespace posthorn::dns {
namespace {

MxRoute ended(MxRoute route, MxRoute::Kind kind, std::string why) {
  route.kind = kind;
  route.hosts.clear();
  route.why = std::move(why);
  return route;
}

bool is_usable(const MxHost& host, AddressAsMx address) {
  return host.name.is_host_name() || (address == AddressAsMx::use && host.name.as_address());
}

// Keeps what is better than `preference`, which is ours.
void drop_from(MxRoute& route, std::uint16_t preference) {
  std::erase_if(route.hosts, [&](const MxHost& h) { return h.preference >= preference; });
  if (route.hosts.empty()) route = ended(std::move(route), MxRoute::Kind::ourselves, "the best mail host of the domain is this one");
}

// The usable ones in order, each once.
std::vector<MxHost> in_order(const std::vector<Mx>& records, const MxOptions& options) {
  std::vector<MxHost> hosts;
  for (const auto& mx : records)
    if (MxHost host{mx.preference, mx.host}; is_usable(host, options.address)) hosts.push_back(std::move(host));
  std::ranges::sort(hosts, {}, [](const MxHost& h) { return std::pair<std::uint16_t, std::string_view>(h.preference, h.name.text()); });
  std::mt19937_64 random(options.seed);
  for (auto equal = hosts.begin(); equal != hosts.end();) {
    const auto end = std::find_if(equal, hosts.end(), [&](const MxHost& h) { return h.preference != equal->preference; });
    std::shuffle(equal, end, random);
    equal = end;
  }
  std::unordered_set<std::string_view> seen;
  std::vector<MxHost> out;
  for (auto& host : hosts)
    if (seen.insert(host.name.text()).second) out.push_back(host);
  return out;
}

}  // namespace

MxRoute order_mx(const Name& domain, const Answer<Mx>& answer, const MxOptions& options) {
  MxRoute route;
  route.dnssec = answer.dnssec;
  if (!answer.definite()) return ended(std::move(route), MxRoute::Kind::unknown, std::string(to_string(answer.status)) + ": " + answer.why);
  if (answer.status == Status::nxdomain) return ended(std::move(route), MxRoute::Kind::no_domain, "the domain does not exist");
  if (answer.status == Status::nodata) {
    route.implicit = true;
    route.hosts = {{0, domain}};
  } else if (answer.records.size() == 1 && answer.records[0].host.is_root()) {  // [RFC7505 3] and no other; its preference does not matter
    return ended(std::move(route), MxRoute::Kind::null_mx, "the domain takes no mail (null MX)");
  } else {
    route.hosts = in_order(answer.records, options);
  }
  if (route.hosts.empty()) return ended(std::move(route), MxRoute::Kind::unusable, "none of the domain's MX records names a host");
  route.kind = MxRoute::Kind::hosts;
  const auto ours = std::ranges::find_if(
      route.hosts, [&](const MxHost& h) { return std::ranges::find(options.our_names, h.name) != options.our_names.end(); });
  if (ours != route.hosts.end()) drop_from(route, ours->preference);
  if (route.hosts.size() > options.max_hosts) route.hosts.resize(std::max<std::size_t>(1, options.max_hosts));
  return route;
}

void drop_from_ours(MxRoute& route, const Name& host) {
  const auto ours = std::ranges::find(route.hosts, host, &MxHost::name);
  if (ours != route.hosts.end()) drop_from(route, ours->preference);
}

}  // namespace posthorn::dns
