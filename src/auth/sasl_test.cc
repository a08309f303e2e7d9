#include "auth/sasl.h"

#include <gtest/gtest.h>

#include "async/reactor.h"
#include "auth/scram_testing.h"
#include "auth/throttle.h"
#include "base/clock.h"
#include "base/log.h"
#include "crypto/password.h"
#include "kv/memory/memory_store.h"

namespace posthorn::auth {
namespace {

using namespace std::string_literals;
using namespace std::chrono_literals;
using crypto::ScramHash;
using Answer = Result<SaslServer::Step>;

const Channel kPlain{"192.0.2.1", CanBind::no, {}, {}, {}};
const Channel kTls{"192.0.2.1", CanBind::yes, "exported", {}, "hash of the certificate"};
const Channel kOldTls{"192.0.2.1", CanBind::yes, "exported", "finished", "hash of the certificate"};

struct SaslTest : testing::Test {
  SaslTest() {
    EXPECT_TRUE(crypto::kPasswordScheme.set(std::string("sha256")));
    EXPECT_TRUE(kFailureDelay.set(std::string("0 s")));
    EXPECT_TRUE(run_task(directory.open()));
    EXPECT_TRUE(run_task(directory.add_domain("example.test")));
    id = *run_task(directory.add_account("tim@example.test", *make_secrets("pencil")));
  }
  ~SaslTest() override {
    crypto::kPasswordScheme.reset();
    kFailureDelay.reset();
    kMechanisms.reset();
  }
  SaslServer begin(std::string_view mechanism, const Channel& channel = kPlain) {
    const auto* found = find_mechanism(mechanism);
    CHECK(found);
    return {authenticator, *found, channel};
  }
  static Answer say(SaslServer& sasl, std::optional<std::string> response) { return run_task(sasl.next(std::move(response))); }
  static std::string challenge_of(const Answer& a) { return a && !a->identity ? a->challenge : "?"; }

  struct Ended {
    Errc code = Errc::unsupported;  // unsupported: signed in
    std::string error;              // e=
  };
  // A whole exchange.
  Ended exchange(const ScramClient::Options& options, const Channel& channel = kPlain, bool plus = false) {
    ScramClient client(options);
    auto sasl = begin(std::string(crypto::mechanism_of(options.hash)) + (plus ? "-PLUS" : ""), channel);
    auto step = say(sasl, client.first());
    if (!step) return {step.error().code, {}};
    step = say(sasl, client.final(step->challenge));
    if (!step) return {step.error().code, {}};
    EXPECT_FALSE(step->identity) << "not before the client has judged our signature";
    const auto told = step->challenge;
    step = say(sasl, "");
    if (!step) return {step.error().code, told};
    EXPECT_TRUE(client.accepts(told)) << told;
    EXPECT_EQ(step->identity->account, id);
    EXPECT_EQ(say(sasl, "").error().code, Errc::syntax) << "once";
    return {};
  }
  static constexpr Errc kSignedIn = Errc::unsupported;

  log::Capture log;
  ManualClock clock{SysTime(1'700'000'000s)};
  kv::MemoryStore kv;
  WorkerPool workers{1};
  Directory directory{kv};
  Authenticator authenticator{directory, workers};
  AccountId id;
};

TEST_F(SaslTest, PlainTakesExactlyThreeFields) {
  struct Case {
    std::string message;
    Errc code;
    std::string user = {};
  };
  for (const auto& c : {Case{"\0tim\0pencil"s, kSignedIn, "tim"},  // [RFC4616 4] as there, but for the password
                        Case{"tim@example.test\0tim@example.test\0pencil"s, kSignedIn, "tim@example.test"},
                        Case{"Ursel\0Kurt\0xipj3plmq"s, Errc::denied, "Kurt"}, Case{"ursel\0tim\0pencil"s, Errc::denied, "tim"},
                        Case{"\0tim\0p\xc3\xa4ss word"s, Errc::denied, "tim"}, Case{""s, Errc::syntax}, Case{"u\0p"s, Errc::syntax},
                        Case{"\0u\0p\0"s, Errc::syntax}, Case{"\0u\0p\0x"s, Errc::syntax}, Case{"\0\0p"s, Errc::syntax},
                        Case{"\0u\0"s, Errc::syntax}, Case{"\0u\0\xff"s, Errc::syntax},
                        Case{"\0u\0"s + std::string(2000, 'p'), Errc::syntax}}) {
    for (const bool initial : {true, false}) {
      auto sasl = begin("plain");
      if (!initial) EXPECT_EQ(challenge_of(say(sasl, {})), "");
      const auto step = say(sasl, c.message);
      EXPECT_EQ(step ? kSignedIn : step.error().code, c.code);
      if (c.code != Errc::syntax) EXPECT_EQ(sasl.user(), c.user);
      EXPECT_EQ(say(sasl, c.message).error().code, Errc::syntax) << "once";
    }
  }
}

TEST_F(SaslTest, LoginAsksForTheUserThenThePassword) {
  for (const bool initial : {false, true}) {
    auto sasl = begin("Login");
    auto step = say(sasl, initial ? std::optional<std::string>("tim") : std::nullopt);
    if (!initial) {
      EXPECT_EQ(challenge_of(step), "Username:");
      step = say(sasl, "tim");
    }
    EXPECT_EQ(challenge_of(step), "Password:");
    step = say(sasl, "pencil");
    ASSERT_TRUE(step);
    EXPECT_EQ(step->identity->address, "tim@example.test");
  }
  for (const auto& bad : {""s, "a\0b"s, "\xff"s, std::string(2000, 'x')}) {
    auto user = begin("LOGIN"), password = begin("LOGIN");
    say(user, {});
    EXPECT_EQ(say(user, bad).error().code, Errc::syntax);
    say(password, "tim");
    EXPECT_EQ(say(password, bad).error().code, Errc::syntax);
  }
}

TEST_F(SaslTest, ScramSignsInWithTheRightProof) {
  for (const auto hash : {ScramHash::sha1, ScramHash::sha256}) {
    struct Case {
      ScramClient::Options options;
      const Channel* channel;
      bool plus;
      Ended end;
    };
    const ScramClient::Options good{.hash = hash, .user = "tim", .password = "pencil"};
    auto with = [&](auto change) {
      auto options = good;
      change(options);
      return options;
    };
    const auto bound = [&](std::string type, std::string data) {
      return with([&](auto& o) {
        o.binding_flag = "p=" + type;
        o.binding_data = data;
      });
    };
    const std::string does_not_match = "e=channel-bindings-dont-match", no_type = "e=unsupported-channel-binding-type";
    const Case cases[] = {
        {good, &kPlain, false, {}},
        {good, &kTls, false, {}},
        {with([](auto& o) { o.authorize_as = "Tim@example.test"; }), &kPlain, false, {}},
        {with([](auto& o) { o.binding_flag = "y"; }), &kPlain, false, {}},
        {with([](auto& o) { o.authorize_as = "bob,=@example.test"; }), &kPlain, false, {Errc::denied, ""}},
        {with([](auto& o) { o.password = "Pencil"; }), &kPlain, false, {Errc::denied, ""}},
        {with([](auto& o) { o.user = "nobody"; }), &kPlain, false, {Errc::denied, ""}},
        {with([](auto& o) { o.binding_data = "x"; }), &kTls, false, {Errc::denied, does_not_match}},
        // [RFC5802 6] somebody has taken the -PLUS forms out of our list
        {with([](auto& o) { o.binding_flag = "y"; }), &kTls, false, {Errc::denied, "e=server-does-support-channel-binding"}},
        {bound("tls-exporter", "exported"), &kTls, false, {Errc::denied, "e=channel-binding-not-supported"}},
        {bound("tls-exporter", "exported"), &kTls, true, {}},
        {bound("tls-server-end-point", "hash of the certificate"), &kTls, true, {}},
        {bound("tls-exporter", "of another channel"), &kTls, true, {Errc::denied, does_not_match}},
        {bound("tls-server-end-point", "exported"), &kTls, true, {Errc::denied, does_not_match}},
        {bound("tls-exporter", ""), &kTls, true, {Errc::denied, does_not_match}},
        {bound("tls-unique", "finished"), &kOldTls, true, {}},
        {bound("tls-unique", "Finished"), &kOldTls, true, {Errc::denied, does_not_match}},
        {bound("tls-unique", "x"), &kTls, true, {Errc::denied, no_type}},
        {bound("tls-unique", ""), &kTls, true, {Errc::denied, no_type}},
        {bound("tls-exporter", ""), &kPlain, true, {Errc::denied, no_type}},
        {good, &kTls, true, {Errc::denied, "e=other-error"}},
        {with([](auto& o) { o.binding_flag = "y"; }), &kTls, true, {Errc::denied, "e=other-error"}},
    };
    for (const auto& c : cases) {
      const auto end = exchange(c.options, *c.channel, c.plus);
      EXPECT_EQ(to_string(end.code), to_string(c.end.code)) << &c - cases;
      EXPECT_EQ(end.error, c.end.error) << &c - cases;
    }
  }
  EXPECT_FALSE(log.has("pencil"));
  EXPECT_FALSE(log.has("Pencil"));
}

TEST_F(SaslTest, ADowngradeIsNoneWhereThePlusFormIsSwitchedOff) {
  ASSERT_TRUE(kMechanisms.set("SCRAM-SHA-256"s));
  EXPECT_EQ(exchange({.user = "tim", .password = "pencil", .binding_flag = "y"}, kTls).code, kSignedIn);
}

TEST_F(SaslTest, WhoExistsIsNotTold) {
  const auto salt_of = [&](std::string_view mechanism, std::string user) {
    auto sasl = begin(mechanism);
    const auto first = challenge_of(say(sasl, "n,,n=" + user + ",r=abc"));
    EXPECT_TRUE(first.starts_with("r=abc"));
    EXPECT_TRUE(first.ends_with(",i=4096"));
    const auto salt = first.find(",s=");
    return first.substr(salt, first.size() - salt);
  };
  for (const auto* mechanism : {"SCRAM-SHA-1", "SCRAM-SHA-256"}) {
    const auto known = salt_of(mechanism, "tim"), unknown = salt_of(mechanism, "nobody");
    EXPECT_EQ(known.size(), unknown.size());
    EXPECT_EQ(salt_of(mechanism, "tim"), known);
    EXPECT_EQ(salt_of(mechanism, "nobody"), unknown) << "the same each time";
    EXPECT_EQ(salt_of(mechanism, "Nobody@EXAMPLE.test"), unknown);
    EXPECT_NE(salt_of(mechanism, "nobody2"), unknown);
  }
  EXPECT_NE(salt_of("SCRAM-SHA-1", "nobody"), salt_of("SCRAM-SHA-256", "nobody"));
  const auto before = salt_of("SCRAM-SHA-1", "nobody");
  ASSERT_TRUE(run_task(directory.open()));  // as a restart does
  EXPECT_EQ(salt_of("SCRAM-SHA-1", "nobody"), before);
}

// What keys of nobody are made of (empty ones) must not be what a client can prove.
TEST_F(SaslTest, MadeUpKeysOpenNothing) {
  auto secrets = *make_secrets("pencil");
  secrets.scram_sha1.clear();
  ASSERT_TRUE(run_task(directory.set_secrets("tim@example.test", secrets)));
  for (const std::string password : {"pencil", ""}) {
    EXPECT_EQ(exchange({.hash = ScramHash::sha1, .user = "tim", .password = password}).code, Errc::denied);
    EXPECT_EQ(exchange({.hash = ScramHash::sha1, .user = "nobody", .password = password}).code, Errc::denied);
  }
  // The next sign-in with the password makes the missing keys.
  auto sasl = begin("PLAIN");
  ASSERT_TRUE(say(sasl, "\0tim\0pencil"s));
  EXPECT_EQ(exchange({.hash = ScramHash::sha1, .user = "tim", .password = "pencil"}).code, kSignedIn);
}

TEST_F(SaslTest, APasswordChangedInTheMiddleCounts) {
  ScramClient client({.user = "tim", .password = "pencil"});
  auto sasl = begin("SCRAM-SHA-256");
  auto step = say(sasl, client.first());
  ASSERT_TRUE(run_task(directory.set_secrets("tim@example.test", *make_secrets("pen"))));
  EXPECT_EQ(say(sasl, client.final(step->challenge)).error().code, Errc::denied);
}

TEST_F(SaslTest, GuessesOfScramAreLimitedLikeOthers) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(exchange({.user = "tim", .password = "guess"}).code, Errc::denied);
  EXPECT_EQ(exchange({.user = "tim", .password = "pencil"}).code, Errc::throttled);
  EXPECT_EQ(exchange({.user = "nobody", .password = "pencil"}).code, Errc::denied);
  clock.advance(31s);
  EXPECT_EQ(exchange({.user = "tim", .password = "pencil"}).code, kSignedIn);
}

TEST_F(SaslTest, PasswordsAreProvenAsPrepared) {
  ASSERT_TRUE(run_task(directory.set_secrets("tim@example.test", *make_secrets("p\xc3\xa4ss"))));
  EXPECT_EQ(exchange({.user = "tim", .password = "pa\xcc\x88ss"}).code, kSignedIn);
  EXPECT_EQ(exchange({.user = "t\xc2\xadim", .password = "p\xc3\xa4ss"}).code, kSignedIn);
}

TEST_F(SaslTest, JunkAtEveryStepEndsTheExchange) {
  const std::string junk[] = {"", "n", "n,,n=tim", "c=biws", "c=biws,r=x,p=AAAA", "v=AAAA", "e=x", "\xff", "\0"s, std::string(100'000, 'n')};
  for (const auto& bad : junk) {
    auto first = begin("SCRAM-SHA-256");
    EXPECT_EQ(say(first, bad).error().code, Errc::syntax) << bad;
    EXPECT_EQ(say(first, "n,,n=tim,r=abc").error().code, Errc::syntax) << "it has ended";

    auto final = begin("SCRAM-SHA-256");
    say(final, "n,,n=tim,r=abc");
    const auto step = say(final, bad);
    // A nonce of another exchange is an error that is told.
    if (bad.starts_with("c=biws,")) EXPECT_EQ(challenge_of(step), "e=other-error");
    else EXPECT_EQ(step.error().code, Errc::syntax) << bad;

    ScramClient client({.user = "tim", .password = "pencil"});
    auto end = begin("SCRAM-SHA-256");
    say(end, client.final(say(end, client.first())->challenge));
    const auto last = say(end, bad);
    EXPECT_EQ(last ? kSignedIn : last.error().code, bad.empty() ? kSignedIn : Errc::syntax) << bad;
  }
  auto none = begin("SCRAM-SHA-256");
  EXPECT_EQ(challenge_of(say(none, {})), "") << "the client goes first [RFC4422 3]";
  EXPECT_TRUE(say(none, "n,,n=tim,r=abc"));
}

TEST(Mechanisms, AreThoseSwitchedOnTheBestFirst) {
  using Names = std::vector<std::string_view>;
  EXPECT_EQ(mechanisms(CanBind::no), (Names{"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"}));
  EXPECT_EQ(mechanisms(CanBind::yes),
            (Names{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"}));
  EXPECT_TRUE(unknown_mechanisms().empty());
  EXPECT_EQ(find_mechanism("plain")->name, "PLAIN");
  EXPECT_FALSE(find_mechanism("CRAM-MD5"));
  ASSERT_TRUE(kMechanisms.set("plain, scram-sha-1 CRAM-MD5"s));
  EXPECT_EQ(mechanisms(CanBind::yes), (Names{"SCRAM-SHA-1", "PLAIN"}));
  EXPECT_FALSE(find_mechanism("LOGIN"));
  EXPECT_TRUE(passwords_are_taken());
  EXPECT_EQ(unknown_mechanisms(), std::vector<std::string>{"CRAM-MD5"});
  ASSERT_TRUE(kMechanisms.set(""s));
  EXPECT_TRUE(mechanisms(CanBind::yes).empty());
  EXPECT_FALSE(passwords_are_taken());
  kMechanisms.reset();
}

}  // namespace
}  // namespace posthorn::auth
