// Recipients here and elsewhere: one commit, all or none of those who share an answer.
#include "intake/transaction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>

#include "async/reactor.h"
#include "kv/memory/memory_store.h"
#include "queue/check.h"

namespace posthorn::intake {
namespace {

using namespace std::chrono_literals;

const std::string kContent = "Subject: hello\r\n\r\nbody\r\n";

class TransactionTest : public ::testing::Test {
 protected:
  TransactionTest() {
    open();
    for (std::uint64_t id : {1, 2}) EXPECT_TRUE(run_task(store->create_account(AccountId(id))));
    commits = kv->stats().commits;
  }
  ~TransactionTest() override {
    expect_clean();
    close();
  }
  void open() {
    blobs = std::make_unique<blob::Blobs>(*kv);
    EXPECT_TRUE(run_task(blobs->open()));
    store = std::make_unique<store::MailStore>(*kv, *blobs, workers);
    EXPECT_TRUE(run_task(store->open()));
    queue = std::make_unique<queue::Queue>(*kv, *blobs);
    EXPECT_TRUE(run_task(queue->open()));
    queue->start();
  }
  void close() {
    queue.reset();
    store.reset();
    blobs.reset();
  }
  void crash() {
    auto left = kv->after_crash();
    close();
    kv = std::move(left);
    open();
  }
  void expect_clean() {
    store->close();
    auto at = kv->snapshot();
    auto report = run_task(store::check_store(*kv, *blobs, at)).value();
    for (const auto& p : report.problems) ADD_FAILURE() << p.text;
    for (const auto& p : run_task(queue::check_queue(*kv, *blobs, at, report.queued)).value().problems) ADD_FAILURE() << p;
  }
  static smtp::ForwardPath path(std::string address, std::vector<std::uint64_t> accounts, std::vector<std::string> remote = {}) {
    smtp::ForwardPath p;
    p.address = std::move(address);
    for (auto id : accounts) p.accounts.emplace_back(id);
    p.remote = std::move(remote);
    return p;
  }
  static smtp::ForwardPath far(std::string address) { return path(address, {}, {address}); }

  Result<Receipt> send(smtp::Envelope envelope, Options options, std::string content = kContent) {
    options.hostname = "mx.example.test";
    options.max_size = 1 << 20;
    options.queue = queue.get();
    Transaction t(*store, std::move(envelope), {.helo = "client.test", .ip = "192.0.2.1", .with = "ESMTP"}, options);
    run_task(t.write(content));
    return run_task(t.commit());
  }
  Result<Receipt> send(std::vector<smtp::ForwardPath> paths, Answers answers = Answers::one_for_all) {
    return send({.reverse_path = "ann@example.test", .forward_paths = std::move(paths)}, {.answers = answers});
  }
  std::uint32_t stored(std::uint64_t id) {
    return run_task(store->account(AccountId(id))).value()->find_mailbox("INBOX")->messages;
  }
  void set_quota(std::uint64_t id, std::uint64_t bytes) {
    EXPECT_TRUE(run_task(run_task(store->account(AccountId(id))).value()->set_quota({.bytes = bytes})));
    commits = kv->stats().commits;
  }
  // Forward-paths in the queue, in order.
  std::vector<std::string> queued() {
    std::vector<std::string> out;
    for (const auto& e : run_task(queue->list({}, "", 1000)).value().entries)
      for (const auto& s : run_task(queue->show(e.id, "")).value().groups)
        for (const auto& r : s.group.recipients) out.push_back(r.forward_path);
    return out;
  }
  // What is sent of the bytes.
  std::string sent(const queue::Work& work) {
    return run_task(blobs->read(work.blob(), work.entry().prefix, 1 << 20)).value();
  }
  std::uint64_t new_commits() { return kv->stats().commits - commits; }

  WorkerPool workers{1};
  std::unique_ptr<kv::MemoryStore> kv = std::make_unique<kv::MemoryStore>();
  std::unique_ptr<blob::Blobs> blobs;
  std::unique_ptr<store::MailStore> store;
  std::unique_ptr<queue::Queue> queue;
  std::uint64_t commits = 0;
};
using Strings = std::vector<std::string>;

TEST_F(TransactionTest, HereAndElsewhereInOneCommit) {
  auto receipt = send({path("bob@example.test", {1}), far("carol@far.test"), path("list@example.test", {2}, {"dave@far.test"})});
  ASSERT_TRUE(receipt);
  EXPECT_EQ(new_commits(), 1u);
  for (const auto& r : receipt->recipients) EXPECT_TRUE(r);
  EXPECT_EQ(stored(1), 1u);
  EXPECT_EQ(stored(2), 1u);
  EXPECT_EQ(queued(), (Strings{"carol@far.test", "dave@far.test"}));
  // Durable, and straight to who sends it.
  crash();
  EXPECT_EQ(stored(1), 1u);
  auto work = run_task(queue->next());
  ASSERT_TRUE(work);
  EXPECT_EQ(std::to_string(work->blob().value()), receipt->id);
  EXPECT_EQ(work->entry().reverse_path, "ann@example.test");
  EXPECT_EQ(work->entry().origin.ip, "192.0.2.1");
  EXPECT_EQ(work->entry().received, 1u);
  EXPECT_TRUE(work->entry().shared);
  EXPECT_EQ(work->recipients()[1].forwarded_for, "list@example.test");
  // Only mailboxes here get Return-Path. [RFC5321 4.4]
  EXPECT_TRUE(sent(*work).starts_with("Received: from client.test"));
  EXPECT_TRUE(sent(*work).ends_with(kContent));
}

TEST_F(TransactionTest, ForOthersOnly) {
  ASSERT_TRUE(send({far("carol@far.test")}));
  EXPECT_EQ(new_commits(), 1u);
  auto work = run_task(queue->next());
  ASSERT_TRUE(work);
  EXPECT_FALSE(work->entry().shared);
  EXPECT_EQ(work->entry().prefix, 0u);
  EXPECT_TRUE(sent(*work).starts_with("Received: from client.test"));
  EXPECT_TRUE(run_task(queue->settle(*std::move(work), {.outcomes = {{.recipient = 0, .state = queue::State::delivered}}})));
  EXPECT_EQ(run_task(blobs->check({})).value().blobs, 0u);
}

TEST_F(TransactionTest, LongMessagesAreQueuedAsTheyAre) {
  std::string content = kContent;
  while (content.size() < 700'000) content += "0123456789012345678901234567890123456789\r\n";
  ASSERT_TRUE(send({.reverse_path = "ann@example.test", .forward_paths = {far("carol@far.test")}}, {}, content));
  auto work = run_task(queue->next());
  ASSERT_TRUE(work);
  EXPECT_GT(work->entry().size, 700'000u);
  EXPECT_TRUE(run_task(queue->settle(*std::move(work), {.outcomes = {{.recipient = 0, .state = queue::State::delivered}}})));
  EXPECT_EQ(run_task(blobs->check({})).value().blobs, 0u);
}

// One answer: nobody gets it.  An answer each: those who can.
TEST_F(TransactionTest, WhoSharesAnAnswerSharesTheFate) {
  set_quota(1, 10);
  auto receipt = send({path("bob@example.test", {1}), far("carol@far.test")});
  ASSERT_TRUE(receipt);
  for (const auto& r : receipt->recipients) EXPECT_EQ(r.error().code, Errc::over_quota);
  EXPECT_EQ(queued(), Strings{});
  EXPECT_EQ(new_commits(), 0u);
  receipt = send({path("bob@example.test", {1}, {"b@far.test"}), path("eve@example.test", {2}, {"e@far.test"}), far("carol@far.test")},
                 Answers::one_for_each);
  ASSERT_TRUE(receipt);
  EXPECT_FALSE(receipt->recipients[0]);
  EXPECT_TRUE(receipt->recipients[1]);
  EXPECT_TRUE(receipt->recipients[2]);
  EXPECT_EQ(stored(2), 1u);
  EXPECT_EQ(queued(), (Strings{"e@far.test", "carol@far.test"}));
  EXPECT_EQ(new_commits(), 1u);
}

// [RFC4865]
TEST_F(TransactionTest, HeldBackForAll) {
  smtp::Envelope envelope{.reverse_path = "ann@example.test", .forward_paths = {path("bob@example.test", {1}), far("carol@far.test")}};
  envelope.options.hold_until = now() + 1h;
  ASSERT_TRUE(send(envelope, {}));
  EXPECT_EQ(stored(1), 0u);
  EXPECT_EQ(queued(), (Strings{"bob@example.test", "carol@far.test"}));
  // The time has passed already: it is an ordinary message.
  envelope.options.hold_until = now() - 1h;
  ASSERT_TRUE(send(envelope, {}));
  EXPECT_EQ(stored(1), 1u);
}

// [RFC3461 5.2.3] The report of success is on its way with the message itself.
TEST_F(TransactionTest, ReportsOfWhoIsHere) {
  auto bob = path("bob@example.test", {1});
  bob.options.notify = smtp::Notify{.success = true};
  ASSERT_TRUE(send({bob}));
  EXPECT_EQ(new_commits(), 1u);
  auto work = run_task(queue->next());
  ASSERT_TRUE(work);
  EXPECT_TRUE(work->only_reports());
  EXPECT_EQ(work->recipients()[0].state, queue::State::delivered);
  EXPECT_EQ(stored(1), 1u);
}

TEST_F(TransactionTest, WithoutAQueueOnlyWhoIsHere) {
  smtp::Envelope envelope{.reverse_path = "ann@example.test", .forward_paths = {far("carol@far.test")}};
  Transaction t(*store, envelope, {}, {.hostname = "mx.example.test", .max_size = 1000});
  EXPECT_EQ(t.failure(), Errc::unsupported);
  run_task(t.write(kContent));
  EXPECT_EQ(run_task(t.commit()).error().code, Errc::unsupported);
}

// The commit fails, before it is written and behind.
TEST_F(TransactionTest, ACommitThatFails) {
  for (bool written : {false, true}) {
    const auto fault = [](const kv::Batch&) -> Result<void> { return fail(Errc::io, "injected"); };
    kv->set_faults(written ? kv::MemoryFaults{.after_commit = fault} : kv::MemoryFaults{.before_commit = fault});
    EXPECT_EQ(send({path("bob@example.test", {1}), far("carol@far.test")}).error().code, Errc::io);
    kv->set_faults({});
    EXPECT_EQ(queued().size(), written ? 1u : 0u);
  }
  // What was written although nobody knew is sent.
  auto work = run_task(queue->next());
  EXPECT_TRUE(work);
}

// --- what the sender keeps

class Kept : public TransactionTest {
 protected:
  store::AccountPtr account(std::uint64_t id) { return run_task(store->account(AccountId(id))).value(); }
  std::uint32_t kept(std::uint64_t id) { return account(id)->find_mailbox("Sent")->messages; }
  Result<Receipt> send_and_keep(std::vector<smtp::ForwardPath> paths, std::uint64_t keeper, MailboxId mailbox) {
    Options options{.hostname = "mx.example.test", .max_size = 1 << 20, .fix_ups = FixUps::submission, .queue = queue.get()};
    Transaction t(*store, {.reverse_path = "ann@example.test", .forward_paths = std::move(paths)}, {.helo = "client.test"}, options);
    const std::string content = "Subject: hello\r\nBcc: carl@example.test\r\n\r\nbody\r\n";
    run_task(t.write(content));
    store::Beside beside{.message{.incoming = store->begin_incoming(), .flags = store::kSeen, .keywords = {"kept"}},
                         .account = account(keeper),
                         .mailbox = mailbox};
    EXPECT_TRUE(run_task(beside.message.incoming.write(content)));
    commits = kv->stats().commits;
    auto receipt = run_task(t.commit(&beside));
    if (receipt && receipt->recipients[0]) EXPECT_TRUE(beside.stored);
    return receipt;
  }
  MailboxId sent_box(std::uint64_t id) { return account(id)->find_mailbox("Sent")->id; }
};

TEST_F(Kept, WithTheOthersInOneCommit) {
  // A recipient here and the keeper are the same account, another one, or nobody here is a recipient.
  std::uint32_t expected = 0;
  for (const auto& paths : {std::vector{path("a@example.test", {1})}, std::vector{path("b@example.test", {2}), far("x@far.test")},
                            std::vector{far("x@far.test")}, std::vector{path("a@example.test", {1, 2})}}) {
    const auto receipt = send_and_keep(paths, 1, sent_box(1));
    ASSERT_TRUE(receipt);
    EXPECT_TRUE(receipt->recipients[0]);
    EXPECT_EQ(kv->stats().commits, commits + 1);
    EXPECT_EQ(kept(1), ++expected);
  }
  EXPECT_EQ(stored(1), 2u);
  EXPECT_EQ(stored(2), 2u);
  const auto view = run_task(account(1)->view(sent_box(1))).value();
  const auto bytes = run_task(account(1)->read(view->at(0).message, 0, 1000)).value();
  EXPECT_NE(bytes.find("Bcc: carl"), bytes.npos);
  EXPECT_EQ(view->at(0).flags, store::kSeen);
  const auto inbox = account(1)->find_mailbox("INBOX")->id;
  const auto received = run_task(account(1)->view(inbox)).value();
  EXPECT_EQ(run_task(account(1)->read(received->at(0).message, 0, 1000)).value().find("Bcc"), std::string::npos);
}

TEST_F(Kept, OrNothingIsSent) {
  EXPECT_EQ(send_and_keep({path("b@example.test", {2}), far("x@far.test")}, 1, MailboxId(999)).error().code, Errc::not_found);
  ASSERT_TRUE(run_task(account(1)->set_quota({.bytes = 10})));
  EXPECT_EQ(send_and_keep({path("b@example.test", {2}), far("x@far.test")}, 1, sent_box(1)).error().code, Errc::over_quota);
  EXPECT_EQ(send_and_keep({far("x@far.test")}, 1, sent_box(1)).error().code, Errc::over_quota);
  EXPECT_EQ(stored(2), 0u);
  EXPECT_EQ(kept(1), 0u);
  EXPECT_EQ(queued(), Strings{});
}

TEST_F(Kept, AndNothingIsKeptOfWhatIsNotSent) {
  ASSERT_TRUE(run_task(account(2)->set_quota({.bytes = 10})));
  const auto receipt = send_and_keep({path("b@example.test", {2}), far("x@far.test")}, 1, sent_box(1));
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->recipients[0].error().code, Errc::over_quota);
  EXPECT_EQ(receipt->recipients[1].error().code, Errc::over_quota);
  EXPECT_EQ(kept(1), 0u);
}

TEST_F(Kept, ThroughACrashBothOrNeither) {
  ASSERT_TRUE(send_and_keep({far("x@far.test")}, 1, sent_box(1)));
  crash();
  EXPECT_EQ(kept(1), 1u);
}

}  // namespace
}  // namespace posthorn::intake
