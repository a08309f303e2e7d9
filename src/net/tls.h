// TLS contexts: certificate, key, protocol versions, tickets.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace posthorn::net {

// What a client brings along.  Files are PEM.
struct ClientTls {
  std::string ca_file;                     // the authorities that are trusted; empty: those of the system
  std::string certificate_file, key_file;  // shown to a server that asks for it; empty: none
};

// What a server shows.  Files are PEM: the certificate with its chain, and its key.
struct CertificateFiles {
  std::string certificate, key;
};

// Immutable; shared by the connections that use it, each of which holds it until its handshake is over.  Threads: any.
class TlsContext {
 public:
  // TLS 1.2 and 1.3, session tickets, SSL_MODE_RELEASE_BUFFERS [RFC8314 4.1].
  static Result<std::shared_ptr<const TlsContext>> server(const std::string& certificate_pem_file,
                                                          const std::string& key_pem_file);
  // The same with several certificates: a client gets the first one that is for the name it asks for [RFC6066 3], else the first of all.
  // REQUIRES: at least one.
  static Result<std::shared_ptr<const TlsContext>> server(const std::vector<CertificateFiles>&);
  // TLS 1.2 and 1.3; whom to trust is said for each connection (tls_policy.h).  Reads files.  Errc::invalid: one of them is of no use.
  static Result<std::shared_ptr<const TlsContext>> client(const ClientTls& = {});
  // Trusts no authority: for TlsTrust::none, tests and loopback checks.
  static Result<std::shared_ptr<const TlsContext>> client_insecure();
  ~TlsContext();
  void* native() const { return ctx_; }  // SSL_CTX*

 private:
  struct ByName;
  TlsContext();
  static int choose(void* ssl, const TlsContext&);
  void* ctx_ = nullptr;
  std::unique_ptr<ByName> by_name_;  // null: there is one certificate for all
};

}  // namespace posthorn::net
