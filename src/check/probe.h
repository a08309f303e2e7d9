// One port of one server, looked at as a mail program would: what it speaks, before TLS and behind it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/ip_address.h"
#include "check/services.h"
#include "net/connection.h"
#include "net/peer_certificate.h"
#include "net/tls.h"
#include "net/tls_policy.h"

namespace posthorn::check {

struct ProbeTarget {
  Service service = Service::imap;
  std::string host;
  std::uint16_t port = 0;
  Security expected = Security::implicit;
  bool vouched = false;               // Candidate::vouched, of any that names the host: a password may go there
  std::vector<std::string> named_by;  // "SRV _imaps._tcp.example.org"; empty: nobody promised it
};

struct ProbeOptions {
  std::shared_ptr<const net::TlsContext> tls;
  std::shared_ptr<const net::TlsContext> old_tls = {};            // TLS 1.0 and 1.1; null: nobody looks for them
  std::function<net::TlsPolicy(const std::string& host)> policy;  // its OnMistrust is `report` here, whatever it says
  std::string relay_to;                                           // an address of elsewhere: is it taken of a stranger?  empty: not asked
  std::chrono::milliseconds timeout = std::chrono::seconds(10);   // of one wait; of a connection three times as much
  std::map<std::uint16_t, std::uint16_t> port_map;                // for tests: these ports are others in truth
};

// What a server offers on one side of TLS.
struct Offer {
  bool seen = false;
  std::vector<std::string> capabilities;  // in upper case, as the protocol has them; at most kCapabilities
  std::vector<std::string> mechanisms;    // of SASL
  bool clear_login = false;               // IMAP's LOGIN, POP3's USER: a password as it is
  bool start_tls = false;
  static constexpr std::size_t kCapabilities = 200;
};

enum class Reached : std::uint8_t {
  yes,
  refused,    // the host is there and says no
  no_answer,  // nothing in time: a firewall, or no such host
  no_way,     // this machine has no route: nothing is known of the server
};
enum class Spoke : std::uint8_t { nothing, clear, tls };

// Everything a server said is bounded: 256 octets of a greeting or an answer, no control characters.
struct PortReport {
  ProbeTarget target;
  std::string address;
  Reached reached = Reached::no_answer;
  std::string why_not;                                 // not reached: in words
  Spoke spoke = Spoke::nothing;                        // how it began
  std::chrono::milliseconds connected{0}, greeted{0};  // how long it took, from the beginning of each
  std::string greeting;
  bool rejected = false;          // the greeting was a refusal
  Offer before, behind;           // TLS
  std::string start_tls_trouble;  // it was offered, and refused or damaged
  bool injected = false;          // something stood between the answer to STARTTLS and the handshake [RFC3207 5]
  bool tls = false;               // a handshake succeeded
  std::string tls_version, tls_cipher;
  std::optional<std::string> old_version;  // of TLS before 1.2 that it still takes, "TLSv1.1"; empty: none; nullopt: not looked for
  net::TlsVerdict verdict;
  std::optional<net::PeerCertificate> certificate;
  std::optional<bool> relays;  // of SMTP: RCPT for ProbeOptions::relay_to was taken; nullopt: not asked
  std::string relay_answer;    // to that
  std::string trouble;         // what else went wrong, in words
};

// Ends within some ten timeouts: a port that does not speak as it should is asked once more in the other way, and one that speaks TLS for
// its old versions.
Task<PortReport> probe_port(ProbeTarget, IpAddress, ProbeOptions);

}  // namespace posthorn::check
