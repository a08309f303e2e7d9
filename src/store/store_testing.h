// A mail store over the memory backend, for tests; the store is checked at the end of each.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "async/reactor.h"
#include "kv/memory/memory_store.h"
#include "store/mail_store.h"

namespace posthorn::store {

inline const std::string kMessage = "From: a@example.test\r\nSubject: hello\r\n\r\nbody\r\n";

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() { open(std::make_unique<kv::MemoryStore>()); }
  ~StoreTest() override {
    expect_clean();
    mail.reset();
  }

  void open(std::unique_ptr<kv::MemoryStore> store) {
    mail.reset();
    blobs.reset();
    kv = std::move(store);
    blobs = std::make_unique<blob::Blobs>(*kv);
    EXPECT_TRUE(run_task(blobs->open()));
    mail = std::make_unique<MailStore>(*kv, *blobs, workers, options);
    EXPECT_TRUE(run_task(mail->open()));
  }
  // As after kill -9.
  void crash() {
    account = nullptr;
    mail->close();
    open(kv->after_crash());
    account = run_task(mail->account(AccountId(1))).value();
  }
  void make_account(std::uint64_t id = 1) {
    ASSERT_TRUE(run_task(mail->create_account(AccountId(id))));
    if (id == 1) account = run_task(mail->account(AccountId(1))).value();
  }
  MailboxId mailbox(std::string_view name) { return account->find_mailbox(name)->id; }
  Result<std::vector<Result<Appended>>> append_to(std::vector<Target> targets, std::string bytes = kMessage) {
    auto incoming = mail->begin_incoming();
    EXPECT_TRUE(run_task(incoming.write(bytes)));
    return run_task(mail->append(std::move(incoming), std::move(targets)));
  }
  Uid append(std::string_view name = "INBOX", std::uint8_t flags = 0, std::vector<std::string> keywords = {}) {
    auto done = append_to({{account, mailbox(name), flags, std::move(keywords), {}}});
    EXPECT_TRUE(done && done->front());
    return done->front()->uid;
  }
  ViewPtr view(std::string_view name = "INBOX") { return run_task(account->view(mailbox(name))).value(); }
  std::string uids(std::string_view name = "INBOX") {
    std::string out;
    view(name)->for_each([&](std::uint32_t, const Entry& e) { out += std::to_string(e.uid.value()) + " "; });
    return out;
  }
  std::string read(MessageId id) { return run_task(account->read(id, 0, 1 << 20)).value(); }
  void expect_clean() {
    mail->close();  // background work is done
    auto report = run_task(check_store(*kv, *blobs));
    ASSERT_TRUE(report) << report.error().text;
    for (const auto& p : report->problems) ADD_FAILURE() << "account " << p.account.value() << ": " << p.text;
  }

  MailStore::Options options;  // of the next open()
  WorkerPool workers{1};
  std::unique_ptr<kv::MemoryStore> kv;
  std::unique_ptr<blob::Blobs> blobs;
  std::unique_ptr<MailStore> mail;
  AccountPtr account;
};

}  // namespace posthorn::store
