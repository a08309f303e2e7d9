// Whether a host is spoken to under TLS, and how its certificate is judged; with the reason in words for the trace.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "client/smtp_types.h"
#include "delivery/router.h"
#include "delivery/sts_policy.h"
#include "dns/addresses.h"
#include "dns/mx.h"
#include "net/tls_policy.h"
#include "proto/smtp/reply.h"

namespace posthorn::delivery {

// What the DNS says about the certificate of a host. [RFC7672]
struct Dane {
  enum class State : std::uint8_t {
    off,       // not asked: dane is off, or the way to the host is not proven by DNSSEC [RFC7672 2.2.1]
    none,      // proven: there is nothing
    usable,    // `records`
    unusable,  // there are records that we do not understand: TLS all the same, with any certificate [RFC7672 2.2]
    failed,    // nobody knows: this host is not spoken to [RFC7672 2.1]
  };
  State state = State::off;
  std::vector<net::TlsaRecord> records;
  std::string base_domain;  // where they were found [RFC7672 2.2.2]
  std::string why;          // for people
};

// `addresses` of the host as they were looked up.  REQUIRES: the MX answer that led to it, if there was one, is secure.
Task<Dane> find_dane(dns::Resolver&, const dns::HostAddresses& addresses, std::uint16_t port, Deadline);

// What is known of the policy of a domain. [RFC8461]
struct StsAnswer {
  std::optional<StsPolicy> policy;  // the one that counts; nothing: it has none, or none is known
  std::string failure_type;         // [RFC8460 4.3] of getting it; empty: none
  std::string note;                 // one line for the trace, when there is something to say
};

// Where the policies of domains come from (sts.h).
class StsPolicies {
 public:
  virtual ~StsPolicies() = default;
  // Ends within seconds, and at the deadline.
  virtual Task<StsAnswer> policy_of(std::string domain, Deadline) = 0;
};

// What is known about a host before it is connected to.
struct TlsQuestion {
  const Way* way = nullptr;
  std::string host;             // its name; empty: only an address is known
  std::string domain;           // of the recipients
  bool mx_is_secure = false;    // DNSSEC proves that `host` is a host of `domain`
  Dane dane;
  std::optional<StsPolicy> sts;
};

struct TlsDecision {
  // Not to be spoken to: nothing is sent to this host; `refusal` is what its recipients get if no other host will do.
  bool forbidden = false;
  bool permanent = false;  // of that
  smtp::EnhancedCode code{};
  client::TlsMode mode = client::TlsMode::opportunistic;
  net::TlsPolicy policy;
  bool may_fall_back = false;  // after a failed handshake the same host is tried in clear text
  std::string reason;          // one line
};

// [RFC8689] first, then what the operator says, DANE, MTA-STS, else opportunistic [RFC7435].  Pure.
TlsDecision decide_tls(const TlsQuestion&);

}  // namespace posthorn::delivery
