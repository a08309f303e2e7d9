#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <fstream>
#include <iterator>

#include "crypto/certificate_names.h"

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
  SSL_CTX_set_read_ahead(ctx, 1);  // a record is one read, not two
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

using Context = std::unique_ptr<SSL_CTX, decltype([](SSL_CTX* ctx) { SSL_CTX_free(ctx); })>;

Result<Context> make_server(const CertificateFiles& files) {
  Context ctx(SSL_CTX_new(TLS_server_method()));
  if (!ctx) return fail(Errc::io, "TLS: " + openssl_error());
  set_common_options(ctx.get());
  TRY_OK(use_certificate(ctx.get(), files.certificate, files.key));
  // Resumption by tickets only: nothing to keep for each client.
  SSL_CTX_set_session_cache_mode(ctx.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(ctx.get(), 0);  // not with the handshake: Connection::try_write
  // [RFC8446 9.1] The mandatory one first, for its SHA-256: handshakes hash much, and processors have instructions for it.
  SSL_CTX_set_ciphersuites(ctx.get(), "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
  const unsigned char id[] = "posthorn";
  SSL_CTX_set_session_id_context(ctx.get(), id, sizeof id - 1);
  return ctx;
}

}  // namespace

struct TlsContext::ByName {
  crypto::CertificateNames names;
  std::vector<Context> others;  // of the second certificate and those behind it
};

TlsContext::TlsContext() = default;
TlsContext::~TlsContext() { SSL_CTX_free(static_cast<SSL_CTX*>(ctx_)); }

Result<std::shared_ptr<const TlsContext>> TlsContext::server(const std::string& certificate_pem_file,
                                                             const std::string& key_pem_file) {
  std::shared_ptr<TlsContext> context(new TlsContext);
  TRY(auto ctx, make_server({certificate_pem_file, key_pem_file}));
  context->ctx_ = ctx.release();
  return context;
}

Result<std::shared_ptr<const TlsContext>> TlsContext::server(const std::vector<CertificateFiles>& all) {
  std::shared_ptr<TlsContext> context(new TlsContext);
  context->by_name_ = std::make_unique<ByName>();
  for (std::size_t i = 0; i < all.size(); ++i) {
    TRY(auto ctx, make_server(all[i]));
    std::ifstream file(all[i].certificate, std::ios::binary);
    const std::string pem{std::istreambuf_iterator<char>(file), {}};
    if (auto added = context->by_name_->names.add(pem, i); !added) return fail(added.error().code, "certificate " + all[i].certificate + ": " + added.error().text);
    if (i == 0) context->ctx_ = ctx.release();
    else context->by_name_->others.push_back(std::move(ctx));
  }
  if (all.size() < 2) return context;
  auto* const first = static_cast<SSL_CTX*>(context->ctx_);
  SSL_CTX_set_tlsext_servername_callback(
      first, +[](SSL* ssl, int*, void* self) { return choose(ssl, *static_cast<const TlsContext*>(self)); });
  SSL_CTX_set_tlsext_servername_arg(first, context.get());
  return context;
}

// [RFC6066 3] Who asks for a name that we do not know goes on with the first certificate; it is his to refuse it.
int TlsContext::choose(void* ssl, const TlsContext& self) {
  auto* const session = static_cast<SSL*>(ssl);
  const char* const name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
  const auto index = name ? self.by_name_->names.find(name) : std::nullopt;
  if (!index) return SSL_TLSEXT_ERR_NOACK;
  if (*index > 0) SSL_set_SSL_CTX(session, self.by_name_->others[*index - 1].get());
  return SSL_TLSEXT_ERR_OK;
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
