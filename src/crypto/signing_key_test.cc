#include "crypto/signing_key.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "crypto/base64.h"
#include "crypto/openssl_handle.h"

namespace posthorn::crypto {
namespace {

// [RFC8463 A.1], the Ed25519 one also the key of [RFC8032 7.1] test 1.
constexpr std::string_view kRsaPem =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi\n"
    "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM\n"
    "KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB\n"
    "AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm\n"
    "6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe\n"
    "zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy\n"
    "6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc\n"
    "uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy\n"
    "WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd\n"
    "WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a\n"
    "licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst\n"
    "o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe\n"
    "uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL\n"
    "-----END RSA PRIVATE KEY-----\n";
constexpr std::string_view kRsaPublic =
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC"
    "DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";
constexpr std::string_view kEd25519Secret = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
constexpr std::string_view kEd25519Public = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

// [RFC8410 7] the 32 bytes of an Ed25519 key as PKCS #8
std::string ed25519_pem(std::string_view secret) {
  const auto prefix = *from_hex("302e020100300506032b657004220420");
  return "-----BEGIN PRIVATE KEY-----\n" + encode_base64(prefix + *decode_base64(secret, Padding::equals), Padding::equals) +
         "\n-----END PRIVATE KEY-----\n";
}

// By OpenSSL, from the public bytes alone.
bool verifies(const SigningKey& key, const Sha256Digest& digest, const std::string& signature) {
  const auto bytes = key.public_key();
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto* signed_bytes = reinterpret_cast<const unsigned char*>(signature.data());
  const std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  if (key.algorithm() == KeyAlgorithm::ed25519) {
    const KeyHandle handle(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, at, bytes.size()));
    return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, handle.get()) == 1 &&
           EVP_DigestVerify(context.get(), signed_bytes, signature.size(), digest.data(), digest.size()) == 1;
  }
  const KeyHandle handle(d2i_PUBKEY(nullptr, &at, static_cast<long>(bytes.size())));
  const std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>> rsa(EVP_PKEY_CTX_new(handle.get(), nullptr));
  return EVP_PKEY_verify_init(rsa.get()) == 1 && EVP_PKEY_CTX_set_signature_md(rsa.get(), EVP_sha256()) == 1 &&
         EVP_PKEY_verify(rsa.get(), signed_bytes, signature.size(), digest.data(), digest.size()) == 1;
}

TEST(SigningKey, PublicHalvesOfTheStandard) {
  const auto rsa = SigningKey::from_pem(kRsaPem);
  ASSERT_TRUE(rsa) << rsa.error().text;
  EXPECT_EQ(rsa->algorithm(), KeyAlgorithm::rsa);
  EXPECT_EQ(encode_base64(rsa->public_key(), Padding::equals), kRsaPublic);
  const auto ed25519 = SigningKey::from_pem(ed25519_pem(kEd25519Secret));
  ASSERT_TRUE(ed25519) << ed25519.error().text;
  EXPECT_EQ(ed25519->algorithm(), KeyAlgorithm::ed25519);
  EXPECT_EQ(encode_base64(ed25519->public_key(), Padding::equals), kEd25519Public);
}

TEST(SigningKey, MadeKeysSignAreWrittenAndReadAgain) {
  const auto digest = sha256("a message"), other = sha256("another message");
  for (const auto algorithm : {KeyAlgorithm::rsa, KeyAlgorithm::ed25519}) {
    const auto key = SigningKey::generate(algorithm), second = SigningKey::generate(algorithm);
    ASSERT_TRUE(key && second);
    EXPECT_EQ(key->algorithm(), algorithm);
    const auto signature = key->sign(digest);
    ASSERT_TRUE(signature) << signature.error().text;
    EXPECT_EQ(signature->size(), algorithm == KeyAlgorithm::rsa ? 256u : 64u);
    EXPECT_TRUE(verifies(*key, digest, *signature));
    EXPECT_FALSE(verifies(*key, other, *signature));
    EXPECT_FALSE(verifies(*second, digest, *signature));

    const auto pem = key->to_pem();
    EXPECT_TRUE(pem.starts_with("-----BEGIN PRIVATE KEY-----\n")) << name_of(algorithm);
    const auto again = SigningKey::from_pem(pem);
    ASSERT_TRUE(again) << again.error().text;
    EXPECT_EQ(again->public_key(), key->public_key());
    EXPECT_EQ(*again->sign(digest), *signature);
    EXPECT_EQ(again->to_pem(), pem);
  }
}

std::string pem_of(EVP_PKEY* key) {
  return to_pem([key](BIO* out) { return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr); });
}

TEST(SigningKey, WhatIsNoUsableKeyIsRefused) {
  const KeyHandle ec(EVP_EC_gen("P-256")), tiny(EVP_RSA_gen(512));
  const std::string encrypted = to_pem([&](BIO* out) {
    return PEM_write_bio_PrivateKey(out, ec.get(), EVP_aes_128_cbc(), nullptr, 0, nullptr, const_cast<char*>("secret"));
  });
  const std::string public_half = to_pem([&](BIO* out) { return PEM_write_bio_PUBKEY(out, ec.get()); });
  const struct {
    std::string pem;
    Errc code;
  } cases[] = {
      {"", Errc::corrupt},
      {"rubbish", Errc::corrupt},
      {std::string(kRsaPem.substr(0, 300)), Errc::corrupt},
      {public_half, Errc::corrupt},
      {encrypted, Errc::corrupt},
      {std::string(100'000, '-'), Errc::corrupt},
      {pem_of(ec.get()), Errc::unsupported},
      {pem_of(tiny.get()), Errc::unsupported},
  };
  for (const auto& c : cases) {
    const auto key = SigningKey::from_pem(c.pem);
    ASSERT_FALSE(key) << c.pem;
    EXPECT_EQ(key.error().code, c.code) << c.pem << key.error().text;
    EXPECT_EQ(key.error().text.find("PRIVATE"), std::string::npos);
  }
  EXPECT_EQ(ERR_peek_error(), 0u);  // nothing is left for the next one to stumble over
}

}  // namespace
}  // namespace posthorn::crypto
