// From an MX answer to the hosts to try, in order. [RFC5321 5.1]  Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dns/resolver.h"

namespace posthorn::dns {

struct MxHost {
  std::uint16_t preference = 0;
  Name name;  // may be an alias (departure from [RFC2181 10.3], as everybody does), or an address: as_address()
  friend bool operator==(const MxHost&, const MxHost&) = default;
};

struct MxRoute {
  enum class Kind {
    hosts,      // `hosts` is not empty
    null_mx,    // the domain takes no mail: permanent [RFC7505 3]
    no_domain,  // it does not exist: permanent
    unusable,   // it has MX records, but none that names a host: permanent
    ourselves,  // we are the best of its hosts and do not know it: permanent, our configuration or its records are wrong
    unknown,    // the DNS gave no answer: later
  };
  Kind kind = Kind::unknown;
  std::vector<MxHost> hosts;  // best first
  bool implicit = false;      // there are no MX records, the domain is its own host
  // Of the MX look-up, the answer that there are none included.  Unless `secure`, DANE has no ground [RFC7672 2.2.1].
  Dnssec dnssec = Dnssec::indeterminate;
  std::string why;            // for the operator, when kind is not `hosts`
};

enum class AddressAsMx {
  use,     // as Postfix does: some domains have it, against [RFC5321 5.1]
  refuse,  // as Exim does
};

struct MxOptions {
  std::span<const Name> our_names;  // what an MX record would call us
  std::uint64_t seed = 0;           // of the order among equal preferences: new for every message
  std::size_t max_hosts = 20;       // the best ones; what is beyond them is not tried
  AddressAsMx address = AddressAsMx::use;
};

// 1. By preference, lowest first; in random order where equal [RFC5321 5.1].
// 2. A host that is named twice counts where its preference is lowest.  Names that no host can have are passed over, and so is the
//    root when there are others.
// 3. When we are one of the hosts, only those that are better than us stay [RFC5321 5.1]: no loops.
MxRoute order_mx(const Name& domain, const Answer<Mx>&, const MxOptions&);

// The same rule when its address shows that `host` of the route is ourselves.
void drop_from_ours(MxRoute&, const Name& host);

}  // namespace posthorn::dns
