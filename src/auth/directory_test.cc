#include "auth/directory.h"

#include <gtest/gtest.h>

#include "async/reactor.h"
#include "auth/directory_rows.h"
#include "auth/local_address.h"
#include "base/log.h"
#include "kv/memory/memory_store.h"

namespace posthorn::auth {
namespace {

using Names = std::vector<std::string>;

// One reactor for the whole test: run_task makes one of its own each time, which the memory store does not mind.
struct DirectoryTest : testing::Test {
  void SetUp() override {
    ok(directory.open());
    ok(directory.add_domain("Example.test"));
  }
  void ok(Task<Result<void>> task) {
    const auto r = run_task(std::move(task));
    EXPECT_TRUE(r) << r.error().text;
  }
  Errc code(Task<Result<void>> task) {
    const auto r = run_task(std::move(task));
    return r ? Errc::unsupported : r.error().code;
  }
  AccountId add(std::string address) {
    const auto r = run_task(directory.add_account(std::move(address), Secrets{"hash", "scram256", "scram1"}));
    EXPECT_TRUE(r) << r.error().text;
    return r.value_or(AccountId(0));
  }
  Result<std::vector<AccountId>> resolve(std::string local, std::string domain = "example.test") {
    auto r = run_task(directory.resolve(std::move(local), std::move(domain)));
    if (!r) return std::unexpected(r.error());
    return r->accounts;
  }

  log::Capture log;
  kv::MemoryStore kv;
  Directory directory{kv};
};

TEST_F(DirectoryTest, DomainsAreNamesWithoutCase) {
  EXPECT_TRUE(directory.is_local_domain("EXAMPLE.test"));
  EXPECT_FALSE(directory.is_local_domain("ample.test"));
  EXPECT_EQ(code(directory.add_domain("example.TEST")), Errc::exists);
  for (const std::string bad : {"", ".", "a..b", "-a.test", "a b.test", "a_b.test", "a.test.", "\xff.test"})
    EXPECT_EQ(code(directory.add_domain(bad)), Errc::invalid) << bad;
  ok(directory.add_domain("b\xc3\xbc" "cher.example"));
  EXPECT_EQ(directory.domains(), (Names{"b\xc3\xbc" "cher.example", "example.test"}));
  EXPECT_EQ(code(directory.remove_domain("other.test")), Errc::not_found);
  ok(directory.remove_domain("B\xc3\xbc" "cher.example"));
  EXPECT_EQ(directory.domains(), Names{"example.test"});
}

TEST_F(DirectoryTest, ADomainInUseStays) {
  ok(directory.add_domain("example.tes"));  // a prefix of the other one
  add("a@example.test");
  EXPECT_EQ(code(directory.remove_domain("example.test")), Errc::busy);
  ok(directory.remove_domain("example.tes"));
  ok(directory.add_alias("b@example.test", {"a@example.test"}));
  ASSERT_TRUE(run_task(directory.remove_account("a@example.test")));
  EXPECT_EQ(code(directory.remove_domain("example.test")), Errc::busy);
  ok(directory.remove_alias("b@example.test"));
  ok(directory.remove_domain("example.test"));
}

TEST_F(DirectoryTest, Addresses) {
  for (const auto& [in, out] : {std::pair<std::string, std::string>{"A.B@Example.TEST", "a.b@example.test"},
                                {"o'neil+x@x.y", "o'neil+x@x.y"},
                                {"J\xc3\xb6@x.y", "j\xc3\xb6@x.y"}})
    EXPECT_EQ(normal_address(in)->text(), out);
  const std::string long_local(65, 'a');
  for (const std::string bad :
       {"", "a", "@", "@x.y", "a@", ".a@x.y", "a.@x.y", "a..b@x.y", "a b@x.y", "a\"@x.y", "a\xff@x.y", "a\n@x.y", "a@b@x.y"})
    EXPECT_FALSE(normal_address(bad)) << bad;
  EXPECT_FALSE(normal_address(long_local + "@x.y"));
  EXPECT_TRUE(normal_address("@x.y", CatchAll::allow));
}

TEST_F(DirectoryTest, AnAddressIsFoundExactlyThenWithoutDetailThenByTheCatchAll) {
  const auto bob = add("Bob@example.test"), special = add("bob+special@example.test");
  EXPECT_EQ(*resolve("BOB", "Example.Test"), std::vector{bob});
  EXPECT_EQ(*resolve("bob+anything+else"), std::vector{bob});
  EXPECT_EQ(*resolve("bob+special"), std::vector{special});
  EXPECT_EQ(resolve("alice").error().code, Errc::not_found);
  EXPECT_EQ(resolve("+bob").error().code, Errc::not_found);
  EXPECT_EQ(resolve("bob", "other.test").error().code, Errc::invalid);
  ok(directory.add_alias("@example.test", {"bob@example.test"}));
  EXPECT_EQ(*resolve("alice"), std::vector{bob});  // that it did not exist has been forgotten
  EXPECT_EQ(*resolve("bob+special"), std::vector{special});
  ok(directory.remove_alias("@example.test"));
  EXPECT_EQ(resolve("alice").error().code, Errc::not_found);
}

TEST_F(DirectoryTest, AliasesExpandToDistinctAccounts) {
  const auto a = add("a@example.test"), b = add("b@example.test"), c = add("c@example.test");
  ok(directory.add_alias("ab@example.test", {"b@example.test", "A@example.test", "a@example.test"}));
  ok(directory.add_alias("bc@example.test", {"b@example.test", "c+x@example.test"}));
  ok(directory.add_alias("all@example.test", {"ab@example.test", "bc@example.test", "ab@example.test"}));
  EXPECT_EQ(*resolve("all"), (std::vector{a, b, c}));
  EXPECT_EQ(*resolve("all+detail"), (std::vector{a, b, c}));
  const auto list = run_task(directory.list_aliases("example.test"));
  ASSERT_EQ(list->size(), 3u);
  EXPECT_EQ((*list)[0].address, "ab@example.test");
  EXPECT_EQ((*list)[0].targets, (Names{"b@example.test", "a@example.test"}));

  ASSERT_TRUE(run_task(directory.remove_account("a@example.test")));
  EXPECT_EQ(*resolve("all"), (std::vector{b, c}));
}

TEST_F(DirectoryTest, AliasesLeadOutsideToo) {
  const auto a = add("a@example.test");
  ok(directory.add_alias("away@example.test", {"Ann.Other@Elsewhere.TEST", "ann.other@elsewhere.test", "Ann.Other@elsewhere.test"}));
  ok(directory.add_alias("both@example.test", {"a@example.test", "away@example.test", "x@third.test"}));
  const auto away = run_task(directory.resolve("away", "example.test"));
  EXPECT_TRUE(away->accounts.empty());
  EXPECT_EQ(away->outside, (Names{"Ann.Other@elsewhere.test", "ann.other@elsewhere.test"}));
  const auto both = run_task(directory.resolve("Both+detail", "example.test"));
  EXPECT_EQ(both->accounts, std::vector{a});
  EXPECT_EQ(both->outside, (Names{"Ann.Other@elsewhere.test", "ann.other@elsewhere.test", "x@third.test"}));
  EXPECT_EQ(run_task(directory.resolve("ann.other", "elsewhere.test")).error().code, Errc::invalid);

  // The domain comes here: what leads there leads to its accounts, and nowhere where there are none.
  ok(directory.add_domain("elsewhere.test"));
  EXPECT_EQ(run_task(directory.resolve("away", "example.test")).error().code, Errc::not_found);
  const auto ann = add("ann.other@elsewhere.test");
  EXPECT_EQ(run_task(directory.resolve("away", "example.test"))->accounts, std::vector{ann});
  EXPECT_EQ(run_task(directory.check()).value(), Names{});
}

TEST_F(DirectoryTest, BadAliasesAreRefused) {
  add("a@example.test");
  ok(directory.add_alias("one@example.test", {"a@example.test"}));
  struct Case {
    std::string address;
    Names targets;
    Errc code;
  };
  for (const auto& c : {Case{"a@example.test", {"one@example.test"}, Errc::exists},
                        Case{"one@example.test", {"a@example.test"}, Errc::exists},
                        Case{"x@example.test", {}, Errc::invalid},
                        Case{"x@example.test", {"nobody@example.test"}, Errc::invalid},
                        Case{"x@example.test", {"@elsewhere.test"}, Errc::invalid},
                        Case{"x@example.test", {"a@else where.test"}, Errc::invalid},
                        Case{"x@example.test", {"a..b@elsewhere.test"}, Errc::invalid},
                        Case{"x@example.test", {"a@[192.0.2.1]"}, Errc::invalid},
                        Case{"x@example.test", {std::string(256, 'a') + "@elsewhere.test"}, Errc::invalid},
                        Case{"x@example.test", {"@example.test"}, Errc::invalid},
                        Case{"x@example.test", {"x@example.test"}, Errc::invalid},
                        Case{"x@elsewhere.test", {"a@example.test"}, Errc::not_found},
                        Case{"x@example.test", Names(1001, "a@example.test"), Errc::limit}})
    EXPECT_EQ(code(directory.add_alias(c.address, c.targets)), c.code) << c.address;
}

TEST_F(DirectoryTest, LoopsAndFloodsOfTargetsEnd) {
  add("a@example.test");
  ok(directory.add_alias("x@example.test", {"a@example.test"}));
  ok(directory.add_alias("y@example.test", {"x@example.test"}));
  ok(directory.remove_alias("x@example.test"));
  EXPECT_EQ(code(directory.add_alias("x@example.test", {"a@example.test", "y@example.test"})), Errc::invalid);
  // A loop cannot be made on purpose, but it can come about.
  ok(directory.add_alias("x@example.test", {"a@example.test"}));
  ok(directory.add_alias("@example.test", {"y@example.test"}));
  EXPECT_TRUE(resolve("y"));
  ok(directory.remove_alias("x@example.test"));  // y leads to x, which is now the catch-all, which leads to y
  EXPECT_EQ(resolve("y").error().code, Errc::limit);

  Names many;
  ok(directory.add_domain("many.test"));
  for (int i = 0; i < 40; ++i) {
    const auto n = std::to_string(i);
    add("u" + n + "@many.test");
    many.push_back("u" + n + "@many.test");
  }
  ok(directory.add_alias("forty@many.test", many));
  EXPECT_EQ(resolve("forty", "many.test")->size(), 40u);
  Names lists;
  for (int i = 0; i < 40; ++i) {
    lists.push_back("list" + std::to_string(i) + "@many.test");
    ok(directory.add_alias(lists.back(), many));
  }
  ok(directory.add_alias("everyone@many.test", lists));
  EXPECT_EQ(resolve("everyone", "many.test").error().code, Errc::limit);
}

TEST_F(DirectoryTest, AccountsAreFoundChangedListedAndRemoved) {
  const auto id = add("A@example.test");
  EXPECT_EQ(run_task(directory.find_account("a@EXAMPLE.test"))->id, id);
  EXPECT_EQ(run_task(directory.find_account(id))->address, "a@example.test");
  EXPECT_EQ(run_task(directory.find_account("a+x@example.test")).error().code, Errc::not_found);
  EXPECT_EQ(run_task(directory.find_account("not an address")).error().code, Errc::not_found);
  const Secrets other{"hash2", "scram2", "scram3"};
  ok(directory.set_secrets("a@example.test", other));
  const auto changed = run_task(directory.find_account("a@example.test"));
  EXPECT_EQ(changed->secrets, other);
  EXPECT_EQ(changed->id, id);
  EXPECT_EQ(run_task(directory.add_account("a@example.test", {})).error().code, Errc::exists);
  EXPECT_EQ(run_task(directory.add_account("a@other.test", {})).error().code, Errc::not_found);
  EXPECT_EQ(run_task(directory.list_accounts(""))->size(), 1u);
  EXPECT_EQ(run_task(directory.list_accounts("other.test")).error().code, Errc::not_found);
  EXPECT_EQ(*run_task(directory.remove_account("a@example.test")), id);
  EXPECT_EQ(run_task(directory.find_account("a@example.test")).error().code, Errc::not_found);
  EXPECT_EQ(run_task(directory.find_account(id)).error().code, Errc::not_found);
  EXPECT_NE(add("a@example.test"), id);  // INVARIANT 3
}

TEST_F(DirectoryTest, SecretsAreReplacedUnlessTheyHaveChanged) {
  add("a@example.test");
  const auto seen = *run_task(directory.find_account("a@example.test"));
  const Secrets first{"1", "", ""}, second{"2", "", ""};
  ok(directory.replace_secrets(seen, first));
  EXPECT_EQ(run_task(directory.find_account("a@example.test"))->secrets, first);
  EXPECT_EQ(code(directory.replace_secrets(seen, second)), Errc::busy);
  ASSERT_TRUE(run_task(directory.remove_account("a@example.test")));
  EXPECT_EQ(code(directory.replace_secrets(seen, second)), Errc::not_found);
  add("a@example.test");  // somebody else now, with the same secrets
  EXPECT_EQ(code(directory.replace_secrets(seen, second)), Errc::busy);
}

TEST_F(DirectoryTest, RowsOfTheFirstVersionAreRead) {
  const std::string value("\x01\0\0\0\0\0\0\0\x07\0\0\0\x01h\0\0\0\x02kk", 20);
  const auto old = rows::decode_account(rows::account_key({"a", "example.test"}), value);
  ASSERT_TRUE(old);
  EXPECT_EQ(old->id, AccountId(7));
  EXPECT_EQ(old->secrets, (Secrets{"h", "kk", ""}));
  auto changed = *old;
  changed.secrets.scram_sha1 = "s";
  const auto encoded = rows::encode_account(changed);
  EXPECT_EQ(encoded.front(), 2);
  EXPECT_EQ(rows::decode_account(rows::account_key({"a", "example.test"}), encoded)->secrets, changed.secrets);
  for (const std::string& bad : {value + "x", value.substr(1), "\x02" + value.substr(1), "\x03" + encoded.substr(1), "\x04" + encoded.substr(1)})
    EXPECT_FALSE(rows::decode_account(rows::account_key({"a", "example.test"}), bad));
}

TEST_F(DirectoryTest, AnAccountKeepsItsSettingsAndItsApopSecret) {
  const auto now = [&] { return *run_task(directory.find_account("a@example.test")); };
  add("a@example.test");
  EXPECT_EQ(rows::encode_account(now()).front(), 2);  // for programs that know no settings
  ok(directory.change_settings("a@example.test", {{"x.one", "1"}, {"x.two", "2"}}));
  ok(directory.change_settings("a@example.test", {{"x.one", ""}, {"x.three", "3"}}));
  ok(directory.set_apop_secret("a@example.test", "in clear"));
  EXPECT_EQ(now().settings, (std::map<std::string, std::string, std::less<>>{{"x.two", "2"}, {"x.three", "3"}}));
  EXPECT_EQ(now().apop_secret, "in clear");
  // A new hash of the same password changes nothing else, a new password ends APOP.
  auto renewed = now().secrets;
  renewed.scram_sha1 = "s";
  ok(directory.replace_secrets(now(), renewed));
  EXPECT_EQ(now().apop_secret, "in clear");
  const auto row = rows::encode_account(now());
  for (std::size_t n = 1; n < row.size(); ++n) EXPECT_FALSE(rows::decode_account(rows::account_key({"a", "example.test"}), row.substr(0, n)));
  ok(directory.set_secrets("a@example.test", renewed));
  EXPECT_EQ(now().apop_secret, "");
  EXPECT_EQ(now().settings.size(), 2u);
  EXPECT_EQ(code(directory.change_settings("b@example.test", {{"x", "1"}})), Errc::not_found);
  EXPECT_EQ(code(directory.change_settings("a@example.test", {{"x", std::string(1001, 'x')}})), Errc::limit);
  std::map<std::string, std::string, std::less<>> many;
  for (int i = 0; i < 65; ++i) many["x" + std::to_string(i)] = "1";
  EXPECT_EQ(code(directory.change_settings("a@example.test", many)), Errc::limit);
}

TEST_F(DirectoryTest, IdsArePendingUntilTheMailIsInStep) {
  const auto pending = [&] { return *run_task(directory.pending_ids()); };
  const auto ids = *run_task(directory.reserve_ids(3));
  EXPECT_EQ(pending(), ids);
  std::vector<Directory::NewAccount> accounts;
  accounts.push_back({ids[0], "a@example.test", {"h", "s", "s"}});
  accounts.push_back({ids[1], "A@example.test", {"h", "s", "s"}});
  accounts.push_back({ids[2], "bad", {"h", "s", "s"}});
  const auto answers = *run_task(directory.add_accounts(std::move(accounts)));
  EXPECT_TRUE(answers[0]);
  EXPECT_EQ(answers[1].error().code, Errc::exists);
  EXPECT_EQ(answers[2].error().code, Errc::invalid);
  EXPECT_EQ(pending(), (std::vector{ids[1], ids[2]}));
  ok(directory.settle({ids[1], ids[2]}));
  EXPECT_TRUE(pending().empty());
  ASSERT_TRUE(run_task(directory.remove_account("a@example.test")));
  EXPECT_EQ(pending(), std::vector{ids[0]});
}

TEST_F(DirectoryTest, EverythingIsThereAfterOpeningAgain) {
  const auto id = add("a@example.test");
  ok(directory.add_alias("@example.test", {"a@example.test"}));
  Directory again{kv};
  ASSERT_TRUE(run_task(again.open()));
  EXPECT_EQ(again.domains(), Names{"example.test"});
  EXPECT_EQ(again.secret(), directory.secret());
  EXPECT_EQ(again.secret().size(), 32u);
  EXPECT_EQ(run_task(again.resolve("whoever", "example.test"))->accounts, std::vector{id});
  EXPECT_NE(*run_task(again.add_account("b@example.test", {})), id);
}

TEST_F(DirectoryTest, ThousandsOfAccountsAreListed) {
  const auto ids = *run_task(directory.reserve_ids(2500));
  std::vector<Directory::NewAccount> accounts;
  for (std::size_t i = 0; i < ids.size(); ++i) accounts.push_back({ids[i], "u" + std::to_string(i) + "@example.test", {"h", "s", "s"}});
  ASSERT_TRUE(run_task(directory.add_accounts(std::move(accounts))));
  EXPECT_EQ(run_task(directory.list_accounts("example.test"))->size(), 2500u);
}

}  // namespace
}  // namespace posthorn::auth
