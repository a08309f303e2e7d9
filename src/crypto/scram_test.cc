#include "crypto/scram.h"

#include <gtest/gtest.h>

#include "crypto/base64.h"

namespace posthorn::crypto {
namespace {

std::string bytes(std::string_view base64) { return decode_base64(base64, Padding::equals).value(); }

// The exchange of [RFC7677 3].
constexpr std::string_view kAuthMessage =
    "n=user,r=rOprNGfwEbeRWgbNEkqO,"
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

TEST(Scram, ExampleOfTheStandard) {
  const auto keys = derive_scram_keys("pencil", bytes("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096);
  std::string proof = bytes("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  EXPECT_TRUE(verify_client_proof(keys, kAuthMessage, proof));
  EXPECT_EQ(view(server_signature(keys, kAuthMessage)),
            bytes("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
  proof[5] ^= 1;
  EXPECT_FALSE(verify_client_proof(keys, kAuthMessage, proof));
  EXPECT_FALSE(verify_client_proof(keys, kAuthMessage, proof.substr(1)));
  EXPECT_FALSE(verify_client_proof(keys, kAuthMessage, ""));
}

TEST(Scram, TextFormRoundTrips) {
  const auto keys = make_scram_keys("secret");
  EXPECT_EQ(keys.iterations, kScramIterations);
  EXPECT_EQ(parse_scram_keys(to_text(keys)).value(), keys);
  EXPECT_TRUE(verify_scram_password(keys, "secret"));
  EXPECT_FALSE(verify_scram_password(keys, "Secret"));
  EXPECT_NE(make_scram_keys("secret").salt, keys.salt);
}

TEST(Scram, RefusesDamagedText) {
  const std::string good = to_text(derive_scram_keys("pencil", "0123456789abcdef", 4096));
  EXPECT_TRUE(parse_scram_keys(good).has_value());
  for (std::size_t n = 0; n < good.size(); ++n)
    EXPECT_EQ(parse_scram_keys(good.substr(0, n)).error().code, Errc::corrupt) << n;
  for (const std::string& bad :
       {good + "=", std::string("SCRAM-SHA-1$4096:AA==$AA==:AA=="),
        std::string("SCRAM-SHA-256$0:AA==$AA==:AA=="), std::string("SCRAM-SHA-256$4294967295:AA==$AA==:AA=="),
        std::string("SCRAM-SHA-256$4096:AA==$AA==:AA==")})
    EXPECT_FALSE(parse_scram_keys(bad).has_value()) << bad;
}

}  // namespace
}  // namespace posthorn::crypto
