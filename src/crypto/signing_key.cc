#include "crypto/signing_key.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "crypto/openssl_handle.h"

namespace posthorn::crypto {
namespace {

constexpr std::size_t kRsaBits = 2048;
constexpr std::size_t kLongestPem = 64 << 10;
constexpr int kFewestRsaBits = 1024, kMostRsaBits = 4096;  // beyond this a signature takes longer than a message

using SignContext = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;

unsigned char* bytes_of(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }

// Without it OpenSSL would ask for a passphrase on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

Result<std::string> sign_rsa(EVP_PKEY* key, const Sha256Digest& digest) {
  const SignContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  std::string out(static_cast<std::size_t>(EVP_PKEY_get_size(key)), '\0');
  std::size_t size = out.size();
  const bool done = context && EVP_PKEY_sign_init(context.get()) == 1 &&
                    EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
                    EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1 &&
                    EVP_PKEY_sign(context.get(), bytes_of(out), &size, digest.data(), digest.size()) == 1;
  if (!done) return openssl_failed("cannot sign");
  out.resize(size);
  return out;
}

Result<std::string> sign_ed25519(EVP_PKEY* key, const Sha256Digest& digest) {
  const DigestContext context(EVP_MD_CTX_new());
  std::string out(64, '\0');
  std::size_t size = out.size();
  const bool done = context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
                    EVP_DigestSign(context.get(), bytes_of(out), &size, digest.data(), digest.size()) == 1;
  if (!done) return openssl_failed("cannot sign");
  out.resize(size);
  return out;
}

}  // namespace

std::string_view name_of(KeyAlgorithm algorithm) { return algorithm == KeyAlgorithm::rsa ? "rsa" : "ed25519"; }

void SigningKey::Free::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

Result<SigningKey> SigningKey::generate(KeyAlgorithm algorithm) {
  Handle key(algorithm == KeyAlgorithm::rsa ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", kRsaBits)
                                            : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (!key) return openssl_failed("cannot make a key");
  return SigningKey(std::move(key), algorithm);
}

Result<SigningKey> SigningKey::from_pem(std::string_view pem) {
  if (pem.size() > kLongestPem) return fail(Errc::corrupt, "too long for a private key");
  const BufferHandle buffer(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Handle key(buffer ? PEM_read_bio_PrivateKey(buffer.get(), nullptr, no_passphrase, nullptr) : nullptr);
  if (!key) return openssl_failed("not a private key that can be read", Errc::corrupt);
  return wrap(std::move(key));
}

Result<SigningKey> SigningKey::wrap(Handle key) {
  if (EVP_PKEY_is_a(key.get(), "ED25519")) return SigningKey(std::move(key), KeyAlgorithm::ed25519);
  if (!EVP_PKEY_is_a(key.get(), "RSA")) return fail(Errc::unsupported, "a key that is neither RSA nor Ed25519");
  const int bits = EVP_PKEY_get_bits(key.get());
  if (bits < kFewestRsaBits || bits > kMostRsaBits)
    return fail(Errc::unsupported, "an RSA key of " + std::to_string(bits) + " bits; 1024 to 4096 can be used");
  return SigningKey(std::move(key), KeyAlgorithm::rsa);
}

std::string SigningKey::to_pem() const {
  auto pem = crypto::to_pem([this](BIO* out) {
    return PEM_write_bio_PKCS8PrivateKey(out, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  CHECK(!pem.empty());
  return pem;
}

Result<std::string> SigningKey::sign(const Sha256Digest& digest) const {
  return algorithm_ == KeyAlgorithm::rsa ? sign_rsa(key_.get(), digest) : sign_ed25519(key_.get(), digest);
}

std::string SigningKey::public_key() const {
  if (algorithm_ == KeyAlgorithm::ed25519) {
    std::string out(32, '\0');
    std::size_t size = out.size();
    CHECK(EVP_PKEY_get_raw_public_key(key_.get(), bytes_of(out), &size) == 1 && size == out.size());
    return out;
  }
  const int size = i2d_PUBKEY(key_.get(), nullptr);
  CHECK(size > 0);
  std::string out(static_cast<std::size_t>(size), '\0');
  unsigned char* at = bytes_of(out);
  CHECK(i2d_PUBKEY(key_.get(), &at) == size);
  return out;
}

}  // namespace posthorn::crypto
