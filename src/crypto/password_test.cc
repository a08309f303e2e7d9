#include "crypto/password.h"

#include <gtest/gtest.h>

namespace posthorn::crypto {
namespace {

constexpr PasswordScheme kSchemes[] = {PasswordScheme::argon2id, PasswordScheme::sha256};

TEST(Password, VerifiesWhatItHashed) {
  for (const auto scheme : kSchemes) {
    const std::string password("p\xc3\xa4ss \0 word", 12);
    const auto stored = hash_password(password, scheme).value();
    EXPECT_TRUE(verify_password(password, stored).value());
    EXPECT_FALSE(verify_password("wrong", stored).value());
    EXPECT_FALSE(verify_password(password + "x", stored).value());
    EXPECT_FALSE(verify_password("", stored).value());
    EXPECT_NE(hash_password(password, scheme).value(), stored) << "salted";
    EXPECT_FALSE(needs_rehash(stored, scheme));
  }
}

TEST(Password, KnownAnswers) {
  // From the test file of the argon2 reference implementation, and `printf 'saltpencil' | sha256sum`.
  EXPECT_TRUE(verify_password("password",
                              "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$"
                              "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")
                  .value());
  EXPECT_TRUE(verify_password("pencil", "$posthorn-sha256$c2FsdA$48olom8gneXaMRljGZZqMdpCfLxB7u6CtahbueOU31Q")
                  .value());
}

TEST(Password, SaysWhenToRehash) {
  const std::string ours = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$nf65";
  EXPECT_FALSE(needs_rehash(ours, PasswordScheme::argon2id));
  EXPECT_TRUE(needs_rehash(ours, PasswordScheme::sha256));
  EXPECT_TRUE(needs_rehash("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65", PasswordScheme::argon2id));
  EXPECT_TRUE(needs_rehash("$posthorn-sha256$c2FsdA$aa", PasswordScheme::argon2id));
}

TEST(Password, RefusesDamagedAndCostlyHashes) {
  for (const std::string bad :
       {"", "x", "$", "{PLAIN}secret", "$2y$10$abcdefghijklmnopqrstuv", "$posthorn-sha256$",
        "$posthorn-sha256$c2FsdA", "$posthorn-sha256$c2FsdA$aa", "$posthorn-sha256$!!$aa", "$argon2id$",
        "$argon2id$v=19$m=256,t=2,p=1$", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$!!!!",
        "$argon2id$v=99$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQM",
        "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQM",
        "$argon2id$v=19$m=262145,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQM",
        "$argon2id$v=19$m=256,t=1000000,p=1$c29tZXNhbHQ$nf65EOgLrQM",
        "$argon2id$v=19$m=256,t=2,p=255$c29tZXNhbHQ$nf65EOgLrQM",
        "$argon2id$v=19$m=0,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQM"}) {
    const auto result = verify_password("secret", bad);
    ASSERT_FALSE(result.has_value()) << bad;
    EXPECT_EQ(result.error().code, Errc::corrupt) << bad;
  }
  const auto huge =
      verify_password("secret", "$argon2id$v=19$m=256,t=2,p=1$" + std::string(100'000, 'A') + "$AAAA");
  EXPECT_EQ(huge.error().code, Errc::corrupt);
}

TEST(Password, RefusesEmptyAndOverlongPasswords) {
  for (const auto scheme : kSchemes) {
    EXPECT_EQ(hash_password("", scheme).error().code, Errc::invalid);
    EXPECT_EQ(hash_password(std::string(kMaxPassword + 1, 'a'), scheme).error().code, Errc::invalid);
    EXPECT_TRUE(hash_password(std::string(kMaxPassword, 'a'), scheme).has_value());
    const auto stored = hash_password("a", scheme).value();
    EXPECT_FALSE(verify_password(std::string(kMaxPassword + 1, 'a'), stored).value());
    EXPECT_FALSE(verify_unknown_user("a", scheme));
  }
}

}  // namespace
}  // namespace posthorn::crypto
