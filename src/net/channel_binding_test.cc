// What a TLS channel is bound by: both ends agree, another channel has another.  [RFC5929 4] [RFC9266]
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "async/reactor.h"
#include "async/task_group.h"
#include "net/connection.h"

namespace posthorn::net {
namespace {

using namespace std::chrono_literals;

struct Certificate {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key;
  std::unique_ptr<X509, decltype(&X509_free)> x509{X509_new(), &X509_free};
  std::string der() const {
    unsigned char* bytes = nullptr;
    const int size = i2d_X509(x509.get(), &bytes);
    std::string out(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return out;
  }
};

// Signed by its own key, over `md`; `pss`: with RSA-PSS.
Certificate make_certificate(EVP_PKEY* key, const EVP_MD* md, bool pss = false) {
  Certificate c{.key = {key, &EVP_PKEY_free}};
  X509* x = c.x509.get();
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), 0);
  X509_gmtime_adj(X509_getm_notAfter(x), 3600);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("x"), -1, -1, 0);
  X509_set_issuer_name(x, X509_get_subject_name(x));
  X509_set_pubkey(x, key);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* parameters = nullptr;
  CHECK(EVP_DigestSignInit(context, &parameters, md, nullptr, key) == 1);
  if (pss) CHECK(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1);
  CHECK(X509_sign_ctx(x, context) > 0);
  EVP_MD_CTX_free(context);
  return c;
}

struct Bindings {
  std::string server_exporter, client_exporter, server_end_point, client_end_point, server_unique, client_unique;
};

Task<> accept(Connection& c, const TlsContext& context) {
  auto secured = co_await c.start_tls(context, after(5s));
  EXPECT_TRUE(secured);
}

Task<Bindings> shake_hands(const TlsContext& server, const TlsContext& client) {
  auto pair = make_connection_pair();
  EXPECT_EQ(pair.first->tls_exporter() + pair.first->tls_unique() + pair.first->tls_server_end_point(), "");
  TaskGroup group;
  group.spawn(Reactor::current(), accept(*pair.first, server));
  auto secured = co_await pair.second->start_tls_client(client, "localhost", after(5s));
  EXPECT_TRUE(secured);
  co_await group.join();
  co_return Bindings{pair.first->tls_exporter(), pair.second->tls_exporter(), pair.first->tls_server_end_point(),
                     pair.second->tls_server_end_point(), pair.first->tls_unique(), pair.second->tls_unique()};
}

Bindings bindings_of(const Certificate& c, std::function<void(SSL_CTX*)> change = {}) {
  char name[] = "/tmp/posthorn-net-XXXXXX";
  const std::string folder = ::mkdtemp(name), certificate = folder + "/c.pem", key = folder + "/k.pem";
  std::FILE* out = std::fopen(certificate.c_str(), "w");
  PEM_write_X509(out, c.x509.get());
  std::fclose(out);
  out = std::fopen(key.c_str(), "w");
  PEM_write_PrivateKey(out, c.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(out);
  const auto server = TlsContext::server(certificate, key);
  std::filesystem::remove_all(folder);
  EXPECT_TRUE(server) << server.error().text;
  if (!server) return {};
  if (change) change(static_cast<SSL_CTX*>((*server)->native()));
  return run_task(shake_hands(**server, *TlsContext::client_insecure().value()));
}

std::string digest(const std::string& data, const EVP_MD* md) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  CHECK(EVP_Digest(data.data(), data.size(), out, &size, md, nullptr) == 1);
  return {reinterpret_cast<char*>(out), size};
}

TEST(ChannelBinding, EndPointIsTheCertificateHashedAsItWasSigned) {
  struct Case {
    Certificate certificate;
    const EVP_MD* md;
  };
  const Case cases[] = {{make_certificate(EVP_EC_gen("P-256"), EVP_sha256()), EVP_sha256()},
                        {make_certificate(EVP_EC_gen("P-256"), EVP_sha384()), EVP_sha384()},
                        {make_certificate(EVP_RSA_gen(2048), EVP_sha512()), EVP_sha512()},
                        {make_certificate(EVP_RSA_gen(2048), EVP_sha1()), EVP_sha256()},
                        {make_certificate(EVP_RSA_gen(2048), EVP_sha384(), true), EVP_sha384()},
                        {make_certificate(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), nullptr), nullptr}};
  for (const auto& c : cases) {
    const auto found = bindings_of(c.certificate);
    EXPECT_EQ(found.server_end_point, c.md ? digest(c.certificate.der(), c.md) : "") << &c - cases;
    EXPECT_EQ(found.client_end_point, found.server_end_point) << &c - cases;
    EXPECT_EQ(found.server_exporter.size(), 32u) << &c - cases;
  }
}

TEST(ChannelBinding, ExporterIsTheChannelsOwn) {
  const auto certificate = make_certificate(EVP_EC_gen("P-256"), EVP_sha256());
  const auto tls12 = [](SSL_CTX* ctx) { SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION); };
  const auto tls12_without_ems = [](SSL_CTX* ctx) {
    SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_EXTENDED_MASTER_SECRET);
  };
  const auto one = bindings_of(certificate), two = bindings_of(certificate), old = bindings_of(certificate, tls12),
             older = bindings_of(certificate, tls12_without_ems);
  for (const auto& b : {one, two, old}) {
    EXPECT_EQ(b.server_exporter.size(), 32u);
    EXPECT_EQ(b.server_exporter, b.client_exporter);
  }
  EXPECT_NE(one.server_exporter, two.server_exporter);
  EXPECT_EQ(one.server_unique, "");  // [RFC9266 3] not of TLS 1.3
  EXPECT_EQ(old.server_unique.size(), 12u);
  EXPECT_EQ(old.server_unique, old.client_unique);
  EXPECT_EQ(older.server_exporter + older.client_exporter + older.server_unique, "");  // [RFC9266 4.2]
  EXPECT_FALSE(older.server_end_point.empty());
}

}  // namespace
}  // namespace posthorn::net
