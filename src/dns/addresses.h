// From a host to the addresses to try, in order.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dns/resolver.h"

namespace posthorn::dns {

struct AddressOptions {
  bool v4 = true, v6 = true;            // families that this machine can reach
  // Anyone can put any address into his zone: these are not followed unless the operator says so (or a test).  Link-local, multicast
  // and reserved ones never are.
  bool allow_loopback = false;
  bool allow_private = false;
  std::size_t max_addresses = 8;        // of all; each family has its share
  std::uint64_t seed = 0;               // of the order in a family: new for every message
  std::span<const IpAddress> ours;      // where this server itself listens
};

struct HostAddress {
  IpAddress ip;
  Dnssec dnssec = Dnssec::indeterminate;
};

struct HostAddresses {
  Name host;
  Name canonical_name;  // behind the aliases; DANE's other base domain [RFC7672 2.2.2]
  // ok: the DNS gave addresses, even if all of them were refused.  Else nodata or nxdomain when that is certain for every family asked
  // for; else what went wrong.  A family that failed does not hide the addresses of the other.
  Status status = Status::servfail;
  // The worst of the definite look-ups; `secure` only if all of them were.
  Dnssec dnssec = Dnssec::indeterminate;
  std::vector<HostAddress> addresses;  // to try in this order: families in turns, IPv6 first [RFC8305 4]
  std::vector<IpAddress> refused;      // led where AddressOptions do not allow; at most max_addresses are told
  bool is_ourselves = false;           // one of them is in `ours`
  std::chrono::seconds ttl{0};
  std::string why;                     // when addresses is empty
};

// Looks up A and AAAA at the same time.  A host that is an address itself needs no look-up.
Task<HostAddresses> find_addresses(Resolver&, Name host, AddressOptions, Deadline);

// What the two answers make.  Pure.
HostAddresses combine(const Name& host, const Answer<IpAddress>* v4, const Answer<IpAddress>* v6, const AddressOptions&);

}  // namespace posthorn::dns
