#include <chrono>

#include "store/account_rows.h"
#include "store/change.h"
#include "store/store_testing.h"

namespace posthorn::store {
namespace {

using Clock = std::chrono::steady_clock;

std::string name_of(int i) { return "folders/" + std::to_string(i % 100) + "/" + std::to_string(i); }

// 100,000 mailboxes and as many subscriptions.  What is done with one of them costs as little as in a small account: the bounds are
// generous, but far below what a walk over all of them for each step takes.
TEST_F(StoreTest, AHundredThousandMailboxes) {
  constexpr int kCount = 100'000;
  make_account();
  {
    auto change = run_task(Change::begin(account)).value();
    for (int i = 0; i < kCount; ++i) {
      MailboxState state;
      state.id = MailboxId(change.core().next_mailbox++);
      state.uid_validity = UidValidity(++change.core().next_uid_validity);
      state.name = name_of(i);
      change.set_subscribed(state.name, true);
      change.add_mailbox(std::move(state));
    }
    ASSERT_TRUE(run_task(change.commit()));
  }
  account = nullptr;
  open(std::move(kv));
  account = run_task(mail->account(AccountId(1))).value();
  EXPECT_EQ(account->quota().mailboxes_used, kCount + 6u);
  EXPECT_EQ(account->mailboxes("folders/7/").size(), 1000u);

  const auto start = Clock::now();
  for (int i = 0; i < 300; ++i) {
    const std::string name = "new/" + std::to_string(i);
    ASSERT_TRUE(run_task(account->create_mailbox(name)));
    ASSERT_TRUE(run_task(account->set_subscribed(name, true)));
    EXPECT_TRUE(account->is_subscribed(name));
    EXPECT_FALSE(account->has_children(name));
    EXPECT_TRUE(account->find_mailbox(name_of(i)));
    ASSERT_TRUE(run_task(account->rename_mailbox(name, "renamed/" + std::to_string(i))));
    ASSERT_TRUE(run_task(account->set_subscribed(name, false)));
    ASSERT_TRUE(run_task(account->delete_mailbox("renamed/" + std::to_string(i))));
  }
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(2));
  ASSERT_TRUE(run_task(account->rename_mailbox("folders/7", "seven")));
  EXPECT_EQ(account->mailboxes("seven/").size(), 1000u);
  EXPECT_EQ(account->subscriptions().size(), kCount + 6u);
}

TEST_F(StoreTest, MailboxesHaveTheirQuota) {
  make_account();
  ASSERT_TRUE(run_task(account->set_quota({.mailboxes = 8})));
  crash();
  EXPECT_EQ(account->quota().mailboxes_limit, 8u);
  EXPECT_EQ(run_task(account->create_mailbox("a/b/c")).error().code, Errc::over_quota);
  ASSERT_TRUE(run_task(account->create_mailbox("a/b")));
  EXPECT_EQ(run_task(account->rename_mailbox("Sent", "x/Sent")).error().code, Errc::over_quota);
  EXPECT_EQ(account->quota().mailboxes_used, 8u);
  ASSERT_TRUE(run_task(account->set_quota({.mailboxes = 7})));
  EXPECT_TRUE(run_task(account->rename_mailbox("Sent", "a/Sent")));  // it makes none
}

TEST_F(StoreTest, ALimitOfNothingIsALimit) {
  make_account();
  ASSERT_TRUE(run_task(account->set_quota({.bytes = 0, .messages = 0, .mailboxes = 0})));
  crash();
  const auto quota = account->quota();
  EXPECT_EQ(quota.bytes_limit, 0u);
  EXPECT_EQ(quota.messages_limit, 0u);
  EXPECT_EQ(quota.mailboxes_limit, 0u);
  EXPECT_EQ(run_task(account->create_mailbox("a")).error().code, Errc::over_quota);
  ASSERT_TRUE(run_task(account->set_quota({.messages = 0})));
  EXPECT_EQ(append_to({{account, mailbox("INBOX"), 0, {}, {}}})->front().error().code, Errc::over_quota);
  ASSERT_TRUE(run_task(account->set_quota({})));
  EXPECT_FALSE(account->quota().messages_limit);
  append();
}

// Version 2 had no way to say 0: it was no limit.
TEST(AccountRow, OfVersion2) {
  for (const auto& [bytes, messages] : {std::pair(0, 7), std::pair(100, 0)}) {
    std::string row;
    for (int number : {2, 5, 6, 7, 1, 3, bytes, 1, messages, 0, 0}) row += static_cast<char>(number);
    const auto core = decode_core(row).value();
    EXPECT_EQ(core.quota.bytes_limit, bytes ? Limit(bytes) : Limit());
    EXPECT_EQ(core.quota.messages_limit, messages ? Limit(messages) : Limit());
    EXPECT_EQ(core.quota.mailboxes_limit, Limit());
  }
}

}  // namespace
}  // namespace posthorn::store
