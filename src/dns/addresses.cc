#include "dns/addresses.h"

#include <algorithm>
#include <random>

#include "async/reactor.h"
#include "async/task_group.h"

namespace posthorn::dns {
namespace {

bool is_allowed(const IpAddress& ip, const AddressOptions& options) {
  switch (ip.reach()) {
    case Reach::global: return true;
    case Reach::private_use: return options.allow_private;
    case Reach::loopback: return options.allow_loopback;
    case Reach::link_local:
    case Reach::multicast:
    case Reach::none: return false;
  }
  return false;
}

Dnssec worse(Dnssec a, Dnssec b) {
  for (const auto state : {Dnssec::bogus, Dnssec::indeterminate, Dnssec::insecure})
    if (a == state || b == state) return state;
  return Dnssec::secure;
}

std::vector<HostAddress> usable(const Answer<IpAddress>* answer, HostAddresses& out, const AddressOptions& options) {
  std::vector<HostAddress> found;
  if (!answer) return found;
  for (const auto& ip : answer->records) {
    out.is_ourselves |= std::ranges::find(options.ours, ip) != options.ours.end();
    if (is_allowed(ip, options)) {
      found.push_back({ip, answer->dnssec});
    } else if (out.refused.size() < options.max_addresses) {
      out.refused.push_back(ip);
    }
  }
  std::ranges::sort(found, {}, &HostAddress::ip);
  std::mt19937_64 random(options.seed);
  std::ranges::shuffle(found, random);
  return found;
}

// [RFC8305 4] In turns, so that a family that does not work costs one attempt, not all of them.
std::vector<HostAddress> in_turns(const std::vector<HostAddress>& first, const std::vector<HostAddress>& second, std::size_t limit) {
  std::vector<HostAddress> out;
  for (std::size_t i = 0; out.size() < limit && i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) out.push_back(first[i]);
    if (i < second.size() && out.size() < limit) out.push_back(second[i]);
  }
  return out;
}

Status status_of(const Answer<IpAddress>* a, const Answer<IpAddress>* b) {
  if (!a || !b) return a ? a->status : b ? b->status : Status::nodata;
  if (a->ok() || b->ok()) return Status::ok;
  if (!a->definite()) return a->status;
  if (!b->definite()) return b->status;
  return a->status == b->status ? a->status : Status::nodata;
}

std::string why_none(const HostAddresses& found, const Answer<IpAddress>* v4, const Answer<IpAddress>* v6) {
  if (!found.refused.empty())
    return "the address " + found.refused[0].text() + " is " + std::string(to_string(found.refused[0].reach())) + ": not used for mail";
  if (found.status == Status::nxdomain) return "the host does not exist";
  if (found.status == Status::nodata) return "the host has no address";
  for (const auto* answer : {v4, v6})
    if (answer && answer->status == found.status) return std::string(to_string(found.status)) + ": " + answer->why;
  return std::string(to_string(found.status));
}

Task<> look_up(Task<Answer<IpAddress>> task, Answer<IpAddress>& out) { out = co_await std::move(task); }

HostAddresses literal(const Name& host, const IpAddress& ip, const AddressOptions& options) {
  Answer<IpAddress> itself;
  itself.status = (ip.is_v4() ? options.v4 : options.v6) ? Status::ok : Status::nodata;
  itself.canonical_name = host;
  if (itself.ok()) itself.records = {ip};
  return combine(host, ip.is_v4() ? &itself : nullptr, ip.is_v4() ? nullptr : &itself, options);
}

}  // namespace

HostAddresses combine(const Name& host, const Answer<IpAddress>* v4, const Answer<IpAddress>* v6, const AddressOptions& options) {
  HostAddresses out;
  out.host = out.canonical_name = host;
  out.status = status_of(v4, v6);
  bool first = true;
  for (const auto* answer : {v4, v6}) {
    if (!answer || !answer->definite()) continue;
    out.dnssec = first ? answer->dnssec : worse(out.dnssec, answer->dnssec);
    out.ttl = first ? answer->ttl : std::min(out.ttl, answer->ttl);
    first = false;
    if (answer->ok()) out.canonical_name = answer->canonical_name;
  }
  const auto found_v6 = usable(v6, out, options);
  const auto found_v4 = usable(v4, out, options);
  out.addresses = in_turns(found_v6, found_v4, std::max<std::size_t>(1, options.max_addresses));
  if (out.addresses.empty()) out.why = why_none(out, v4, v6);
  return out;
}

Task<HostAddresses> find_addresses(Resolver& resolver, Name host, AddressOptions options, Deadline deadline) {
  if (const auto ip = host.as_address()) co_return literal(host, *ip, options);
  Answer<IpAddress> v4, v6;
  TaskGroup both;
  if (options.v4) both.spawn(Reactor::current(), look_up(resolver.a(host, deadline), v4));
  if (options.v6) both.spawn(Reactor::current(), look_up(resolver.aaaa(host, deadline), v6));
  co_await both.join();
  co_return combine(host, options.v4 ? &v4 : nullptr, options.v6 ? &v6 : nullptr, options);
}

}  // namespace posthorn::dns
