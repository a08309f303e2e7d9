// From the name of a server to a connection whose other end is known.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "async/task.h"
#include "async/timer.h"
#include "async/worker_pool.h"
#include "base/result.h"
#include "net/connection.h"
#include "net/tls.h"
#include "net/tls_policy.h"

namespace posthorn::client {

// Whom a client believes to be the server.
struct ServerTrust {
  std::string ca_file;            // PEM, instead of the system's authorities; empty: those
  std::vector<std::string> pins;  // SHA-256 of the certificate or its public key, 32 bytes each; instead of authorities and names
  bool insecure = false;          // anybody: asked for by name, and said aloud
};
// "sha256:" and 64 hexadecimal digits with or without colons, or base64 as curl has it ("sha256//...="), to 32 bytes.
Result<std::string> parse_pin(std::string_view);

// What TLS needs.  `policy(host)`: for a server of that name or address.
class TlsForHosts {
 public:
  // Reads ca_file.  invalid: it is of no use; or more than one of the three is given.
  static Result<TlsForHosts> make(ServerTrust);
  const std::shared_ptr<const net::TlsContext>& context() const { return context_; }
  net::TlsPolicy policy(const std::string& host) const;

 private:
  ServerTrust trust_;
  std::shared_ptr<const net::TlsContext> context_;
};

// The addresses of a host, as the system knows them (getaddrinfo, on the pool), IPv6 and IPv4 in turns [RFC8305 4], at most 16; an address
// is its own.  not_found: there is no such host; timed_out: the name servers do not answer; io: it cannot be asked for.
Task<Result<std::vector<std::string>>> resolve_host(std::string host, WorkerPool&);

// A TCP connection to the address that takes it first.  They are begun in this order, each when the one before it has failed or is silent for
// a quarter of a second [RFC8305 5], and tried for at most `per_address`; those that lose are closed before anything is said.  The error
// names all that were tried; timed_out: none of them answered at all.
Task<Result<std::unique_ptr<net::Connection>>> dial_any(std::vector<std::string> addresses, std::uint16_t port, Deadline,
                                                        std::chrono::milliseconds per_address = std::chrono::seconds(15));
// The same for all addresses of a host.  The system's resolver may take longer than the deadline: nobody can stop it.
Task<Result<std::unique_ptr<net::Connection>>> dial(std::string host, std::uint16_t port, WorkerPool&, Deadline,
                                                    std::chrono::milliseconds per_address = std::chrono::seconds(15));

}  // namespace posthorn::client
