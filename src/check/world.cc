#include "check/world.h"

#include <algorithm>

#include "client/dial.h"
#include "dns/addresses.h"
#include "text/ascii.h"

namespace posthorn::check {
namespace {

constexpr std::size_t kAddresses = 4;
constexpr int kRedirects = 3;
constexpr http::ClientLimits kLimits{.header = 16 << 10, .body = 256 << 10};

bool is_global(const IpAddress& a) { return a.reach() == Reach::global; }

Task<Result<http::Response>> get(World& world, http::Url url, std::vector<IpAddress> addresses, Deadline deadline) {
  const auto mapped = world.probe.port_map.find(url.port);
  http::Route route{.addresses = std::move(addresses),
                    .port = mapped == world.probe.port_map.end() ? std::uint16_t{0} : mapped->second,
                    .tls = world.web_tls ? world.web_tls : world.probe.tls};
  http::Client client;
  co_return co_await client.get(std::move(url), std::move(route), kLimits, deadline);
}

// Where a redirect leads; Errc::denied: not there.
Result<http::Url> next_hop(const http::Url& from, const std::string& location) {
  if (location.starts_with('/') && !location.starts_with("//")) {
    auto out = from;
    out.target = location;
    return out;
  }
  TRY(auto out, http::parse_url(location));
  if (from.tls && !out.tls) return fail(Errc::denied, "it leads from https to http");
  return out;
}

bool is_redirect(unsigned status) { return status == 301 || status == 302 || status == 303 || status == 307 || status == 308; }

Task<Result<Fetched>> follow(World& world, http::Url url, int redirects, Deadline deadline) {
  bool from_the_world = false;
  for (;; --redirects) {
    auto host = co_await look_up_host(world, url.host);
    if (from_the_world) std::erase_if(host.addresses, [](const auto& a) { return !is_global(a); });
    if (host.addresses.empty()) co_return fail(Errc::not_found, url.host + ": " + (host.why.empty() ? "no address to go to" : host.why));
    from_the_world = std::ranges::all_of(host.addresses, is_global);
    CO_TRY(auto response, co_await get(world, url, std::move(host.addresses), deadline));
    if (response.status == 200) co_return Fetched{std::move(response), url.text()};
    if (!is_redirect(response.status) || redirects == 0) co_return fail(Errc::not_found, "HTTP status " + std::to_string(response.status));
    CO_TRY(url, next_hop(url, response.location));
  }
}

}  // namespace

Task<HostLookup> look_up_host(World& world, std::string host) {
  HostLookup out;
  if (const auto ip = IpAddress::parse(host)) {
    out.addresses.push_back(*ip);
    out.exists = true;
    co_return out;
  }
  const auto name = dns::Name::from_domain(host);
  if (!name) {
    out.why = "it is no name of a host";
    co_return out;
  }
  const dns::AddressOptions options{.allow_loopback = true, .allow_private = true, .max_addresses = kAddresses};
  const auto found = co_await dns::find_addresses(world.resolver, *name, options, world.dns_deadline());
  for (const auto& a : found.addresses) out.addresses.push_back(a.ip);
  out.answered = dns::is_definite(found.status);
  out.exists = found.status == dns::Status::ok || found.status == dns::Status::nodata;
  out.secure = found.dnssec == dns::Dnssec::secure;
  if (found.status == dns::Status::ok && !(found.canonical_name == *name)) out.canonical_name = found.canonical_name.text();
  if (!out.addresses.empty()) co_return out;
  out.why = found.status == dns::Status::nxdomain ? "there is no such host"
            : found.status == dns::Status::nodata ? "it has no address"
            : found.why.empty()                   ? std::string(dns::to_string(found.status))
                                                  : found.why;
  if (!world.system_names) co_return out;
  const auto known = co_await client::resolve_host(name->text(), world.workers);
  if (!known) co_return out;
  for (const auto& text : *known)
    if (const auto ip = IpAddress::parse(text); ip && out.addresses.size() < kAddresses) out.addresses.push_back(*ip);
  out.exists = out.exists || !out.addresses.empty();
  co_return out;
}

Task<Result<Fetched>> fetch(World& world, http::Url url, Deadline deadline) {
  co_return co_await follow(world, std::move(url), kRedirects, deadline);
}

Task<Result<Fetched>> fetch_directly(World& world, http::Url url, Deadline deadline) {
  co_return co_await follow(world, std::move(url), 0, deadline);
}

}  // namespace posthorn::check
