#include "net/old_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace posthorn::net {

Result<std::shared_ptr<const TlsContext>> client_of_old_tls() {
  TRY(auto context, TlsContext::client_insecure());
  auto* const ctx = static_cast<SSL_CTX*>(context->native());
  SSL_CTX_set_security_level(ctx, 0);  // they sign by SHA-1
  SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT);
  const bool possible = SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION) == 1 && SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION) == 1 &&
                        SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0") == 1;
  ERR_clear_error();
  if (!possible) return fail(Errc::unsupported, "the library speaks neither TLS 1.0 nor 1.1");
  return context;
}

}  // namespace posthorn::net
