#include "crypto/public_key.h"

#include <gtest/gtest.h>

#include "crypto/signing_key.h"

namespace posthorn::crypto {
namespace {

TEST(PublicKey, BitsOfRsa) {
  const auto key = SigningKey::generate(KeyAlgorithm::rsa);
  ASSERT_TRUE(key);
  const auto der = key->public_key();
  EXPECT_EQ(rsa_public_key_bits(der).value_or(0), 2048);
  // RSAPublicKey alone is what stands behind the header of 24 octets.
  EXPECT_EQ(rsa_public_key_bits(std::string_view(der).substr(24)).value_or(0), 2048);
  EXPECT_FALSE(rsa_public_key_bits(der + "x"));
  EXPECT_FALSE(rsa_public_key_bits(std::string_view(der).substr(0, der.size() - 1)));
  EXPECT_FALSE(rsa_public_key_bits(""));
  EXPECT_FALSE(rsa_public_key_bits("nothing"));
  EXPECT_FALSE(rsa_public_key_bits(SigningKey::generate(KeyAlgorithm::ed25519)->public_key()));
}

}  // namespace
}  // namespace posthorn::crypto
