// Which way a recipient goes.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "config/relay.h"
#include "queue/entry.h"
#include "queue/retry.h"

namespace posthorn::delivery {

struct Way {
  enum class Kind : std::uint8_t {
    local,    // into a mailbox here, or on from there
    relay,    // `relay` has a host
    domain,   // the hosts of `domain`, as the DNS says
    literal,  // `literal`
    refused,  // nowhere; `why`
  };
  Kind kind = Kind::refused;
  std::string domain;  // lower case, A-labels; of local ones as it is
  std::optional<IpAddress> literal;
  std::shared_ptr<const config::Relay> relay;  // with `domain`, too, when it says something about TLS
  // [RFC8689] Only over channels whose other end is proven / whatever the destination asks of TLS does not count.
  bool require_tls = false, tls_optional = false;
  std::string why;

  // What shares it may share a connection and a transaction: the queue's key of the destination.
  std::string key() const;
  // The settings, and what its [[relay]] says instead.
  queue::RetryPolicy retry_policy() const;
  friend bool operator==(const Way&, const Way&) = default;
};

// Threads: any.  Never waits.
class Router {
 public:
  using IsLocal = std::function<bool(std::string_view domain)>;  // lower case
  explicit Router(IsLocal is_local) : is_local_(std::move(is_local)) {}

  // From now on; entries in the queue find their new way when they are looked at next.
  void set_relays(std::vector<config::Relay>);

  // The way of a recipient: local domains first, then the first relay that fits, then the DNS.
  Way way(const queue::Entry&, const queue::Recipient&) const;

  bool is_local(std::string_view domain) const;  // in any case

 private:
  using Relays = std::vector<std::shared_ptr<const config::Relay>>;
  std::shared_ptr<const config::Relay> find_relay(std::string_view domain, std::string_view sender) const;

  IsLocal is_local_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Relays> relays_ = std::make_shared<Relays>();
};

// The domain behind the last "@", lower case; empty: there is none.
std::string domain_of(std::string_view address);

}  // namespace posthorn::delivery
