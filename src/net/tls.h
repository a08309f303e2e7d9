// TLS contexts: certificate, key, protocol versions, tickets.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace posthorn::net {

// Immutable; shared by the connections that use it.  Threads: any.
class TlsContext {
 public:
  // TLS 1.2 and 1.3, session tickets, SSL_MODE_RELEASE_BUFFERS [RFC8314 4.1].
  static Result<std::shared_ptr<const TlsContext>> server(const std::string& certificate_pem_file,
                                                          const std::string& key_pem_file);
  // For tests and loopback checks: accepts any certificate.
  static Result<std::shared_ptr<const TlsContext>> client_insecure();
  ~TlsContext();
  void* native() const { return ctx_; }  // SSL_CTX*

 private:
  TlsContext() = default;
  void* ctx_ = nullptr;
};

}  // namespace posthorn::net
