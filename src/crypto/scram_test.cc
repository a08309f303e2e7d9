#include "crypto/scram.h"

#include <gtest/gtest.h>

#include "crypto/base64.h"

namespace posthorn::crypto {
namespace {

std::string bytes(std::string_view base64) { return decode_base64(base64, Padding::equals).value(); }

struct Example {
  ScramHash hash;
  std::string_view salt, auth_message, proof, signature;
};
constexpr Example kExamples[] = {
    {ScramHash::sha1, "QSXCR+Q6sek8bf92",  // [RFC5802 5]
     "n=user,r=fyko+d2lbbFgONRv9qkxdawL,"
     "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,"
     "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
     "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {ScramHash::sha256, "W22ZaJ0SNY7soEsUEjb6gQ==",  // [RFC7677 3]
     "n=user,r=rOprNGfwEbeRWgbNEkqO,"
     "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
     "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
     "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="}};

TEST(Scram, ExamplesOfTheStandards) {
  for (const auto& e : kExamples) {
    const auto keys = derive_scram_keys(e.hash, "pencil", bytes(e.salt), 4096);
    auto proof = bytes(e.proof);
    EXPECT_TRUE(verify_client_proof(keys, e.auth_message, proof));
    EXPECT_EQ(server_signature(keys, e.auth_message), bytes(e.signature));
    EXPECT_EQ(client_proof(keys, "pencil", e.auth_message), proof);
    proof[5] ^= 1;
    EXPECT_FALSE(verify_client_proof(keys, e.auth_message, proof));
    EXPECT_FALSE(verify_client_proof(keys, e.auth_message, proof.substr(1)));
    EXPECT_FALSE(verify_client_proof(keys, e.auth_message, ""));
  }
}

TEST(Scram, TextFormRoundTrips) {
  for (const auto hash : {ScramHash::sha1, ScramHash::sha256}) {
    const auto keys = make_scram_keys(hash, "secret");
    EXPECT_EQ(keys.iterations, kScramIterations);
    EXPECT_TRUE(to_text(keys).starts_with(std::string(mechanism_of(hash)) + "$4096:"));
    EXPECT_EQ(parse_scram_keys(to_text(keys)).value(), keys);
    EXPECT_TRUE(verify_scram_password(keys, "secret"));
    EXPECT_FALSE(verify_scram_password(keys, "Secret"));
    EXPECT_NE(make_scram_keys(hash, "secret").salt, keys.salt);
  }
}

TEST(Scram, RefusesDamagedText) {
  for (const auto hash : {ScramHash::sha1, ScramHash::sha256}) {
    const std::string good = to_text(derive_scram_keys(hash, "pencil", "0123456789abcdef", 4096));
    EXPECT_TRUE(parse_scram_keys(good).has_value());
    for (std::size_t n = 0; n < good.size(); ++n)
      EXPECT_EQ(parse_scram_keys(good.substr(0, n)).error().code, Errc::corrupt) << n;
    EXPECT_FALSE(parse_scram_keys(good + "=").has_value());
  }
  for (const std::string bad :
       {"SCRAM-SHA-1$4096:AA==$AA==:AA==", "SCRAM-SHA-256$0:AA==$AA==:AA==", "SCRAM-SHA-256$4294967295:AA==$AA==:AA==",
        "SCRAM-SHA-256$4096:AA==$AA==:AA==", "SCRAM-SHA-512$4096:AA==$AA==:AA==", "$4096:AA==$AA==:AA=="})
    EXPECT_FALSE(parse_scram_keys(bad).has_value()) << bad;
}

}  // namespace
}  // namespace posthorn::crypto
