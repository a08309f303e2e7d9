// TLS contexts: certificate, key, protocol versions, tickets.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace posthorn::net {

// What a client brings along.  Files are PEM.
struct ClientTls {
  std::string ca_file;                     // the authorities that are trusted; empty: those of the system
  std::string certificate_file, key_file;  // shown to a server that asks for it; empty: none
};

// Immutable; shared by the connections that use it.  Threads: any.
class TlsContext {
 public:
  // TLS 1.2 and 1.3, session tickets, SSL_MODE_RELEASE_BUFFERS [RFC8314 4.1].
  static Result<std::shared_ptr<const TlsContext>> server(const std::string& certificate_pem_file,
                                                          const std::string& key_pem_file);
  // TLS 1.2 and 1.3; whom to trust is said for each connection (tls_policy.h).  Reads files.  Errc::invalid: one of them is of no use.
  static Result<std::shared_ptr<const TlsContext>> client(const ClientTls& = {});
  // Trusts no authority: for TlsTrust::none, tests and loopback checks.
  static Result<std::shared_ptr<const TlsContext>> client_insecure();
  ~TlsContext();
  void* native() const { return ctx_; }  // SSL_CTX*

 private:
  TlsContext() = default;
  void* ctx_ = nullptr;
};

}  // namespace posthorn::net
