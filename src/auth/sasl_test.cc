#include "auth/sasl.h"

#include <gtest/gtest.h>

namespace posthorn::auth {
namespace {

using namespace std::string_literals;
using Kind = SaslExchange::Step::Kind;

TEST(SaslPlain, TakesExactlyThreeFields) {
  struct Case {
    std::string message;
    bool good;
    std::string authzid, user, password;
  };
  for (const auto& c : {Case{"\0tim\0tanstaaftanstaaf"s, true, "", "tim", "tanstaaftanstaaf"},  // [RFC4616 4]
                        Case{"Ursel\0Kurt\0xipj3plmq"s, true, "Ursel", "Kurt", "xipj3plmq"},
                        Case{"\0u\0p\xc3\xa4ss word"s, true, "", "u", "p\xc3\xa4ss word"}, Case{""s, false, {}, {}, {}},
                        Case{"u\0p"s, false, {}, {}, {}}, Case{"\0u\0p\0"s, false, {}, {}, {}},
                        Case{"\0u\0p\0x"s, false, {}, {}, {}}, Case{"\0\0p"s, false, {}, {}, {}},
                        Case{"\0u\0"s, false, {}, {}, {}}, Case{"\0u\0\xff"s, false, {}, {}, {}},
                        Case{"\0u\0"s + std::string(2000, 'p'), false, {}, {}, {}}}) {
    SaslExchange with_initial("plain"), without("PLAIN");
    auto step = with_initial.start(&c.message);
    EXPECT_EQ(step.kind, c.good ? Kind::done : Kind::failed);
    const auto challenge = without.start(nullptr);
    EXPECT_EQ(challenge.kind, Kind::challenge);
    EXPECT_EQ(challenge.challenge, "");
    step = without.next(c.message);
    ASSERT_EQ(step.kind, c.good ? Kind::done : Kind::failed);
    EXPECT_EQ(step.credentials.authorize_as, c.authzid);
    EXPECT_EQ(step.credentials.user, c.user);
    EXPECT_EQ(step.credentials.password, c.password);
    EXPECT_EQ(without.next(c.message).kind, Kind::failed);  // once
  }
}

TEST(SaslLogin, AsksForTheUserThenThePassword) {
  for (const bool initial : {false, true}) {
    SaslExchange exchange("Login");
    const std::string user = "tim";
    auto step = exchange.start(initial ? &user : nullptr);
    if (!initial) {
      EXPECT_EQ(step.challenge, "Username:");
      step = exchange.next(user);
    }
    ASSERT_EQ(step.kind, Kind::challenge);
    EXPECT_EQ(step.challenge, "Password:");
    step = exchange.next("secret");
    ASSERT_EQ(step.kind, Kind::done);
    EXPECT_EQ(step.credentials.user, "tim");
    EXPECT_EQ(step.credentials.password, "secret");
    EXPECT_EQ(step.credentials.authorize_as, "");
  }
}

TEST(SaslLogin, RefusesEmptyAndForeignBytes) {
  for (const auto& bad : {""s, "a\0b"s, "\xff"s, std::string(2000, 'x')}) {
    SaslExchange user("LOGIN"), password("LOGIN");
    user.start(nullptr);
    EXPECT_EQ(user.next(bad).kind, Kind::failed);
    password.start(nullptr);
    password.next("u");
    EXPECT_EQ(password.next(bad).kind, Kind::failed);
  }
}

TEST(Sasl, OtherMechanismsAndOtherOrdersFail) {
  EXPECT_TRUE(SaslExchange::is_supported("plain"));
  EXPECT_FALSE(SaslExchange::is_supported("CRAM-MD5"));
  EXPECT_EQ(SaslExchange("CRAM-MD5").start(nullptr).kind, Kind::failed);
  EXPECT_EQ(SaslExchange("PLAIN").next("\0u\0p"s).kind, Kind::failed);
}

}  // namespace
}  // namespace posthorn::auth
