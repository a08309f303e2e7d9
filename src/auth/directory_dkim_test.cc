#include <gtest/gtest.h>

#include "async/reactor.h"
#include "auth/directory.h"
#include "auth/directory_rows.h"
#include "base/log.h"
#include "kv/memory/memory_store.h"

namespace posthorn::auth {
namespace {

using crypto::KeyAlgorithm;
using std::chrono::days;
using Names = std::vector<std::string>;

crypto::NamedKey make(std::string selector, KeyAlgorithm algorithm = KeyAlgorithm::ed25519) {
  return {std::move(selector), std::make_shared<const crypto::SigningKey>(*crypto::SigningKey::generate(algorithm))};
}

struct DkimKeysTest : testing::Test {
  void SetUp() override { ok(directory.open()); }
  void ok(Task<Result<void>> task) {
    const auto r = run_task(std::move(task));
    EXPECT_TRUE(r) << r.error().text;
  }
  std::string code(Task<Result<void>> task) {
    const auto r = run_task(std::move(task));
    return r ? "done" : std::string(to_string(r.error().code));
  }
  void add(Names selectors, std::string domain = "example.test") {
    std::vector<crypto::NamedKey> keys;
    for (auto& name : selectors) keys.push_back(make(name));
    ok(directory.add_dkim_keys(std::move(domain), std::move(keys)));
  }
  // "a:active b:next"
  std::string states(std::string domain = "example.test") {
    const auto keys = run_task(directory.dkim_keys(std::move(domain)));
    if (!keys) return std::string(to_string(keys.error().code));
    std::string out;
    for (const auto& key : *keys) out += (out.empty() ? "" : " ") + key.selector + ':' + std::string(name_of(key.state));
    return out;
  }
  std::string signing(std::string domain = "example.test") {
    const auto keys = run_task(directory.signing_keys(std::move(domain)));
    EXPECT_TRUE(keys);
    std::string out;
    for (const auto& key : **keys) out += (out.empty() ? "" : " ") + key.name;
    return out;
  }
  Names problems() { return *run_task(directory.check()); }

  ManualClock clock{SysTime(days(20'000))};
  log::Capture log;
  kv::MemoryStore kv;
  Directory directory{kv};
};

TEST_F(DkimKeysTest, ADomainsFirstKeysSignAtOnce) {
  const auto rsa = make("r1", KeyAlgorithm::rsa), ed25519 = make("e1");
  ok(directory.add_domain("Example.test", {ed25519, rsa}));
  EXPECT_EQ(states(), "e1:active r1:active");
  EXPECT_EQ(signing("EXAMPLE.test"), "r1 e1");
  const auto keys = *run_task(directory.dkim_keys("example.TEST"));
  EXPECT_EQ(keys[1], (DkimKey{.selector = "r1",
                              .algorithm = KeyAlgorithm::rsa,
                              .state = DkimKeyState::active,
                              .created = now(),
                              .activated = now(),
                              .public_key = rsa.key->public_key()}));
  const auto active = *run_task(directory.signing_keys("example.test"));
  EXPECT_EQ(active->at(0).key->public_key(), rsa.key->public_key());
  EXPECT_EQ(active->at(1).key->to_pem(), ed25519.key->to_pem());
  EXPECT_TRUE(problems().empty());

  Directory again{kv};
  ASSERT_TRUE(run_task(again.open()));
  EXPECT_EQ(*run_task(again.dkim_keys("example.test")), keys);
  EXPECT_EQ((*run_task(again.signing_keys("example.test")))->size(), 2u);
}

TEST_F(DkimKeysTest, ADomainWithoutKeysAsBefore) {
  ok(directory.add_domain("example.test"));
  EXPECT_EQ(states(), "");
  EXPECT_EQ(signing(), "");
  EXPECT_EQ(code(directory.activate_dkim_keys("example.test")), "not found");
  add({"a", "b"});  // none signs: these do
  EXPECT_EQ(states(), "a:active b:active");
  EXPECT_EQ(signing(), "a b");  // that there were none has been forgotten
}

TEST_F(DkimKeysTest, RotationWithOverlap) {
  ok(directory.add_domain("example.test", {make("a1"), make("a2")}));
  clock.advance(days(1));
  add({"b1", "b2"});
  EXPECT_EQ(states(), "a1:active a2:active b1:next b2:next");
  EXPECT_EQ(signing(), "a1 a2");
  EXPECT_EQ(code(directory.add_dkim_keys("example.test", {make("c1")})), "exists");  // one change at a time
  clock.advance(days(1));
  ok(directory.activate_dkim_keys("example.test"));
  EXPECT_EQ(states(), "a1:retired a2:retired b1:active b2:active");
  EXPECT_EQ(signing(), "b1 b2");
  const auto keys = *run_task(directory.dkim_keys("example.test"));
  EXPECT_EQ(keys[0].retired, now());
  EXPECT_EQ(keys[0].activated, now() - days(2));
  EXPECT_EQ(keys[2].created, now() - days(1));
  EXPECT_EQ(keys[2].activated, now());
  EXPECT_TRUE(problems().empty());

  clock.advance(days(7) - std::chrono::seconds(1));
  EXPECT_EQ(states(), "a1:retired a2:retired b1:active b2:active");
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(states(), "b1:active b2:active");
  add({"c1"});
  EXPECT_EQ(states(), "b1:active b2:active c1:next");
  EXPECT_FALSE(*run_task(kv.get(kv::Space::directory, rows::kPartition, rows::dkim_key("example.test", "a1"), {})));  // its row is gone, too
}

TEST_F(DkimKeysTest, OfRetiredKeysThePrivateHalfIsGone) {
  ok(directory.add_domain("example.test", {make("a")}));
  add({"b"});
  ok(directory.activate_dkim_keys("example.test"));
  const auto stored = [&](const char* selector) {
    const auto key = rows::dkim_key("example.test", selector);
    return *rows::decode_dkim_key(key, **run_task(kv.get(kv::Space::directory, rows::kPartition, key, {})));
  };
  EXPECT_EQ(stored("a").private_key, "");
  EXPECT_EQ(stored("a").key.public_key.size(), 32u);
  EXPECT_NE(stored("b").private_key, "");
}

TEST_F(DkimKeysTest, RemovingKeysAndDomains) {
  ok(directory.add_domain("example.test", {make("a"), make("b")}));
  ok(directory.add_domain("example.tes", {make("x")}));  // a prefix of the other one
  EXPECT_EQ(code(directory.remove_dkim_key("example.test", "x")), "not found");
  EXPECT_EQ(signing(), "a b");
  ok(directory.remove_dkim_key("example.test", "a"));
  EXPECT_EQ(signing(), "b");
  ok(directory.remove_dkim_key("example.test", "b"));
  EXPECT_EQ(signing(), "");
  add({"c"});
  ok(directory.remove_domain("example.test"));
  EXPECT_EQ(signing(), "");
  EXPECT_EQ(states(), "not found");
  EXPECT_EQ(signing("example.tes"), "x");
  ok(directory.add_domain("example.test"));
  EXPECT_EQ(states(), "");  // they do not come back
}

TEST_F(DkimKeysTest, WhatIsRefused) {
  ok(directory.add_domain("example.test", {make("a")}));
  EXPECT_EQ(code(directory.add_dkim_keys("other.test", {make("b")})), "not found");
  EXPECT_EQ(code(directory.activate_dkim_keys("other.test")), "not found");
  EXPECT_EQ(code(directory.remove_dkim_key("other.test", "a")), "not found");
  EXPECT_EQ(states("other.test"), "not found");
  EXPECT_EQ(code(directory.add_dkim_keys("example.test", {})), "invalid");
  EXPECT_EQ(code(directory.add_dkim_keys("example.test", {make("a")})), "exists");
  EXPECT_EQ(code(directory.add_dkim_keys("example.test", {make("b"), make("b")})), "exists");
  for (const auto& bad : {std::string(), std::string("A"), std::string("-a"), std::string("a-"), std::string("a.b"), std::string("a b"), std::string("b\0b", 3), std::string("\xc3\xb6"), std::string("a_b")})
    EXPECT_EQ(code(directory.add_dkim_keys("example.test", {make(bad)})), "invalid") << bad;
  std::vector<crypto::NamedKey> many(50, make("k"));
  for (std::size_t i = 0; i < many.size(); ++i) many[i].name += std::to_string(i);
  EXPECT_EQ(code(directory.add_dkim_keys("example.test", many)), "limit");
}

TEST_F(DkimKeysTest, DamagedRowsAreFound) {
  ok(directory.add_domain("example.test", {make("a"), make("b"), make("c")}));
  const auto row = [&](const char* selector) { return rows::dkim_key("example.test", selector); };
  const auto value = [&](const char* selector) { return **run_task(kv.get(kv::Space::directory, rows::kPartition, row(selector), {})); };
  const auto good = value("a");
  for (const std::string& bad : {good + "x", good.substr(1), good.substr(0, good.size() - 1), "\x02" + good.substr(1),
                                 good.substr(0, 1) + "\x03" + good.substr(2), good.substr(0, 2) + "\x04" + good.substr(3), std::string()})
    EXPECT_FALSE(rows::decode_dkim_key(row("a"), bad));
  kv::Batch batch;
  batch.put(kv::Space::directory, rows::kPartition, row("a"), good + "x");
  batch.put(kv::Space::directory, rows::kPartition, row("b"), value("c"));  // another one's
  auto stored = *rows::decode_dkim_key(row("c"), value("c"));
  batch.put(kv::Space::directory, rows::kPartition, row("c"), rows::encode_dkim_key(stored.key, "rubbish"));
  batch.put(kv::Space::directory, rows::kPartition, rows::dkim_key("gone.test", "d"), value("b"));
  ok(kv.commit(std::move(batch)));
  EXPECT_EQ(problems(), (Names{"the DKIM key a of example.test cannot be read", "the DKIM key c of example.test cannot sign",
                               "d@gone.test is in no domain of this server"}));
}

TEST_F(DkimKeysTest, NothingSecretIsLogged) {
  ok(directory.add_domain("example.test", {make("a", KeyAlgorithm::rsa)}));
  add({"b"});
  ok(directory.activate_dkim_keys("example.test"));
  EXPECT_EQ(signing(), "b");
  EXPECT_FALSE(log.has("PRIVATE"));
}

}  // namespace
}  // namespace posthorn::auth
