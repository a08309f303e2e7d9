#include "net/certificate_testing.h"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <atomic>
#include <cstdio>
#include <filesystem>

namespace posthorn::net {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Memory = std::unique_ptr<BIO, decltype(&BIO_free)>;

std::string taken_from(BIO* memory) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* x) {
  const Memory out(BIO_new(BIO_s_mem()), &BIO_free);
  CHECK(PEM_write_bio_X509(out.get(), x) == 1);
  return taken_from(out.get());
}

std::string pem_of(EVP_PKEY* key) {
  const Memory out(BIO_new(BIO_s_mem()), &BIO_free);
  CHECK(PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return taken_from(out.get());
}

Certificate certificate_from(const std::string& pem) {
  const Memory in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  return {PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), &X509_free};
}

Key key_from(const std::string& pem) {
  const Memory in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  return {PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free};
}

void add_extension(X509* x, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, x, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  CHECK(extension);
  X509_add_ext(x, extension, -1);
  X509_EXTENSION_free(extension);
}

std::string alternative_names(const TestSubject& subject) {
  std::string out;
  unsigned char bytes[16];
  for (const auto& name : subject.names) {
    const bool address = ::inet_pton(AF_INET, name.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, name.c_str(), bytes) == 1;
    out += (out.empty() ? "" : ",") + std::string(address ? "IP:" : "DNS:") + name;
  }
  return out;
}

// Without an issuer it signs itself.
TestIdentity make(const TestSubject& subject, const TestIdentity* issuer, bool authority) {
  static std::atomic<long> serial{1};
  const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const Certificate x(X509_new(), &X509_free);
  X509_set_version(x.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(x.get()), subject.valid_from.count());
  X509_gmtime_adj(X509_getm_notAfter(x.get()), subject.valid_to.count());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(subject.common_name.c_str()), -1, -1, 0);
  X509_set_pubkey(x.get(), key.get());
  const Certificate signer = issuer ? certificate_from(issuer->certificate) : Certificate(nullptr, &X509_free);
  X509* by = signer ? signer.get() : x.get();
  X509_set_issuer_name(x.get(), X509_get_subject_name(by));
  add_extension(x.get(), by, NID_subject_key_identifier, "hash");
  add_extension(x.get(), by, NID_authority_key_identifier, "keyid");
  add_extension(x.get(), by, NID_basic_constraints, authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (authority) add_extension(x.get(), by, NID_key_usage, "critical,keyCertSign,cRLSign");
  else add_extension(x.get(), by, NID_ext_key_usage, subject.for_servers ? "serverAuth" : "clientAuth");
  if (!subject.names.empty()) add_extension(x.get(), by, NID_subject_alt_name, alternative_names(subject));
  const Key signing = issuer ? key_from(issuer->key) : Key(nullptr, &EVP_PKEY_free);
  CHECK(X509_sign(x.get(), signing ? signing.get() : key.get(), EVP_sha256()) > 0);
  TestIdentity out{.key = pem_of(key.get()), .certificate = pem_of(x.get()), .chain = {}};
  out.chain = out.certificate + (issuer ? issuer->certificate : "");
  return out;
}

std::string digest(const std::string& data, const EVP_MD* md) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  CHECK(EVP_Digest(data.data(), data.size(), out, &size, md, nullptr) == 1);
  return {reinterpret_cast<char*>(out), size};
}

}  // namespace

TlsaRecord TestIdentity::tlsa(std::uint8_t usage, std::uint8_t selector, std::uint8_t matching_type) const {
  const auto x = certificate_from(certificate);
  unsigned char* bytes = nullptr;
  const int size = selector == 0 ? i2d_X509(x.get(), &bytes) : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x.get()), &bytes);
  const std::string der(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  const auto data = matching_type == 0 ? der : digest(der, matching_type == 1 ? EVP_sha256() : EVP_sha512());
  return {usage, selector, matching_type, data};
}

TestAuthority::TestAuthority(const std::string& name) : own_(make({.common_name = name}, nullptr, true)) {}
TestIdentity TestAuthority::issue(const TestSubject& subject) const { return make(subject, &own_, false); }
TestIdentity make_self_signed_identity(const TestSubject& subject) { return make(subject, nullptr, false); }

TestFolder::TestFolder() {
  char name[] = "/tmp/posthorn-test-XXXXXX";
  CHECK(::mkdtemp(name));
  path_ = name;
}

TestFolder::~TestFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TestFolder::write(const std::string& name, const std::string& content) const {
  std::string file = path_ + "/" + name;
  std::FILE* out = std::fopen(file.c_str(), "w");
  CHECK(out && std::fwrite(content.data(), 1, content.size(), out) == content.size());
  CHECK(std::fclose(out) == 0);
  return file;
}

std::shared_ptr<const TlsContext> test_server_context(const TestIdentity& identity) {
  const TestFolder folder;
  return TlsContext::server(folder.write("chain.pem", identity.chain), folder.write("key.pem", identity.key)).value();
}

std::shared_ptr<const TlsContext> test_client_context(const TestAuthority& trusted) {
  const TestFolder folder;
  return TlsContext::client({.ca_file = folder.write("ca.pem", trusted.identity().certificate)}).value();
}

}  // namespace posthorn::net
