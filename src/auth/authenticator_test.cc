#include "auth/authenticator.h"

#include <gtest/gtest.h>

#include "async/reactor.h"
#include "auth/mechanisms.h"
#include "auth/throttle.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "crypto/digest.h"
#include "crypto/password.h"
#include "kv/memory/memory_store.h"

namespace posthorn::auth {
namespace {

using namespace std::chrono_literals;

std::int64_t metric(std::string_view name) {
  for (const auto& [n, v] : metrics_snapshot())
    if (n == name) return v;
  return -1;
}

struct AuthenticatorTest : testing::Test {
  AuthenticatorTest() {
    EXPECT_TRUE(crypto::kPasswordScheme.set(std::string("sha256")));
    EXPECT_TRUE(kFailureDelay.set(std::string("0 s")));
    EXPECT_TRUE(run_task(directory.open()));
    EXPECT_TRUE(run_task(directory.add_domain("example.test")));
    id = *run_task(directory.add_account("user@example.test", secrets("secret")));
    other = *run_task(directory.add_account("other@example.test", secrets("other secret")));
  }
  ~AuthenticatorTest() override {
    for (const auto* s : {static_cast<const SettingBase*>(&crypto::kPasswordScheme),
                          static_cast<const SettingBase*>(&kFailureDelay), static_cast<const SettingBase*>(&kSuccessCache),
                          static_cast<const SettingBase*>(&kMechanisms)})
      s->reset();
  }
  static std::string hash(std::string_view password) {
    return *crypto::hash_password(password, crypto::PasswordScheme::sha256);
  }
  static Secrets secrets(std::string_view password) { return *make_secrets(password); }
  Secrets kept(std::string address = "user@example.test") { return run_task(directory.find_account(std::move(address)))->secrets; }
  Errc verify(std::string user, std::string password, std::string ip = "192.0.2.1", std::string as = "") {
    const auto r = run_task(authenticator.verify(std::move(user), std::move(password), std::move(ip), std::move(as)));
    return r ? Errc::unsupported : r.error().code;
  }
  static constexpr Errc kRight = Errc::unsupported;

  log::Capture log;
  ManualClock clock{SysTime(1'700'000'000s)};
  kv::MemoryStore kv;
  WorkerPool workers{2};
  Directory directory{kv};
  AccountId id, other;
  Authenticator authenticator{directory, workers};
};

TEST_F(AuthenticatorTest, TheRightPasswordNamesTheAccount) {
  const auto r = run_task(authenticator.verify("USER@Example.test", "secret", "192.0.2.1"));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->account, id);
  EXPECT_EQ(r->address, "user@example.test");
}

TEST_F(AuthenticatorTest, Answers) {
  struct Case {
    std::string user, password, as;
    Errc answer;
  };
  for (const auto& c : {Case{"user@example.test", "secret", "", kRight},
                        Case{"user", "secret", "", kRight},  // the only domain
                        Case{"user@example.test", "secret", "User", kRight},
                        Case{"user@example.test", "secret", "other@example.test", Errc::denied},
                        Case{"user@example.test", "Secret", "", Errc::denied},
                        Case{"user@example.test", "", "", Errc::denied},
                        Case{"user@example.test", std::string(2000, 'x'), "", Errc::denied},
                        Case{"user+x@example.test", "secret", "", Errc::denied},
                        Case{"nobody@example.test", "secret", "", Errc::denied},
                        Case{"user@other.test", "secret", "", Errc::denied},
                        Case{"", "", "", Errc::denied}})
    EXPECT_EQ(verify(c.user, c.password, "192.0.2.1", c.as), c.answer) << c.user << " " << c.password;
  ASSERT_TRUE(run_task(directory.add_domain("second.test")));
  EXPECT_EQ(verify("user", "secret"), Errc::denied);  // which user?
}

// [RFC1939 7] has this example.
TEST_F(AuthenticatorTest, ApopNeedsASecretOfItsOwn) {
  const std::string timestamp = "<1896.697170952@dbc.mtview.ca.us>", digest = "c4c9334bac560ecc979e58001b3e22fb";
  const auto apop = [&](const std::string& user, const std::string& stamp, const std::string& given) {
    const auto r = run_task(authenticator.verify_apop(user, stamp, given, "192.0.2.1"));
    return r ? kRight : r.error().code;
  };
  EXPECT_EQ(apop("user", timestamp, digest), Errc::denied);
  // Not even with what stands in for a secret.
  const auto made_up = crypto::to_hex(crypto::view(crypto::md5(timestamp + directory.secret())));
  EXPECT_EQ(apop("user", timestamp, made_up), Errc::denied);
  EXPECT_EQ(apop("nobody", timestamp, made_up), Errc::denied);
  ASSERT_TRUE(run_task(directory.set_apop_secret("user@example.test", "tanstaaf")));
  EXPECT_EQ(apop("user", timestamp, digest), kRight);
  EXPECT_EQ(apop("USER@example.test", timestamp, digest), kRight);
  EXPECT_EQ(apop("user", "<1@other>", digest), Errc::denied);
  EXPECT_EQ(apop("user", timestamp, ""), Errc::denied);
  EXPECT_EQ(apop("other", timestamp, digest), Errc::denied);
  EXPECT_EQ(verify("user@example.test", "tanstaaf"), Errc::denied);  // it is no password
}

TEST_F(AuthenticatorTest, WrongDigestsOfApopAreThrottled) {
  ASSERT_TRUE(run_task(directory.set_apop_secret("user@example.test", "tanstaaf")));
  const auto apop = [&](const std::string& digest) {
    const auto r = run_task(authenticator.verify_apop("user", "<1@x>", digest, "192.0.2.1"));
    return r ? kRight : r.error().code;
  };
  for (std::int64_t i = 0; i < kMaxFailuresPerAccount.get(); ++i) EXPECT_EQ(apop(std::string(32, '0')), Errc::denied);
  EXPECT_EQ(apop(crypto::to_hex(crypto::view(crypto::md5("<1@x>tanstaaf")))), Errc::throttled);
}

TEST_F(AuthenticatorTest, PasswordsAreNotLogged) {
  verify("user@example.test", "wrong-password-here");
  EXPECT_TRUE(log.has("auth.denied user=user@example.test"));
  EXPECT_FALSE(log.has("wrong-password-here"));
}

TEST_F(AuthenticatorTest, AnUnreadableHashLetsNobodyIn) {
  ASSERT_TRUE(run_task(directory.set_secrets("user@example.test", {"secret", "", ""})));
  EXPECT_EQ(verify("user@example.test", "secret"), Errc::denied);
}

TEST_F(AuthenticatorTest, WhatIsMissingOrOutOfDateIsMadeAtSignIn) {
  const auto whole = secrets("secret");
  struct Case {
    Secrets kept;
    std::string_view what;
  };
  for (const auto& c : {Case{{whole.password_hash, "", ""}, "no keys"}, Case{{whole.password_hash, whole.scram_sha256, ""}, "one of two"},
                        Case{{"", whole.scram_sha256, ""}, "keys only"}, Case{{"", "", whole.scram_sha1}, "old keys only"}}) {
    ASSERT_TRUE(run_task(directory.set_secrets("user@example.test", c.kept)));
    clock.advance(6min);  // auth.success_cache
    EXPECT_EQ(verify("user@example.test", "Secret"), Errc::denied) << c.what;
    EXPECT_EQ(kept(), c.kept) << c.what;
    EXPECT_EQ(verify("user@example.test", "secret"), kRight) << c.what;
    for (const auto& text : {kept().scram_sha256, kept().scram_sha1})
      EXPECT_TRUE(crypto::verify_scram_password(crypto::parse_scram_keys(text).value(), "secret")) << c.what;
    EXPECT_TRUE(crypto::verify_password("secret", kept().password_hash).value()) << c.what;
    for (const auto& [was, is] : {std::pair{c.kept.password_hash, kept().password_hash}, {c.kept.scram_sha256, kept().scram_sha256}})
      if (!was.empty()) EXPECT_EQ(was, is) << c.what;
    const auto renewed = kept();
    EXPECT_EQ(verify("user@example.test", "secret"), kRight) << c.what;
    EXPECT_EQ(kept(), renewed) << c.what;
  }
  crypto::kPasswordScheme.reset();
  clock.advance(6min);
  EXPECT_EQ(verify("user@example.test", "secret"), kRight);
  const auto better = kept();
  EXPECT_TRUE(better.password_hash.starts_with("$argon2id$"));
  ASSERT_TRUE(crypto::kPasswordScheme.set(std::string("sha256")));
  clock.advance(6min);
  EXPECT_EQ(verify("user@example.test", "secret"), kRight);
  EXPECT_EQ(kept(), better) << "not made worse";
}

TEST_F(AuthenticatorTest, OnlyMechanismsThatAreOnHaveKeys) {
  ASSERT_TRUE(kMechanisms.set(std::string("SCRAM-SHA-256-PLUS, plain")));
  EXPECT_FALSE(secrets("x").scram_sha256.empty());
  EXPECT_TRUE(secrets("x").scram_sha1.empty());
  ASSERT_TRUE(kMechanisms.set(std::string("LOGIN")));
  EXPECT_TRUE(secrets("x").scram_sha256.empty());
}

// [RFC4013] The same password may be typed as different characters, and before 0.2 they were hashed as they came.
TEST_F(AuthenticatorTest, PasswordsAndNamesAreComparedAsPrepared) {
  const std::string composed = "p\xc3\xa4ss", decomposed = "pa\xcc\x88ss", horse = "\xf0\x9f\x90\xb4", private_use = "\xee\x80\x80";
  for (const auto& [stored, typed] : {std::pair{composed, decomposed}, {decomposed, composed}, {horse, horse}, {private_use, private_use}}) {
    ASSERT_TRUE(run_task(directory.set_secrets("user@example.test", secrets(stored))));
    EXPECT_EQ(verify("user@example.test", typed), kRight);
    EXPECT_EQ(verify("user@example.test", typed + "x"), Errc::denied);
  }
  ASSERT_TRUE(run_task(directory.set_secrets("user@example.test", {hash(decomposed), "", ""})));
  EXPECT_EQ(verify("user@example.test", composed), Errc::denied);
  EXPECT_EQ(verify("user@example.test", decomposed), kRight);
  EXPECT_EQ(verify("user@example.test", composed), kRight) << "made anew";

  for (const std::string name : {"j\xc3\xb6@example.test", "A\xcc\x88@example.test"}) {
    ASSERT_TRUE(run_task(directory.add_account(name, secrets("secret"))));
    EXPECT_EQ(verify(name, "secret"), kRight);
  }
  EXPECT_EQ(verify("jo\xcc\x88@example.test", "secret"), kRight);
  EXPECT_EQ(verify("u\xc2\xadser@example.test", "secret"), Errc::denied);  // the right name, the wrong password
  EXPECT_TRUE(log.has("auth.denied user=user@example.test"));
}

TEST_F(AuthenticatorTest, ARightPasswordIsHashedOnceInAWhile) {
  const auto saved = [] { return metric("auth.success_cache_hits"); };
  const auto before = saved();
  EXPECT_EQ(verify("user@example.test", "secret"), kRight);
  EXPECT_EQ(saved(), before);
  EXPECT_EQ(verify("user@example.test", "secret"), kRight);
  EXPECT_EQ(saved(), before + 1);
  EXPECT_EQ(verify("user@example.test", "wrong"), Errc::denied);
  EXPECT_EQ(verify("other@example.test", "secret"), Errc::denied);
  clock.advance(6min);
  EXPECT_EQ(verify("user@example.test", "secret"), kRight);
  EXPECT_EQ(saved(), before + 1);
  ASSERT_TRUE(kSuccessCache.set(std::int64_t{0}));
  EXPECT_EQ(verify("user@example.test", "secret"), kRight);
  EXPECT_EQ(saved(), before + 1);
}

TEST_F(AuthenticatorTest, AChangedPasswordAndARemovedAccountCountAtOnce) {
  EXPECT_EQ(verify("user@example.test", "secret"), kRight);
  ASSERT_TRUE(run_task(directory.set_secrets("user@example.test", secrets("new"))));
  EXPECT_EQ(verify("user@example.test", "secret"), Errc::denied);
  EXPECT_EQ(verify("user@example.test", "new"), kRight);
  // Of an account that has keys only, and cannot be given a hash now.
  ASSERT_TRUE(run_task(directory.set_secrets("user@example.test", {"", secrets("one").scram_sha256, ""})));
  kv.set_faults({.before_commit = [](const kv::Batch&) -> Result<void> { return fail(Errc::no_space); }});
  EXPECT_EQ(verify("user@example.test", "one"), kRight);
  EXPECT_TRUE(log.has("auth.not_renewed account=user@example.test"));
  kv.set_faults({});
  ASSERT_TRUE(run_task(directory.set_secrets("user@example.test", {"", secrets("two").scram_sha256, ""})));
  EXPECT_EQ(verify("user@example.test", "one"), Errc::denied);
  EXPECT_EQ(verify("user@example.test", "two"), kRight);
  ASSERT_TRUE(run_task(directory.remove_account("user@example.test")));
  EXPECT_EQ(verify("user@example.test", "two"), Errc::denied);
}

TEST_F(AuthenticatorTest, GuessesAtAnAccountAreLimited) {
  for (int i = 0; i < 20; ++i)  // each from elsewhere
    EXPECT_EQ(verify("user@example.test", "guess", "192.0.2." + std::to_string(i)), Errc::denied);
  EXPECT_EQ(verify("user@example.test", "secret", "192.0.2.200"), Errc::throttled);
  EXPECT_EQ(verify("other@example.test", "other secret", "192.0.2.200"), kRight);
  clock.advance(31s);  // one of twenty in ten minutes is forgotten
  EXPECT_EQ(verify("user@example.test", "secret", "192.0.2.200"), kRight);
}

TEST_F(AuthenticatorTest, TheOwnerIsNotLockedOutByOthers) {
  EXPECT_EQ(verify("user@example.test", "secret", "198.51.100.7"), kRight);
  for (int i = 0; i < 30; ++i) verify("user@example.test", "guess", "192.0.2." + std::to_string(i));
  EXPECT_EQ(verify("user@example.test", "secret", "198.51.100.8"), Errc::throttled);
  EXPECT_EQ(verify("user@example.test", "secret", "198.51.100.7"), kRight);
}

TEST_F(AuthenticatorTest, GuessesFromAnAddressAreLimitedWhateverTheAccount) {
  for (int i = 0; i < 100; ++i) verify("nobody" + std::to_string(i) + "@example.test", "guess", "2001:db8:0:1::" + std::to_string(i));
  EXPECT_EQ(verify("user@example.test", "secret", "2001:db8:0:1:a:b:c:d"), Errc::throttled);  // the same /64
  EXPECT_EQ(verify("user@example.test", "secret", "2001:db8:0:2::1"), kRight);
  EXPECT_EQ(verify("user@example.test", "secret", ""), kRight);  // a Unix socket has no address
}

TEST(Throttle, EveryWrongPasswordIsAnsweredLater) {
  ManualClock clock{SysTime(1'700'000'000s)};
  Throttle throttle;
  std::vector<std::chrono::milliseconds> delays;
  for (int i = 0; i < 6; ++i) delays.push_back(throttle.failed("a", "192.0.2.1"));
  EXPECT_EQ(delays, (std::vector<std::chrono::milliseconds>{500ms, 1s, 2s, 4s, 8s, 8s}));
  clock.advance(10min);
  EXPECT_EQ(throttle.failed("a", "192.0.2.1"), 500ms);
}

TEST(Throttle, GuessesThatTakeTheirTimeAreAnsweredLaterToo) {
  ManualClock clock{SysTime(1'700'000'000s)};
  Throttle throttle;
  auto wanted = 500ms;
  for (int i = 0; i < 5; ++i, wanted *= 2) {
    const auto delay = throttle.failed("a", "192.0.2.1");
    EXPECT_GT(delay, wanted * 9 / 10) << i;
    EXPECT_LE(delay, wanted) << i;
    clock.advance(200ms);  // some of it is forgotten
  }
}

TEST(Throttle, ItsMemoryIsBounded) {
  ASSERT_TRUE(kThrottleEntries.set(std::int64_t{100}));
  Throttle throttle;
  kThrottleEntries.reset();
  for (int i = 0; i < 1000; ++i) {
    throttle.failed(std::to_string(i), "192.0.2.1");
    throttle.succeeded(std::to_string(i), "192.0.2.1");
  }
  EXPECT_LE(throttle.size(), 200u);
  EXPECT_TRUE(throttle.limited("anybody", "192.0.2.1"));  // used all the time, so never forgotten
}

}  // namespace
}  // namespace posthorn::auth
