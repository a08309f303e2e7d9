#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace posthorn::net {
namespace {

std::string openssl_error() {
  char text[160] = "unknown error";
  if (const auto code = ERR_get_error()) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}

void set_common_options(SSL_CTX* ctx) {
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);  // [RFC8314 4.1]
  // Buffers are given back while idle: 14 KiB a connection instead of 50.
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_IGNORE_UNEXPECTED_EOF);
}

Result<void> use_certificate(SSL_CTX* ctx, const std::string& certificate_file, const std::string& key_file) {
  if (SSL_CTX_use_certificate_chain_file(ctx, certificate_file.c_str()) != 1)
    return fail(Errc::invalid, "certificate " + certificate_file + ": " + openssl_error());
  if (SSL_CTX_use_PrivateKey_file(ctx, key_file.c_str(), SSL_FILETYPE_PEM) != 1) return fail(Errc::invalid, "key " + key_file + ": " + openssl_error());
  if (SSL_CTX_check_private_key(ctx) != 1) return fail(Errc::invalid, "key " + key_file + " does not belong to certificate " + certificate_file);
  return {};
}

}  // namespace

TlsContext::~TlsContext() { SSL_CTX_free(static_cast<SSL_CTX*>(ctx_)); }

Result<std::shared_ptr<const TlsContext>> TlsContext::server(const std::string& certificate_pem_file,
                                                             const std::string& key_pem_file) {
  std::shared_ptr<TlsContext> context(new TlsContext);
  SSL_CTX* ctx = SSL_CTX_new(TLS_server_method());
  if (!ctx) return fail(Errc::io, "TLS: " + openssl_error());
  context->ctx_ = ctx;
  set_common_options(ctx);
  TRY_OK(use_certificate(ctx, certificate_pem_file, key_pem_file));
  // Resumption by tickets only: nothing to keep for each client.
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(ctx, 1);
  // [RFC8446 9.1] The mandatory one first, for its SHA-256: handshakes hash much, and processors have instructions for it.
  SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
  const unsigned char id[] = "posthorn";
  SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1);
  return context;
}

Result<std::shared_ptr<const TlsContext>> TlsContext::client(const ClientTls& options) {
  TRY(auto context, client_insecure());
  auto* ctx = static_cast<SSL_CTX*>(context->native());
  if (options.ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(ctx) != 1) return fail(Errc::invalid, "the system's certificate authorities: " + openssl_error());
  } else if (SSL_CTX_load_verify_file(ctx, options.ca_file.c_str()) != 1) {
    return fail(Errc::invalid, "certificate authorities " + options.ca_file + ": " + openssl_error());
  }
  if (!options.certificate_file.empty()) TRY_OK(use_certificate(ctx, options.certificate_file, options.key_file));
  return context;
}

Result<std::shared_ptr<const TlsContext>> TlsContext::client_insecure() {
  std::shared_ptr<TlsContext> context(new TlsContext);
  SSL_CTX* ctx = SSL_CTX_new(TLS_client_method());
  if (!ctx) return fail(Errc::io, "TLS: " + openssl_error());
  context->ctx_ = ctx;
  set_common_options(ctx);
  if (SSL_CTX_dane_enable(ctx) <= 0) return fail(Errc::io, "TLS: " + openssl_error());
  SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, nullptr);  // until a policy is set (tls_policy.cc)
  return context;
}

}  // namespace posthorn::net
