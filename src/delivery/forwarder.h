// The sender of forwarded mail.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "delivery/router.h"
#include "queue/entry.h"

namespace posthorn::delivery {

// Mail that goes on from an address of ours to one elsewhere gets a sender of the forwarding domain (mailauth/srs.h), because the next
// server may ask the sender's domain whether we may send for it.  Threads: any.
class Forwarder {
 public:
  // `secret`: kept for ever, at least 16 bytes; addresses made with another one are not believed.  REQUIRES: router outlives it.
  Forwarder(const Router& router, std::string secret) : router_(router), secret_(std::move(secret)) {}

  // The reverse-path for this recipient: that of the entry, or the rewritten one.
  std::string reverse_path(const queue::Entry&, const queue::Recipient&) const;

  // Where mail to an address of ours goes that reverse_path() has made; nullopt: it has not, or it is too old.
  std::optional<std::string> original(std::string_view local_part, std::string_view domain) const;

 private:
  const Router& router_;
  const std::string secret_;
};

// The secret in this file; makes it (0600) with 32 random bytes when there is none.  Blocking.
Result<std::string> ensure_secret(const std::string& path);

}  // namespace posthorn::delivery
