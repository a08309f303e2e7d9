#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <set>

#include "async/task_group.h"
#include "store/change.h"
#include "store/rows.h"
#include "store/store_testing.h"

namespace posthorn::store {
namespace {

TEST_F(StoreTest, ANewAccountHasTheUsualMailboxes) {
  make_account();
  std::string names;
  for (const auto& m : account->mailboxes()) names += m->name + " ";
  EXPECT_EQ(names, "Archive Drafts INBOX Junk Sent Trash ");
  EXPECT_EQ(account->find_mailbox("Sent")->special_use, SpecialUse::sent);
  EXPECT_TRUE(account->find_mailbox("inbox"));
  EXPECT_TRUE(account->is_subscribed("INBOX"));
  EXPECT_EQ(run_task(mail->create_account(AccountId(1))).error().code, Errc::exists);
  EXPECT_EQ(run_task(mail->account(AccountId(2))).error().code, Errc::not_found);
}

TEST_F(StoreTest, AnAppendedMessageOutlivesACrash) {
  make_account();
  EXPECT_EQ(append("INBOX", kSeen, {"$Forwarded"}), Uid(1));
  EXPECT_EQ(append(), Uid(2));
  crash();
  EXPECT_EQ(uids(), "1 2 ");
  EXPECT_EQ(view()->at(0).flags, kSeen);
  EXPECT_EQ(account->find_mailbox("INBOX")->keywords, std::vector<std::string>{"$Forwarded"});
  EXPECT_EQ(view()->at(0).keywords, 1u);
  EXPECT_EQ(read(view()->at(1).message), kMessage);
  EXPECT_EQ(account->find_mailbox("INBOX")->unseen, 1u);
  auto summary = run_task(account->summaries({view()->at(0).message})).value();
  EXPECT_EQ(message::decode_summary(summary[0])->envelope().subject, "hello");
}

TEST_F(StoreTest, OneMessageForSeveralAccountsIsStoredOnceAndGoesWithTheLast) {
  make_account();
  make_account(2);
  auto second = run_task(mail->account(AccountId(2))).value();
  auto done = append_to({{second, second->find_mailbox("INBOX")->id, 0, {}, {}}, {account, mailbox("INBOX"), 0, {}, {}}});
  ASSERT_TRUE(done && done->at(0) && done->at(1));
  const MessageId id = view()->at(0).message;
  EXPECT_EQ(run_task(second->view(second->find_mailbox("INBOX")->id)).value()->at(0).message, id);
  ASSERT_TRUE(run_task(account->remove(mailbox("INBOX"), {{Uid(1), Uid(1)}})));
  expect_clean();
  EXPECT_EQ(run_task(second->read(id, 0, 1000)).value(), kMessage);
  ASSERT_TRUE(run_task(second->remove(second->find_mailbox("INBOX")->id, {{Uid(1), Uid(1)}})));
  crash();  // the process ended before the bytes were removed: the next start does it
  EXPECT_FALSE(run_task(account->read(id, 0, 1000)));
}

TEST_F(StoreTest, ATargetOverQuotaDoesNotStopTheOthers) {
  make_account();
  make_account(2);
  auto second = run_task(mail->account(AccountId(2))).value();
  ASSERT_TRUE(run_task(account->set_quota({.bytes = 10})));
  EXPECT_FALSE(MailStore::fits(*account, 11));
  EXPECT_TRUE(MailStore::fits(*account, 10));
  auto done = append_to({{account, mailbox("INBOX"), 0, {}, {}}, {second, second->find_mailbox("INBOX")->id, 0, {}, {}}});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->at(0).error().code, Errc::over_quota);
  EXPECT_TRUE(done->at(1));
}

TEST_F(StoreTest, NothingIsStoredWhenTheCommitFails) {
  make_account();
  append();
  kv->set_faults({[](const kv::Batch&) { return fail(Errc::no_space, "full"); }});
  EXPECT_EQ(append_to({{account, mailbox("INBOX"), 0, {}, {}}}).error().code, Errc::no_space);
  kv->set_faults({[](const kv::Batch&) { return fail(Errc::io, "broken"); }});
  EXPECT_EQ(append_to({{account, mailbox("INBOX"), 0, {}, {}}}).error().code, Errc::io);
  kv->set_faults({});
  EXPECT_EQ(uids(), "1 ");
  EXPECT_EQ(append(), Uid(2));
  EXPECT_EQ(uids(), "1 2 ");
}

TEST_F(StoreTest, AMessageBrokenOffLeavesNothing) {
  make_account();
  MessageId id;
  {
    auto incoming = mail->begin_incoming();
    id = incoming.id();
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(run_task(incoming.write(std::string(60'000, 'x'))));
    EXPECT_TRUE(run_task(blobs->read(id, 0, 10)));
  }
  mail->close();
  EXPECT_EQ(run_task(blobs->check({})).value().blobs, 0u);
}

TEST_F(StoreTest, TheCheckOfARunningServerSeesNoDamageInWhatIsComingIn) {
  make_account();
  std::vector<Incoming> coming;  // more than there are shards: some are not the newest of theirs
  for (int i = 0; i < 40; ++i) {
    coming.push_back(mail->begin_incoming());
    ASSERT_TRUE(run_task(coming.back().write(std::string(300'000, 'x'))));
    append();
  }
  auto report = run_task(check_store(*kv, *blobs)).value();
  for (const auto& p : report.problems) ADD_FAILURE() << p.text;
}

TEST_F(StoreTest, CopiesAndMovesEndWithTheUids) {
  make_account();
  for (int i = 0; i < 3; ++i) append();
  {
    auto change = run_task(Change::begin(account)).value();
    change.edit(mailbox("Archive"))->uid_next = Uid(0xFFFFFFFD);
    ASSERT_TRUE(run_task(change.commit()));
  }
  const UidSet all{{Uid(1), Uid(9)}};
  auto copied = run_task(account->copy(mailbox("INBOX"), all, mailbox("Archive")));
  auto moved = run_task(account->move(mailbox("INBOX"), all, mailbox("Archive")));
  ASSERT_FALSE(copied || moved);
  EXPECT_EQ(copied.error().code, Errc::limit);
  EXPECT_EQ(moved.error().code, Errc::limit);
  EXPECT_EQ(uids(), "1 2 3 ");
  ASSERT_TRUE(run_task(account->copy(mailbox("INBOX"), {{Uid(1), Uid(2)}}, mailbox("Archive"))));
  EXPECT_EQ(uids("Archive"), "4294967293 4294967294 ");
}

TEST_F(StoreTest, ADeletedMailboxHasNoView) {
  make_account();
  append("Archive");
  const MailboxId id = mailbox("Archive");
  ASSERT_TRUE(run_task(account->delete_mailbox("Archive")));
  EXPECT_FALSE(run_task(account->view(id)));
}

TEST_F(StoreTest, FlagsAreAddedRemovedAndReplaced) {
  make_account();
  for (int i = 0; i < 4; ++i) append();
  auto change = [&](FlagsOp op, std::uint8_t system, std::vector<std::string> keywords, UidSet set,
                    std::optional<ModSeq> since = {}) {
    return run_task(account->change_flags(mailbox("INBOX"), std::move(set), {op, system, std::move(keywords)}, since)).value();
  };
  auto added = change(FlagsOp::add, kSeen | kFlagged, {"Work"}, {{Uid(2), Uid(3)}, {Uid(9), Uid(20)}});
  EXPECT_EQ(added.changed, (std::vector<Uid>{Uid(2), Uid(3)}));
  EXPECT_EQ(added.view->at(1).flags, kSeen | kFlagged);
  EXPECT_EQ(account->find_mailbox("INBOX")->unseen, 2u);
  const ModSeq then = added.view->at(1).mod_seq;
  auto again = change(FlagsOp::add, kSeen, {"WORK"}, {{Uid(2), Uid(3)}});
  EXPECT_TRUE(again.changed.empty());
  EXPECT_EQ(again.touched.size(), 2u);
  change(FlagsOp::remove, kFlagged, {"nobody-knows"}, {{Uid(3), Uid(3)}});
  EXPECT_EQ(account->find_mailbox("INBOX")->keywords, std::vector<std::string>{"Work"});
  auto held = change(FlagsOp::replace, kDeleted, {}, {{Uid(1), Uid(4)}}, then);
  EXPECT_EQ(held.modified, std::vector<Uid>{Uid(3)});  // changed since
  EXPECT_EQ(held.changed, (std::vector<Uid>{Uid(1), Uid(2), Uid(4)}));
  EXPECT_EQ(account->find_mailbox("INBOX")->deleted, 3u);
  crash();
  EXPECT_EQ(view()->at(1).flags, kDeleted);
  EXPECT_EQ(view()->at(1).keywords, 0u);
}

TEST_F(StoreTest, FlagsKeywordsAndTheDateChangeByThemselves) {
  make_account();
  append();
  const UidSet first{{Uid(1), Uid(1)}};
  const auto change = [&](FlagsChange what) { return run_task(account->change_flags(mailbox("INBOX"), first, std::move(what))).value().view->at(0); };
  change({.op = FlagsOp::replace, .system = kSeen, .keywords = {"Work"}});
  EXPECT_EQ(change({.op = FlagsOp::replace, .system = kDraft, .scope = FlagsScope::system}).keywords, 1u);
  EXPECT_EQ(change({.op = FlagsOp::replace, .scope = FlagsScope::keywords}).flags, kDraft);
  const InternalDate then{.seconds = 1'000'000'000, .zone_minutes = -300};
  const auto before = view()->at(0);
  EXPECT_EQ(change({.rights = kKeepSeen, .scope = FlagsScope::none, .internal_date = then}).internal_date, before.internal_date);
  const auto after = change({.scope = FlagsScope::none, .internal_date = then});
  EXPECT_EQ(after.internal_date, then);
  EXPECT_EQ(after.flags, kDraft);
  EXPECT_GT(after.mod_seq, before.mod_seq);
  crash();
  EXPECT_EQ(view()->at(0).internal_date, then);
}

TEST_F(StoreTest, CopiesShareTheBytesAndMovesKeepThem) {
  make_account();
  append("INBOX", 0, {"A", "B"});
  append("INBOX", 0, {"B"});
  append("Archive", 0, {"C"});
  auto copied = run_task(account->copy(mailbox("INBOX"), {{Uid(2), Uid(2)}}, mailbox("Archive"))).value();
  EXPECT_EQ(copied.to, std::vector<Uid>{Uid(2)});
  EXPECT_EQ(account->find_mailbox("Archive")->keywords, (std::vector<std::string>{"C", "B"}));
  EXPECT_EQ(view("Archive")->at(1).keywords, 2u);
  EXPECT_EQ(view("Archive")->at(1).message, view()->at(1).message);
  auto moved = run_task(account->move(mailbox("INBOX"), {{Uid(1), Uid(9)}}, mailbox("Trash"))).value();
  EXPECT_EQ(moved.from.size(), 2u);
  EXPECT_TRUE(moved.source_view->empty());
  expect_clean();
  const MessageId id = view("Archive")->at(1).message;
  ASSERT_TRUE(run_task(account->remove(mailbox("Trash"), {{Uid(1), Uid(9)}})));
  crash();
  EXPECT_EQ(read(id), kMessage);
  EXPECT_EQ(run_task(account->copy(mailbox("Archive"), {{Uid(1), Uid(9)}}, mailbox("Archive")))->to.size(), 2u);
  EXPECT_EQ(uids("Archive"), "1 2 3 4 ");
}

TEST_F(StoreTest, ExpungeTakesDeletedOnesOnly) {
  make_account();
  for (int i = 0; i < 5; ++i) append("INBOX", i % 2 ? kDeleted : 0);
  auto some = run_task(account->expunge(mailbox("INBOX"), UidSet{{Uid(1), Uid(3)}})).value();
  EXPECT_EQ(some.uids, std::vector<Uid>{Uid(2)});
  auto all = run_task(account->expunge(mailbox("INBOX"))).value();
  EXPECT_EQ(all.uids, std::vector<Uid>{Uid(4)});
  EXPECT_EQ(uids(), "1 3 5 ");
  EXPECT_EQ(append(), Uid(6));  // UIDs are never used again
  ASSERT_TRUE(run_task(account->remove(mailbox("INBOX"), {{Uid(1), Uid(9)}})));
  crash();
  EXPECT_EQ(append(), Uid(7));
}

TEST_F(StoreTest, ManyAreExpungedInSlices) {
  options.slice = 500;
  open(std::move(kv));
  make_account();
  append("INBOX", kDeleted);
  while (account->find_mailbox("INBOX")->messages <= 2 * options.slice) {
    ASSERT_TRUE(run_task(account->copy(mailbox("INBOX"), {{Uid(1), Uid(4000)}}, mailbox("INBOX"))));
  }
  const Uid kept = append();
  const std::uint32_t many = view()->size();
  // Shared: the bytes are erased in the background, perhaps after the test.
  const auto largest = std::make_shared<std::atomic<std::size_t>>(0);
  kv->set_faults({.before_commit = [largest](const kv::Batch& b) -> Result<void> {
    *largest = std::max<std::size_t>(*largest, b.ops().size());
    return {};
  }});
  auto gone = run_task(account->expunge(mailbox("INBOX"))).value();
  EXPECT_EQ(gone.uids.size(), many - 1);
  EXPECT_EQ(gone.view->size(), 1u);
  EXPECT_EQ(gone.view->at(0).uid, kept);
  EXPECT_LT(*largest, 2 * options.slice);
}

TEST_F(StoreTest, MailboxesAreCreatedRenamedAndDeleted) {
  make_account();
  ASSERT_TRUE(run_task(account->create_mailbox("a/b/c")));
  EXPECT_TRUE(account->find_mailbox("a/b"));
  EXPECT_EQ(run_task(account->create_mailbox("a")).error().code, Errc::exists);
  for (auto bad : {"", "/", "a//b", "a/", "x\ny", "\xff", "a\x7f", "a\u0085b", "a/\u2028", "\u2029"})
    EXPECT_EQ(run_task(account->create_mailbox(bad)).error().code, Errc::invalid);
  append("a/b");
  EXPECT_EQ(run_task(account->rename_mailbox("a/b", "z/\u0080y")).error().code, Errc::invalid);
  ASSERT_TRUE(run_task(account->rename_mailbox("a/b", "z/y")));
  EXPECT_FALSE(account->find_mailbox("a/b/c"));
  EXPECT_TRUE(account->find_mailbox("z/y/c"));
  EXPECT_EQ(uids("z/y"), "1 ");
  EXPECT_EQ(run_task(account->rename_mailbox("z", "z/q")).error().code, Errc::invalid);
  EXPECT_EQ(run_task(account->rename_mailbox("none", "q")).error().code, Errc::not_found);
  const UidValidity before = account->find_mailbox("z/y")->uid_validity;
  ASSERT_TRUE(run_task(account->delete_mailbox("z/y")));
  EXPECT_TRUE(account->has_children("z/y"));
  EXPECT_EQ(run_task(account->delete_mailbox("inbox")).error().code, Errc::invalid);
  ASSERT_TRUE(run_task(account->create_mailbox("z/y")));
  EXPECT_GT(account->find_mailbox("z/y")->uid_validity, before);
  append();
  ASSERT_TRUE(run_task(account->rename_mailbox("INBOX", "old")));
  EXPECT_EQ(uids("old"), "1 ");
  EXPECT_EQ(uids("INBOX"), "");
  ASSERT_TRUE(run_task(account->set_subscribed("nowhere", true)));
  crash();
  EXPECT_TRUE(account->is_subscribed("nowhere"));
  EXPECT_TRUE(account->find_mailbox("old"));
}

// Of before names took Normalization Form C.
TEST_F(StoreTest, ANameStoredInAnotherFormIsFound) {
  make_account();
  const auto made = run_task(account->create_mailbox("Entw\xC3\xBCrfe")).value();
  MailboxState old = *made;
  old.name = "Entwu\xCC\x88rfe";
  kv::Batch batch;
  batch.put(kv::Space::mailbox, 1, mailbox_key(made->id), encode_mailbox(old));
  ASSERT_TRUE(run_task(kv->commit(std::move(batch))));
  crash();
  for (const auto* name : {"Entw\xC3\xBCrfe", "Entwu\xCC\x88rfe"}) {
    ASSERT_TRUE(account->find_mailbox(name)) << name;
    EXPECT_EQ(account->find_mailbox(name)->id, made->id);
  }
  EXPECT_TRUE(run_task(account->rename_mailbox("Entwu\xCC\x88rfe", "Drafts of old")));
  EXPECT_TRUE(account->find_mailbox("Drafts of old"));
}

TEST_F(StoreTest, TheBytesOfDeletedOnesAreKnown) {
  make_account();
  const MailboxId inbox = mailbox("INBOX");
  auto deleted_bytes = [&] { return run_task(account->deleted_bytes(inbox)).value() / kMessage.size(); };
  for (int i = 0; i < 4; ++i) append("INBOX", i % 2 ? kDeleted : 0);
  EXPECT_EQ(deleted_bytes(), 2u);
  {
    auto change = run_task(Change::begin(account)).value();
    change.edit(inbox)->deleted_bytes.reset();  // as an older version wrote it
    ASSERT_TRUE(run_task(change.commit()));
  }
  EXPECT_EQ(deleted_bytes(), 2u);
  append("INBOX", kDeleted);
  EXPECT_EQ(account->find_mailbox("INBOX")->deleted_bytes, std::nullopt);
  EXPECT_EQ(deleted_bytes(), 3u);
  ASSERT_TRUE(run_task(account->change_flags(inbox, {{Uid(1), Uid(1)}}, {FlagsOp::add, kDeleted, {}})));
  EXPECT_EQ(account->find_mailbox("INBOX")->deleted_bytes, 4 * kMessage.size());
  ASSERT_TRUE(run_task(account->remove(inbox, {{Uid(1), Uid(3)}})));
  EXPECT_EQ(deleted_bytes(), 2u);
  ASSERT_TRUE(run_task(account->expunge(inbox)));
  crash();
  EXPECT_EQ(deleted_bytes(), 0u);
}

TEST_F(StoreTest, RecentIsToldOnce) {
  make_account();
  append();
  EXPECT_EQ(account->peek_recent(mailbox("INBOX")), Uid(1));
  EXPECT_EQ(run_task(account->claim_recent(mailbox("INBOX"))), Uid(1));
  EXPECT_EQ(run_task(account->claim_recent(mailbox("INBOX"))), Uid(2));
  append();
  EXPECT_EQ(run_task(account->claim_recent(mailbox("INBOX"))), Uid(2));
}

TEST_F(StoreTest, WatchersAreWokenAfterTheCommit) {
  make_account();
  std::vector<std::uint64_t> seen;
  {
    auto watch = mail->hub().watch(AccountId(1), [&](ModSeq m) { seen.push_back(m.value()); });
    append();
    EXPECT_EQ(seen, std::vector<std::uint64_t>{account->mod_seq().value()});
  }
  append();
  EXPECT_EQ(seen.size(), 1u);
}

TEST_F(StoreTest, AnAccountGoesWithAllItsMail) {
  make_account();
  append();
  append("Sent");
  auto held = account;
  ASSERT_TRUE(run_task(mail->remove_account(AccountId(1))));
  EXPECT_EQ(run_task(mail->account(AccountId(1))).error().code, Errc::not_found);
  auto late = append_to({{held, MailboxId(1), 0, {}, {}}});
  EXPECT_FALSE(late->front());
  mail->close();
  EXPECT_EQ(run_task(blobs->check({})).value().blobs, 0u);
}


TEST_F(StoreTest, RandomChangesAgreeWithAModelAcrossCrashesAndFolding) {
  make_account();
  std::mt19937 random(7);
  const std::vector<std::string> names{"INBOX", "Archive"};
  std::map<std::string, std::map<std::uint32_t, std::uint8_t>> model;
  std::map<std::string, std::uint32_t> next{{"INBOX", 1}, {"Archive", 1}};
  auto compare = [&] {
    for (const auto& name : names) {
      auto v = view(name);
      ASSERT_EQ(v->size(), model[name].size()) << name;
      auto expected = model[name].begin();
      v->for_each([&](std::uint32_t, const Entry& e) {
        EXPECT_EQ(e.uid.value(), expected->first);
        EXPECT_EQ(e.flags, expected->second);
        ++expected;
      });
    }
  };
  for (int step = 0; step < 400; ++step) {
    const std::string name = names[random() % 2], other = names[random() % 2];
    const std::uint32_t a = random() % (next[name] + 1) + 1, b = a + random() % 700;
    const UidSet set{{Uid(a), Uid(b)}};
    const auto flags = static_cast<std::uint8_t>(random() % 32);
    switch (random() % 8) {
      case 0:
      case 1:
      case 2: {
        for (int i = 0; i < 20; ++i) {
          append(name, flags);
          model[name][next[name]++] = flags;
        }
        break;
      }
      case 3: {
        ASSERT_TRUE(run_task(account->change_flags(mailbox(name), set, {FlagsOp::replace, flags, {}})));
        for (auto& [uid, f] : model[name])
          if (uid >= a && uid <= b) f = flags;
        break;
      }
      case 4: {
        ASSERT_TRUE(run_task(account->copy(mailbox(name), set, mailbox(other))));
        auto source = model[name];
        for (auto& [uid, f] : source)
          if (uid >= a && uid <= b) model[other][next[other]++] = f;
        break;
      }
      case 5: {
        if (name == other) break;
        ASSERT_TRUE(run_task(account->move(mailbox(name), set, mailbox(other))));
        auto source = model[name];
        for (auto& [uid, f] : source) {
          if (uid < a || uid > b) continue;
          model[other][next[other]++] = f;
          model[name].erase(uid);
        }
        break;
      }
      case 6: {
        const std::uint32_t end = a + random() % 100;
        ASSERT_TRUE(run_task(account->remove(mailbox(name), {{Uid(a), Uid(end)}})));
        std::erase_if(model[name], [&](const auto& m) { return m.first >= a && m.first <= end; });
        break;
      }
      case 7: {
        auto change = run_task(Change::begin(account)).value();
        auto v = run_task(change.view(mailbox(name))).value();
        fold_overlay(change, mailbox(name), *v);
        ASSERT_TRUE(run_task(change.commit()));
        break;
      }
    }
    if (step % 10 == 0) compare();
    if (step % 25 == 24) crash();
    if (HasFatalFailure() || HasNonfatalFailure()) FAIL() << "step " << step;
  }
  compare();
}

Task<> append_many(MailStore& mail, AccountPtr account, int count) {
  for (int i = 0; i < count; ++i) {
    auto incoming = mail.begin_incoming();
    auto written = co_await incoming.write(kMessage);
    EXPECT_TRUE(written);
    std::vector<Target> to;
    to.push_back({account, account->find_mailbox("INBOX")->id, 0, {}, {}});
    auto done = co_await mail.append(std::move(incoming), std::move(to));
    EXPECT_TRUE(done && done->front());
  }
}

TEST_F(StoreTest, ManyDeliveriesAtOnceFromSeveralReactors) {
  make_account();
  ReactorPool reactors(2);
  reactors.start();
  TaskGroup group;
  for (std::size_t i = 0; i < 8; ++i) group.spawn(reactors.at(i % 2), append_many(*mail, account, 400));
  run_task(group.join());
  EXPECT_EQ(view()->size(), 3200u);
  EXPECT_EQ(account->find_mailbox("INBOX")->messages, 3200u);
  mail->close();
  EXPECT_LT(account->find_mailbox("INBOX")->overlay_rows, 3200u);  // it was folded meanwhile
}

}  // namespace
}  // namespace posthorn::store
