// Several messages in one commit, replacing, conversations, and mail between accounts.
#include <algorithm>
#include <atomic>

#include "store/change.h"
#include "store/store_testing.h"

namespace posthorn::store {
namespace {

class AppendTest : public StoreTest {
 protected:
  AppendTest() { make_account(); }

  NewMessage message(const std::string& bytes, std::uint8_t flags = 0, std::vector<std::string> keywords = {}) {
    auto incoming = mail->begin_incoming();
    EXPECT_TRUE(run_task(incoming.write(bytes)));
    return {std::move(incoming), flags, std::move(keywords), {}};
  }
  Result<AppendedAll> append_all(std::vector<std::string> texts, std::optional<Replaced> replaced = {}) {
    std::vector<NewMessage> messages;
    for (const auto& text : texts) messages.push_back(message(text));
    return run_task(mail->append_all(account, mailbox("INBOX"), std::move(messages), replaced));
  }
  std::string texts(std::string_view name = "INBOX") {
    std::string out;
    view(name)->for_each([&](std::uint32_t, const Entry& e) { out += read(e.message) + " "; });
    return out;
  }
  // The conversations of the messages of a mailbox, numbered as they first come.
  std::string conversations(AccountPtr of, std::string_view name = "INBOX") {
    std::vector<MessageId> ids;
    auto entries = run_task(of->view(of->find_mailbox(name)->id)).value();
    entries->for_each([&](std::uint32_t, const Entry& e) { ids.push_back(e.message); });
    std::vector<ThreadId> order;
    std::string out;
    for (ThreadId thread : run_task(of->threads(ids)).value()) {
      auto place = std::ranges::find(order, thread);
      out += std::to_string(place - order.begin()) + " ";
      if (place == order.end()) order.push_back(thread);
    }
    return out;
  }
};

TEST_F(AppendTest, SeveralMessagesComeInOneCommitOrNone) {
  std::atomic<int> commits = 0;
  kv->set_faults({.before_commit = [&](const kv::Batch&) -> Result<void> { ++commits; return {}; }});
  std::vector<NewMessage> messages;
  messages.push_back(message("a", kSeen));
  messages.push_back(message("b", 0, {"$Work"}));
  messages.push_back(message(std::string(300'000, 'c')));
  commits = 0;
  auto done = run_task(mail->append_all(account, mailbox("INBOX"), std::move(messages)));
  ASSERT_TRUE(done);
  EXPECT_EQ(commits, 1);
  EXPECT_EQ(done->uids, (std::vector<Uid>{Uid(1), Uid(2), Uid(3)}));
  EXPECT_EQ(done->uid_validity, account->find_mailbox("INBOX")->uid_validity);
  EXPECT_EQ(view()->at(0).flags, kSeen);
  EXPECT_EQ(view()->at(1).keywords, 1u);
  EXPECT_EQ(view()->at(2).size, 300'000u);
  EXPECT_EQ(view()->at(2).mod_seq, done->mod_seq);
  ASSERT_TRUE(run_task(account->set_quota({.messages = 4})));
  EXPECT_EQ(append_all({"d", std::string(300'000, 'e')}).error().code, Errc::over_quota);
  EXPECT_EQ(append_all({"d"})->uids, std::vector<Uid>{Uid(4)});
  kv->set_faults({[](const kv::Batch&) { return fail(Errc::no_space, "full"); }});
  EXPECT_FALSE(append_all({"x", "y"}));
  kv->set_faults({});
  EXPECT_EQ(uids(), "1 2 3 4 ");
  crash();
  EXPECT_EQ(uids(), "1 2 3 4 ");
}

TEST_F(AppendTest, MessagesFromElsewhereKeepTheirUids) {
  const auto restore = [this](std::uint32_t uid_validity, std::uint32_t uid_next) {
    auto done = run_task(account->restore_uids(mailbox("INBOX"), UidValidity(uid_validity), Uid(uid_next)));
    return done ? Errc{} : done.error().code;
  };
  const auto keep = [this](std::vector<std::uint32_t> wanted) -> Result<AppendedAll> {
    std::vector<NewMessage> messages;
    for (auto uid : wanted) messages.push_back(message("m" + std::to_string(uid)));
    for (std::size_t i = 0; i < wanted.size(); ++i) messages[i].uid = Uid(wanted[i]), messages[i].uid_validity = UidValidity(4'000'000'000);
    return run_task(mail->append_all(account, mailbox("INBOX"), std::move(messages)));
  };
  EXPECT_EQ(restore(0xFFFFFFFF, 1), Errc::limit);
  EXPECT_EQ(restore(0, 1), Errc::limit);
  EXPECT_EQ(restore(4'000'000'000, 1), Errc{});
  EXPECT_EQ(keep({3, 7, 0, 20})->uids, (std::vector<Uid>{Uid(3), Uid(7), Uid(8), Uid(20)}));
  EXPECT_EQ(keep({20}).error().code, Errc::invalid);
  {
    std::vector<NewMessage> stranger;
    stranger.push_back(message("x"));
    stranger[0].uid = Uid(21);
    stranger[0].uid_validity = UidValidity(77);
    EXPECT_EQ(run_task(mail->append_all(account, mailbox("INBOX"), std::move(stranger))).error().code, Errc::invalid);
  }
  EXPECT_EQ(keep({22, 22}).error().code, Errc::invalid);
  EXPECT_EQ(keep({0xFFFFFFFF}).error().code, Errc::limit);
  EXPECT_EQ(keep({0xF0000001, 0}).error().code, Errc::limit);
  EXPECT_EQ(restore(4'000'000'000, 0xF0000001), Errc::limit);
  EXPECT_EQ(uids(), "3 7 8 20 ");
  EXPECT_EQ(restore(4'000'000'000, 100), Errc{});  // what was expunged there is not given again here
  EXPECT_EQ(restore(4'000'000'000, 50), Errc{});
  EXPECT_EQ(keep({0})->uids, std::vector<Uid>{Uid(100)});
  EXPECT_EQ(restore(1'000'000'000, 1), Errc::busy);
  crash();
  EXPECT_EQ(uids(), "3 7 8 20 100 ");
  EXPECT_EQ(account->find_mailbox("INBOX")->uid_validity, UidValidity(4'000'000'000));
  ASSERT_TRUE(run_task(account->create_mailbox("Later")));
  EXPECT_GT(account->find_mailbox("Later")->uid_validity, UidValidity(4'000'000'000));
}

TEST_F(AppendTest, MessagesThatWereNotStoredLeaveNothing) {
  const MailboxId gone = mailbox("Archive");
  ASSERT_TRUE(run_task(account->delete_mailbox("Archive")));
  std::vector<NewMessage> messages;
  for (int i = 0; i < 3; ++i) messages.push_back(message(std::string(600'000, 'x')));
  EXPECT_EQ(run_task(mail->append_all(account, gone, std::move(messages))).error().code, Errc::not_found);
  mail->close();
  EXPECT_EQ(run_task(blobs->check({})).value().blobs, 0u);
}

TEST_F(AppendTest, ReplacingIsOneChange) {
  append_all({"one", "two"});
  auto before = view();
  auto done = append_all({"2nd"}, Replaced{mailbox("INBOX"), Uid(2)});
  ASSERT_TRUE(done);
  EXPECT_EQ(uids(), "1 3 ");
  EXPECT_EQ(texts(), "one 2nd ");
  auto told = diff(*before, *view());
  EXPECT_EQ(told.expunged, std::vector<std::uint32_t>{1});
  EXPECT_EQ(told.added, 1u);
  EXPECT_EQ(append_all({"3rd"}, Replaced{mailbox("INBOX"), Uid(2)}).error().code, Errc::not_found);
  // [RFC8508 3.4] Only what they differ by counts.
  ASSERT_TRUE(run_task(account->set_quota({.bytes = 7, .messages = 2})));
  EXPECT_EQ(append_all({"longer"}, Replaced{mailbox("INBOX"), Uid(1)}).error().code, Errc::over_quota);
  ASSERT_TRUE(append_all({"1st!"}, Replaced{mailbox("INBOX"), Uid(1)}));
  ASSERT_TRUE(run_task(account->set_quota({.bytes = 1, .messages = 1})));
  EXPECT_EQ(append_all({"1st!!"}, Replaced{mailbox("INBOX"), Uid(4)}).error().code, Errc::over_quota);
  ASSERT_TRUE(append_all({"1st"}, Replaced{mailbox("INBOX"), Uid(4)}));  // it was too much before
  ASSERT_TRUE(run_task(account->set_quota({})));
  EXPECT_EQ(texts(), "2nd 1st ");
  std::vector<NewMessage> sent;
  sent.push_back(message("out", kSeen));
  ASSERT_TRUE(run_task(mail->append_all(account, mailbox("Sent"), std::move(sent), Replaced{mailbox("INBOX"), Uid(3)})));
  EXPECT_EQ(texts(), "1st ");
  EXPECT_EQ(texts("Sent"), "out ");
  crash();
  EXPECT_EQ(texts(), "1st ");
  EXPECT_EQ(run_task(blobs->check({})).value().blobs, 2u);
}

TEST_F(AppendTest, ReplacingInAnotherAccountIsOneChangeToo) {
  make_account(2);
  const auto other = run_task(mail->account(AccountId(2))).value();
  append_all({"one", "two"});
  const auto replace = [&](std::uint32_t uid) {
    std::vector<NewMessage> messages;
    messages.push_back(message("new"));
    return run_task(mail->append_all(other, other->find_mailbox("Drafts")->id, std::move(messages), Replaced{mailbox("INBOX"), Uid(uid), account}));
  };
  ASSERT_TRUE(run_task(other->set_quota({.bytes = 3})));
  ASSERT_TRUE(replace(1));
  EXPECT_EQ(texts(), "two ");
  EXPECT_EQ(account->quota().messages_used, 1u);
  EXPECT_EQ(replace(1).error().code, Errc::not_found);
  EXPECT_EQ(replace(2).error().code, Errc::over_quota);  // what goes there gives no room here
  ASSERT_TRUE(run_task(other->set_quota({})));
  kv->set_faults({.before_commit = [](const kv::Batch&) { return fail(Errc::no_space); }});
  EXPECT_EQ(replace(2).error().code, Errc::no_space);
  kv->set_faults({});
  EXPECT_EQ(texts(), "two ");
  EXPECT_EQ(other->find_mailbox("Drafts")->messages, 1u);
}

TEST_F(AppendTest, AConversationIsFoundByTheIdsOfItsMessages) {
  const std::string first = "Message-ID: <1@x>\r\n\r\n";
  append_all({first, "Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\n\r\n", "Subject: alone\r\n\r\n",
              "Message-ID: <4@x>\r\nReferences: <0@x>\r\n <1@x> <2@x>\r\n\r\n"});
  append_all({"Message-ID: <5@x>\r\n\r\n"});
  append_all({"References: <0@x>\r\n\r\n"});                     // by an id that was only named
  append_all({"References: <5@x> <4@x>\r\n\r\n", first});        // the oldest of two; two stay two
  append_all({"In-Reply-To: <5@x>\r\n\r\n", "Subject: alone\r\n\r\n"});
  EXPECT_EQ(conversations(account), "0 0 1 0 2 0 0 0 2 3 ");
  crash();
  append_all({"Message-ID: <\"6\"@x>\r\nReferences: <1@x>\r\n\r\n"});
  EXPECT_EQ(conversations(account), "0 0 1 0 2 0 0 0 2 3 0 ");
  EXPECT_EQ(run_task(account->threads({MessageId(1)})).value(), std::vector<ThreadId>{ThreadId(0)});
}

TEST_F(AppendTest, AMessageThatBeganToComeInBeforeJoinsWhatIsThere) {
  std::vector<NewMessage> slow;
  slow.push_back(message("Message-ID: <1@x>\r\n\r\n"));
  append_all({"References: <1@x>\r\n\r\n"});
  ASSERT_TRUE(run_task(mail->append_all(account, mailbox("INBOX"), std::move(slow))));
  EXPECT_GT(view()->at(0).message, view()->at(1).message);
  EXPECT_EQ(conversations(account), "0 0 ");
}

TEST_F(AppendTest, ManyReferencesAreBounded) {
  std::string references = "References:";
  for (int i = 0; i < 1000; ++i) references += " <" + std::to_string(i) + "@x>\r\n";
  append_all({"Message-ID: <me@x>\r\n" + references + "\r\n"});
  EXPECT_EQ(run_task(kv->scan({kv::Space::thread, 1, "", ""}, {})).value().rows.size(), 51u);
  append_all({"Message-ID: <999@x>\r\n\r\n", "Message-ID: <1@x>\r\n\r\n", "Message-ID: <me@x>\r\n\r\n"});
  EXPECT_EQ(conversations(account), "0 0 1 0 ");
}

TEST_F(AppendTest, MailGoesToAnotherAccountWithItsBytes) {
  make_account(2);
  auto other = run_task(mail->account(AccountId(2))).value();
  const MailboxId inbox = mailbox("INBOX"), theirs = other->find_mailbox("INBOX")->id;
  append_all({"Message-ID: <1@x>\r\n\r\none", "Message-ID: <2@x>\r\nReferences: <1@x>\r\n\r\n", "three"});
  ASSERT_TRUE(run_task(account->copy(inbox, {{Uid(3), Uid(3)}}, inbox)));  // a message with two entries
  ASSERT_TRUE(run_task(account->change_flags(inbox, {{Uid(1), Uid(2)}}, {FlagsOp::replace, kSeen | kDeleted | kFlagged, {"$Work"}})));
  auto copied = run_task(mail->copy(account, inbox, {{Uid(1), Uid(9)}}, other, theirs));
  ASSERT_TRUE(copied);
  EXPECT_EQ(copied->to.size(), 4u);
  EXPECT_EQ(conversations(other), "0 0 1 1 ");
  auto got = run_task(other->view(theirs)).value();
  EXPECT_EQ(got->at(0).flags, kSeen | kDeleted | kFlagged);
  EXPECT_EQ(other->find_mailbox("INBOX")->keywords, std::vector<std::string>{"$Work"});
  expect_clean();
  // [RFC4314 4] without s, t and w nothing is set
  auto moved = run_task(mail->move(account, inbox, {{Uid(1), Uid(2)}}, other, theirs, kInsert));
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->from, (std::vector<Uid>{Uid(1), Uid(2)}));
  EXPECT_EQ(moved->source_view->size(), 2u);
  got = run_task(other->view(theirs)).value();
  EXPECT_EQ(got->size(), 6u);
  EXPECT_EQ(got->at(4).flags, 0);
  EXPECT_EQ(got->at(4).keywords, 0u);
  EXPECT_EQ(got->at(4).message, got->at(0).message);
  ASSERT_TRUE(run_task(account->remove(inbox, {{Uid(1), Uid(9)}})));
  account = nullptr;
  ASSERT_TRUE(run_task(mail->remove_account(AccountId(1))));
  expect_clean();
  EXPECT_EQ(run_task(other->read(got->at(2).message, 0, 100)).value(), "three");
  ASSERT_TRUE(run_task(other->set_quota({.messages = 6})));
  EXPECT_EQ(run_task(mail->copy(other, theirs, {{Uid(1), Uid(1)}}, other, theirs)).error().code, Errc::over_quota);
}

TEST_F(AppendTest, WhatGrowsIsTold) {
  std::vector<std::pair<MailboxId, std::uint32_t>> told;
  mail->on_mailbox_changed([&](AccountId, MailboxId id, std::uint32_t entries) { told.emplace_back(id, entries); });
  append_all({"x"});
  const MailboxId inbox = mailbox("INBOX");
  while (account->find_mailbox("INBOX")->messages < 511) {
    const std::uint32_t more = std::min(account->find_mailbox("INBOX")->messages, 511 - account->find_mailbox("INBOX")->messages);
    ASSERT_TRUE(run_task(account->copy(inbox, {{Uid(1), Uid(more)}}, inbox)));
  }
  EXPECT_TRUE(told.empty());
  append_all({"y", "z"});
  EXPECT_EQ(told, (std::vector<std::pair<MailboxId, std::uint32_t>>{{inbox, 513}}));
  ASSERT_TRUE(run_task(account->change_flags(inbox, {{Uid(1), Uid(1)}}, {FlagsOp::add, kSeen, {}})));
  EXPECT_EQ(told.size(), 1u);
}

}  // namespace
}  // namespace posthorn::store
