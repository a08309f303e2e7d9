// A TlsPolicy on one connection of OpenSSL.
#pragma once

#include <openssl/ssl.h>

#include <string>

#include "net/tls_policy.h"

namespace posthorn::net {

// Lives as long as the SSL it was set up for makes its handshake.
class TlsVerifier {
 public:
  explicit TlsVerifier(TlsPolicy policy) : policy_(std::move(policy)) {}
  TlsVerifier(const TlsVerifier&) = delete;
  TlsVerifier& operator=(const TlsVerifier&) = delete;

  // Before the handshake.  false: verdict() says why it must not begin.
  bool set_up(SSL*);
  // Behind a handshake that succeeded.  false: it must not be used.
  bool accept(SSL*);
  // Behind one that failed for another reason than the certificate; `text` says why.
  void fail(TlsProblem, std::string text);

  const TlsVerdict& verdict() const { return verdict_; }
  bool has_problem() const { return verdict_.problem != TlsProblem::none; }

 private:
  static int on_certificate(int ok, X509_STORE_CTX*);
  bool set_names(SSL*);
  bool set_dane(SSL*);
  bool set_pins(SSL*);
  bool refuse(TlsProblem, std::string text);
  void judge(int error, X509* certificate);
  std::string what_was_wrong(TlsProblem, int error, X509* certificate) const;

  TlsPolicy policy_;
  TlsVerdict verdict_;
};

}  // namespace posthorn::net
