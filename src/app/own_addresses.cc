#include "app/own_addresses.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace posthorn::app {
namespace {

std::vector<IpAddress> of_interfaces(bool v6) {
  std::vector<IpAddress> out;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return out;
  for (const auto* i = first; i; i = i->ifa_next) {
    if (!i->ifa_addr || i->ifa_addr->sa_family != (v6 ? AF_INET6 : AF_INET)) continue;
    std::uint8_t bytes[16];
    if (v6) {
      std::memcpy(bytes, &reinterpret_cast<const sockaddr_in6*>(i->ifa_addr)->sin6_addr, 16);
      out.push_back(IpAddress::v6(std::span<const std::uint8_t, 16>(bytes, 16)));
    } else {
      std::memcpy(bytes, &reinterpret_cast<const sockaddr_in*>(i->ifa_addr)->sin_addr, 4);
      out.push_back(IpAddress::v4(std::span<const std::uint8_t, 4>(bytes, 4)));
    }
  }
  ::freeifaddrs(first);
  return out;
}

}  // namespace

std::vector<IpAddress> own_mail_addresses(const std::vector<config::Listener>& listeners, std::uint16_t port) {
  std::vector<IpAddress> out;
  for (const auto& l : listeners) {
    if (l.protocol != config::Protocol::smtp || l.address.is_unix() || l.address.port != port) continue;
    const bool all = l.address.host == "0.0.0.0" || l.address.host == "::";
    const auto one = IpAddress::parse(l.address.host);
    const auto more = all ? of_interfaces(l.address.is_v6()) : one ? std::vector{*one} : std::vector<IpAddress>{};
    out.insert(out.end(), more.begin(), more.end());
  }
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

}  // namespace posthorn::app
