// How the resolver is set up: settings and resolv.conf, read and checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/result.h"
#include "dns/name.h"

namespace posthorn::dns {

struct ServerAddress {
  IpAddress ip;
  std::uint16_t port = 53;
  std::string text() const;  // "192.0.2.1@53"
  friend bool operator==(const ServerAddress&, const ServerAddress&) = default;
};

struct OwnZone {
  Name name;
  std::vector<ServerAddress> servers;  // authoritative for it; empty: the usual resolvers are asked
};

struct ResolverOptions {
  std::vector<ServerAddress> servers;  // resolvers; empty: recursion from the root
  std::vector<OwnZone> zones;          // not validated, unless trust_anchor_file has a key at or above them, the root's excepted
  bool validate = true;
  std::string trust_anchor_file;       // empty: the root's keys, as found or built in
  std::size_t cache_size = 32 << 20;   // bytes
  std::size_t max_queries = 1000;
};

// "192.0.2.1", "2001:db8::1@5353".  Errc::invalid, as all here, with a text fit for the operator.
Result<ServerAddress> parse_server(std::string_view);
// "192.0.2.1 2001:db8::1@5353"; "root" and nothing at all give none.
Result<std::vector<ServerAddress>> parse_servers(std::string_view);
// "corp.example=192.0.2.53 corp.example=192.0.2.54 other.example".
Result<std::vector<OwnZone>> parse_zones(std::string_view);
Result<void> check_servers(std::string_view);
Result<void> check_zones(std::string_view);
// The nameserver lines; what cannot be read (a zone index of IPv6, for one) is passed over.  None: 127.0.0.1, as the C library does.
std::vector<ServerAddress> servers_of_resolv_conf(std::string_view content);
// What the settings of settings.h say.  Reads /etc/resolv.conf if they say so.
ResolverOptions options_from_settings();

// The names that the records of a file with trust anchors belong to; what is no DS or DNSKEY record is passed over.
std::vector<Name> names_of_anchors(std::string_view content);

}  // namespace posthorn::dns
