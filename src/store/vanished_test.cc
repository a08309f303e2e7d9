#include "store/change.h"
#include "store/store_testing.h"

namespace posthorn::store {
namespace {

class VanishedTest : public StoreTest {
 protected:
  VanishedTest() {
    make_account();
    for (int i = 0; i < 8; ++i) append();
  }
  std::string vanished(ModSeq since, std::string_view name = "INBOX") {
    auto found = run_task(account->vanished_since(mailbox(name), since)).value();
    if (!found) return "unknown";
    std::string out;
    for (const auto& r : *found) out += std::to_string(r.first.value()) + ":" + std::to_string(r.last.value()) + " ";
    return out;
  }
};

TEST_F(VanishedTest, EveryWayOutIsKnown) {
  const ModSeq start = account->mod_seq();
  EXPECT_EQ(vanished(start), "");
  ASSERT_TRUE(run_task(account->move(mailbox("INBOX"), {{Uid(2), Uid(2)}}, mailbox("Archive"))));
  const ModSeq moved = account->mod_seq();
  ASSERT_TRUE(run_task(account->change_flags(mailbox("INBOX"), {{Uid(3), Uid(4)}}, {FlagsOp::add, kDeleted, {}})));
  ASSERT_TRUE(run_task(account->expunge(mailbox("INBOX"))));
  EXPECT_EQ(vanished(start), "2:4 ");
  EXPECT_EQ(vanished(moved), "3:4 ");
  EXPECT_EQ(vanished(start, "Archive"), "");
  std::vector<NewMessage> fresh;
  auto incoming = mail->begin_incoming();
  ASSERT_TRUE(run_task(incoming.write("new")));
  fresh.push_back({std::move(incoming), 0, {}, {}});
  ASSERT_TRUE(run_task(mail->append_all(account, mailbox("INBOX"), std::move(fresh), Replaced{mailbox("INBOX"), Uid(6)})));
  const ModSeq replaced = account->mod_seq();
  ASSERT_TRUE(run_task(account->remove(mailbox("INBOX"), {{Uid(8), Uid(8)}})));
  EXPECT_EQ(vanished(start), "2:4 6:6 8:8 ");
  ASSERT_TRUE(run_task(account->rename_mailbox("INBOX", "old")));
  crash();
  EXPECT_EQ(vanished(start), "1:9 ");
  EXPECT_EQ(vanished(replaced), "1:1 5:5 7:9 ");
  EXPECT_EQ(vanished(account->mod_seq()), "");
  EXPECT_EQ(vanished(ModSeq(account->mod_seq().value() + 100)), "");
}

TEST_F(VanishedTest, WhatTheLogDoesNotReachIsUnknown) {
  ASSERT_TRUE(run_task(account->remove(mailbox("INBOX"), {{Uid(1), Uid(1)}})));
  {
    auto change = run_task(Change::begin(account)).value();
    change.core().change_floor = ModSeq(5);
    ASSERT_TRUE(run_task(change.commit()));
  }
  EXPECT_EQ(vanished(ModSeq(3)), "unknown");
  EXPECT_EQ(vanished(ModSeq(4)), "1:1 ");
}

}  // namespace
}  // namespace posthorn::store
