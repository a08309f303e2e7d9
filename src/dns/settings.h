// What an operator may change about the DNS.  All of it is read at the start, but for the timeout.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/settings.h"
#include "dns/options.h"

namespace posthorn::dns {

using namespace std::chrono_literals;

inline constexpr TextForm kServersForm{check_servers, "\"root\", or addresses, as \"192.0.2.1 2001:db8::1@5353\""};
inline const Setting<std::string> kServers{
    "dns.servers", "", kServersForm,
    "The resolvers to ask: addresses with spaces between, each with \"@port\" when that is not 53. Empty: those of /etc/resolv.conf. "
    "\"root\": none; the name servers of the world are asked, from the root down (read at the start)."};

inline const Setting<bool> kDnssec{
    "dns.dnssec", true,
    "Validate answers with DNSSEC, as DANE needs. The resolvers that are asked must pass signatures on; if they do not, every name fails (read at "
    "the start)."};

inline const Setting<std::string> kTrustAnchor{
    "dns.trust_anchor", "",
    "A file with the keys that DNSSEC starts from (DS or DNSKEY records), instead of the root's, which come from /usr/share/dns/root.key or "
    "are built in (read at the start)."};

inline constexpr TextForm kZonesForm{check_zones, "zones, as \"corp.example=192.0.2.53 other.example\""};
inline const Setting<std::string> kZones{
    "dns.zones", "", kZonesForm,
    "Zones of one's own, with spaces between: \"corp.example=192.0.2.53\" is asked of its authoritative server there, \"corp.example\" of the "
    "usual ones. They are not validated, unless dns.trust_anchor has a key of theirs (read at the start)."};

inline const Setting<Bytes> kCacheSize{"dns.cache_size", 32_MiB, 1_MiB, 4_GiB, "Memory for answers of the DNS (read at the start)."};

inline const Setting<std::int64_t> kMaxQueries{
    "dns.max_queries", 1000, 10, 100'000, "Look-ups that may be under way at a time; more wait for their turn (read at the start)."};

inline const Setting<std::chrono::milliseconds> kTimeout{"dns.timeout", 20s, 100ms, 5min, "How long one look-up may take."};

}  // namespace posthorn::dns
