// Sets of IP addresses, as settings name them.
#pragma once

#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/result.h"
#include "base/settings.h"

namespace posthorn {

// "192.0.2.0/24", "2001:db8::/32", or an address alone.
class IpNetwork {
 public:
  // Errc::invalid, with a text fit for the operator; bits behind the prefix must be 0.
  static Result<IpNetwork> parse(std::string_view);
  bool contains(const IpAddress&) const;  // an IPv4 network has no IPv6 addresses, mapped ones neither

  friend bool operator==(const IpNetwork&, const IpNetwork&) = default;

 private:
  IpAddress first_;
  unsigned prefix_ = 0;
};

class IpNetworks {
 public:
  IpNetworks() = default;  // nobody
  // With spaces or commas between them; nothing is nobody.
  static Result<IpNetworks> parse(std::string_view);
  // Numeric, as net::Peer has it; what is no address is in no network.
  bool contain(std::string_view ip) const;
  bool empty() const { return networks_.empty(); }
  void add(IpNetwork network) { networks_.push_back(network); }

  friend bool operator==(const IpNetworks&, const IpNetworks&) = default;

 private:
  std::vector<IpNetwork> networks_;
};

// For settings whose text is a list of networks.
inline constexpr TextForm kIpNetworksForm{
    [](std::string_view text) -> Result<void> {
      TRY_OK(IpNetworks::parse(text));
      return {};
    },
    "networks, as \"192.0.2.0/24 2001:db8::/32\""};

}  // namespace posthorn
