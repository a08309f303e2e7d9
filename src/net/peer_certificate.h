// What the other end of a TLS connection has shown of itself, for people to read; whether it is believed is tls_policy.h's business.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/clock.h"

namespace posthorn::net {

// A certificate is what a stranger wrote: every text is printable ASCII ("?" stands for the rest) and at most kText long, and there are at
// most kNames names.
struct PeerCertificate {
  static constexpr std::size_t kText = 256, kNames = 100;

  std::string subject, issuer;        // "CN=mail.example.org"
  std::string common_name;            // of the subject; may be empty
  std::string issuer_name;            // for people: the issuer's organisation and CN, "Let's Encrypt R11"
  std::vector<std::string> names;     // of hosts, and addresses: the subjectAltName
  std::size_t more_names = 0;         // those beyond kNames
  SysTime not_before{}, not_after{};  // the epoch: unreadable
  std::string key_type;               // "RSA", "EC", "ED25519"
  int key_bits = 0;
  bool self_signed = false;  // subject and issuer are the same; no signature is looked at
  std::string sha256;        // of the whole certificate, 32 bytes; what a pin may be
};

}  // namespace posthorn::net
