#include "store/rights.h"

#include <algorithm>

#include "store/change.h"
#include "store/store_testing.h"

namespace posthorn::store {
namespace {

Rights rights(std::string_view letters) { return Rights::parse(letters).value(); }

TEST(Rights, AreLettersAndTheOldOnesToo) {
  struct Case {
    const char *in, *out;
  };
  for (const auto& c : {Case{"", ""}, Case{"lr", "lr"}, Case{"rl", "lr"}, Case{"lrswida", "lrswiteada"}, Case{"lrswikda", "lrswiktecda"},
                        Case{"c", "kxc"}, Case{"d", "ted"}, Case{"x", "xc"}, Case{"t", "td"}, Case{"lrswipkxtea", "lrswipkxteacd"}}) {
    auto parsed = Rights::parse(c.in);
    ASSERT_TRUE(parsed) << c.in;
    std::string sorted = parsed->text(), expected = c.out;
    std::ranges::sort(sorted);
    std::ranges::sort(expected);
    EXPECT_EQ(sorted, std::string(expected.begin(), std::unique(expected.begin(), expected.end()))) << c.in;
  }
  for (auto bad : {"L", "lz", "1", "l r", "-l", "\xff"}) EXPECT_EQ(Rights::parse(bad).error().code, Errc::invalid) << bad;
  EXPECT_EQ(kAllRights.text(), "lrswipkxteacd");
  EXPECT_EQ((rights("lrs") - rights("r")), rights("ls"));
  EXPECT_TRUE(rights("lrs").contains(rights("ls")));
  EXPECT_FALSE(rights("lrs").contains(rights("lw")));
}

TEST(Rights, AreThoseOfAnyoneAndOnesOwnLessTheNegativeOnes) {
  const AccountId owner(1), ann(2), bob(3), eve(4);
  MailboxState m;
  m.acl = {{kAnyone, false, rights("lr")}, {ann, false, rights("swi")}, {bob, true, rights("r")}, {kAnyone, true, rights("i")}};
  EXPECT_EQ(m.rights_of(owner, owner), kAllRights);
  EXPECT_EQ(m.rights_of(ann, owner), rights("lrsw"));
  EXPECT_EQ(m.rights_of(bob, owner), rights("l"));
  EXPECT_EQ(m.rights_of(eve, owner), rights("lr"));
  // Where anyone does not count, what is taken from anyone is taken all the same.
  const AnyoneIn nowhere{.all = false}, elsewhere{.all = false, .only = ann}, here{.all = false, .only = owner};
  for (const auto& anyone : {nowhere, elsewhere}) {
    EXPECT_EQ(m.rights_of(ann, owner, anyone), rights("sw"));
    EXPECT_EQ(m.rights_of(eve, owner, anyone), Rights());
  }
  EXPECT_EQ(m.rights_of(eve, owner, here), rights("lr"));
}

class SharingTest : public StoreTest {
 protected:
  SharingTest() {
    for (std::uint64_t id : {1u, 2u, 3u}) make_account(id);
  }
  Result<void> set_acl(std::string_view name, Acl acl) { return run_task(account->set_acl(mailbox(name), std::move(acl))); }
  // What the account finds, by the names in account 1.
  std::string shared(std::uint64_t who, AnyoneIn anyone = {}) {
    std::string out;
    for (const auto& s : run_task(mail->shared_with(AccountId(who), anyone)).value())
      out += run_task(mail->account(s.owner)).value()->mailbox(s.mailbox)->name + " ";
    return out;
  }
};

TEST_F(SharingTest, AListIsKeptAndItsGranteesFindTheMailbox) {
  ASSERT_TRUE(set_acl("Archive", {{AccountId(2), false, rights("lr")}, {AccountId(3), true, rights("r")}, {AccountId(3), false, {}}}));
  ASSERT_TRUE(set_acl("INBOX", {{kAnyone, false, rights("l")}}));
  EXPECT_EQ(shared(2), "INBOX Archive ");
  EXPECT_EQ(shared(3), "INBOX ");
  EXPECT_EQ(shared(1), "");  // one's own
  crash();
  EXPECT_EQ(account->find_mailbox("Archive")->acl,
            (Acl{{AccountId(2), false, rights("lr")}, {AccountId(3), true, rights("r")}}));
  ASSERT_TRUE(set_acl("Archive", {{AccountId(3), false, rights("lr")}}));
  EXPECT_EQ(shared(2), "INBOX ");
  EXPECT_EQ(shared(3), "INBOX Archive ");
  ASSERT_TRUE(run_task(account->rename_mailbox("Archive", "old/2024")));
  EXPECT_EQ(shared(3), "INBOX old/2024 ");
  ASSERT_TRUE(run_task(account->delete_mailbox("old/2024")));
  EXPECT_EQ(shared(3), "INBOX ");
  EXPECT_EQ(set_acl("INBOX", Acl(kMaxAclEntries + 1, {kAnyone, false, kRead})).error().code, Errc::limit);
}

TEST_F(SharingTest, WhatIsGrantedToAnyoneIsFoundWhereItCounts) {
  ASSERT_TRUE(set_acl("INBOX", {{kAnyone, false, rights("lr")}}));
  auto other = run_task(mail->account(AccountId(3))).value();
  ASSERT_TRUE(run_task(other->set_acl(other->find_mailbox("Sent")->id, {{kAnyone, false, rights("lr")}, {AccountId(1), false, rights("lr")}})));
  EXPECT_EQ(shared(2), "INBOX Sent ");
  EXPECT_EQ(shared(2, {.all = false}), "");
  EXPECT_EQ(shared(2, {.all = false, .only = AccountId(1)}), "INBOX ");
  EXPECT_EQ(shared(2, {.all = false, .only = AccountId(3)}), "Sent ");
  EXPECT_EQ(shared(1, {.all = false}), "Sent ");
}

TEST_F(SharingTest, TwoWhoEditTheListBothHaveTheirWay) {
  const auto grant = [this](std::uint64_t who) {
    return account->edit_acl(mailbox("INBOX"), [who](Acl& acl) { acl.push_back({AccountId(who), false, kRead}); });
  };
  ASSERT_TRUE(run_task(grant(2)));
  ASSERT_TRUE(run_task(grant(3)));
  EXPECT_EQ(account->find_mailbox("INBOX")->acl, (Acl{{AccountId(2), false, kRead}, {AccountId(3), false, kRead}}));
}

TEST_F(SharingTest, FlagsThatOneMayNotChangeStay) {
  const auto uid = append("INBOX", kSeen | kDeleted, {"old"});
  const auto change = [&](FlagsOp op, std::uint8_t system, std::string_view letters) {
    FlagsChange what{.op = op, .system = system, .keywords = {"new"}, .rights = rights(letters)};
    EXPECT_TRUE(run_task(account->change_flags(mailbox("INBOX"), {{uid, uid}}, std::move(what))));
    return view()->at(0);
  };
  EXPECT_EQ(change(FlagsOp::replace, 0, "s").flags, kDeleted);
  EXPECT_EQ(change(FlagsOp::add, kSeen | kFlagged, "s").flags, kDeleted | kSeen);
  EXPECT_EQ(change(FlagsOp::remove, kSeen | kDeleted, "w").flags, kDeleted | kSeen);
  EXPECT_EQ(account->find_mailbox("INBOX")->keywords, std::vector<std::string>{"old"});  // no keyword was made
  const auto last = change(FlagsOp::replace, kFlagged, "w");
  EXPECT_EQ(last.flags, kDeleted | kSeen | kFlagged);
  EXPECT_EQ(last.keywords, 2u);
}

TEST_F(SharingTest, NewMailboxesInherit) {
  const Acl acl{{AccountId(2), false, rights("lr")}};
  ASSERT_TRUE(set_acl("Archive", acl));
  ASSERT_TRUE(run_task(account->create_mailbox("Archive/a/b")));
  EXPECT_EQ(shared(2), "Archive Archive/a Archive/a/b ");
  ASSERT_TRUE(run_task(account->create_mailbox("top/a")));
  EXPECT_TRUE(account->find_mailbox("top/a")->acl.empty());
  ASSERT_TRUE(run_task(account->rename_mailbox("top/a", "Archive/new/a")));  // what moves keeps its own
  EXPECT_EQ(account->find_mailbox("Archive/new")->acl, acl);
  EXPECT_TRUE(account->find_mailbox("Archive/new/a")->acl.empty());
}

TEST_F(SharingTest, NothingIsLeftOfAccountsThatGo) {
  ASSERT_TRUE(set_acl("INBOX", {{AccountId(2), false, rights("lr")}, {AccountId(3), false, rights("lr")}}));
  ASSERT_TRUE(run_task(mail->remove_account(AccountId(3))));  // a grantee
  expect_clean();
  EXPECT_EQ(shared(2), "INBOX ");
  EXPECT_EQ(shared(3), "");
  ASSERT_TRUE(run_task(account->create_mailbox("INBOX/child")));  // its list names who is gone
  account = nullptr;
  ASSERT_TRUE(run_task(mail->remove_account(AccountId(1))));  // the owner
  EXPECT_EQ(shared(2), "");
  auto rows = run_task(kv->scan({kv::Space::share, 2, "", ""}, {})).value().rows;
  EXPECT_TRUE(rows.empty());
}

TEST_F(SharingTest, TheCheckSeesAnIndexThatIsWrong) {
  ASSERT_TRUE(set_acl("INBOX", {{AccountId(2), false, rights("lr")}}));
  kv::Batch batch;
  batch.erase(kv::Space::share, 2, share_key(AccountId(1), mailbox("INBOX")));
  batch.put(kv::Space::share, 3, share_key(AccountId(1), mailbox("INBOX")), "");
  ASSERT_TRUE(run_task(kv->commit(std::move(batch))));
  EXPECT_EQ(run_task(check_store(*kv, *blobs)).value().problems.size(), 2u);
  batch = {};
  batch.put(kv::Space::share, 2, share_key(AccountId(1), mailbox("INBOX")), "");
  batch.erase(kv::Space::share, 3, share_key(AccountId(1), mailbox("INBOX")));
  ASSERT_TRUE(run_task(kv->commit(std::move(batch))));
}

TEST_F(SharingTest, TheIndexOfADeletedMailboxGoesWithIt) {
  const std::string key = mailbox_key(mailbox("Archive"));
  kv::Batch batch;
  for (auto space : {kv::Space::column, kv::Space::index_state}) batch.put(space, 1, key + "x", "y");
  ASSERT_TRUE(run_task(kv->commit(std::move(batch))));
  ASSERT_TRUE(run_task(account->delete_mailbox("Archive")));
  for (auto space : {kv::Space::column, kv::Space::index_state})
    EXPECT_TRUE(run_task(kv->scan({space, 1, "", ""}, {})).value().rows.empty());
}

}  // namespace
}  // namespace posthorn::store
