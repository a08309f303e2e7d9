// The hosts of a destination, one after the other.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/ip_address.h"
#include "delivery/router.h"
#include "delivery/tls_report.h"
#include "delivery/tls_policy.h"
#include "dns/addresses.h"
#include "dns/mx.h"
#include "dns/resolver.h"
#include "net/listener.h"

namespace posthorn::delivery {

// Where to connect, and how.
struct Target {
  net::Address address;
  std::string host;    // name, or the address itself
  TlsDecision tls;
  std::string source;  // address of ours; empty: the system chooses
  std::shared_ptr<const ReportedPolicy> policy;  // who is to be told how TLS went; null: nobody
  bool named_by_sts = true;                      // false: the MTA-STS policy, which is being tested, has other hosts
  std::string text() const { return address.unix_path.empty() ? host + '[' + address.host + "]:" + std::to_string(address.port) : address.unix_path; }
};

// Why recipients did not get the message, when no server said so.
struct Trouble {
  bool permanent = false;
  smtp::EnhancedCode code{};
  std::string text;
};

struct TargetContext {
  dns::Resolver* resolver = nullptr;
  StsPolicies* sts = nullptr;            // null: none
  TlsResults* results = nullptr;         // who counts; null: nobody
  std::vector<dns::Name> our_names;
  std::vector<IpAddress> our_addresses;  // where this server accepts mail from others
};

// 1. In the order of preference [RFC5321 5.1]: hosts, and the addresses of each, IPv6 and IPv4 in turns; at most delivery.max_addresses.
// 2. Never ourselves, nor a host that is less preferred than we are.
// 3. A host is looked up when it is its turn.
class Targets {
 public:
  // REQUIRES: way is no local one, and both outlive it.
  Targets(const TargetContext&, const Way& way);

  // nullopt: there is no more; trouble() says why none was good, if none was given at all.
  Task<std::optional<Target>> next();
  const std::optional<Trouble>& trouble() const { return trouble_; }
  std::size_t given() const { return given_; }
  // What was found on the way, for the trace.
  std::vector<std::string> take_notes() { return std::exchange(notes_, {}); }

 private:
  Task<> begin();
  Task<> find_route();
  Task<> open_host(dns::MxHost host);
  Task<> open_relay();
  void add(const IpAddress&, const std::string& host, const TlsDecision&, std::uint16_t port);
  void count(const TlsQuestion&, const TlsDecision&);
  void set_trouble(bool permanent, smtp::EnhancedCode, std::string text);
  dns::AddressOptions address_options() const;

  const TargetContext& context_;
  const Way& way_;
  bool begun_ = false;
  std::uint64_t seed_;
  dns::MxRoute route_;
  std::size_t next_host_ = 0;
  StsAnswer sts_;
  std::deque<Target> ready_;
  std::size_t given_ = 0;
  std::optional<Trouble> trouble_;  // the last; a temporary one is not covered by a permanent one
  std::vector<std::string> notes_;
};

}  // namespace posthorn::delivery
