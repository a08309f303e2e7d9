#include "delivery/web_route.h"

#include "delivery/settings.h"
#include "dns/addresses.h"

namespace posthorn::delivery {

Task<Result<http::Route>> find_web_server(dns::Resolver& resolver, std::string host, std::shared_ptr<const net::TlsContext> tls, Deadline deadline) {
  dns::AddressOptions options;
  options.v4 = kIpVersions.get() != IpVersions::ipv6;
  options.v6 = kIpVersions.get() != IpVersions::ipv4;
  options.allow_loopback = kAllowLoopback.get();
  options.allow_private = kAllowPrivate.get();
  options.max_addresses = 4;
  const auto name = dns::Name::parse(host);
  if (!name) co_return fail(Errc::not_found, "no host can be called " + host);
  const auto found = co_await dns::find_addresses(resolver, *name, options, deadline);
  if (found.addresses.empty()) co_return fail(Errc::not_found, host + ": " + (found.why.empty() ? "no address" : found.why));
  http::Route route{.addresses = {}, .port = 0, .tls = std::move(tls)};
  for (const auto& a : found.addresses) route.addresses.push_back(a.ip);
  co_return route;
}

}  // namespace posthorn::delivery
