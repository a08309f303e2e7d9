// Commits that fail, with and without having been written, under random changes: what was acknowledged stays, what failed has
// happened wholly or not at all, and the store is sound.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "async/reactor.h"
#include "async/task_group.h"
#include "kv/memory/memory_store.h"
#include "store/change.h"
#include "store/mail_store.h"

namespace posthorn::store {
namespace {

const std::string kMessage = "From: a@example.test\r\nSubject: hello\r\n\r\nbody\r\n";

// What a mailbox should hold, and what it does hold.
struct Box {
  std::uint32_t next = 1;
  std::map<std::uint32_t, std::uint8_t> flags;  // by UID
  Acl acl;
  friend bool operator==(const Box&, const Box&) = default;
};
struct Owner {
  std::map<std::string, Box> boxes;
  Limit limit;  // messages
  std::uint64_t messages() const {
    std::uint64_t n = 0;
    for (const auto& [name, box] : boxes) n += box.flags.size();
    return n;
  }
  bool room_for(std::size_t more) const { return !limit || messages() + more <= *limit; }
  friend bool operator==(const Owner&, const Owner&) = default;
};
using Model = std::map<std::uint64_t, Owner>;

// A store whose commits can be made to fail.
class Faulty {
 public:
  explicit Faulty(MailStore::Options options = {}) : options_(options) { open(); }
  ~Faulty() { close(); }

  enum class When { before, after };
  // Every `each`th batch fails from now on; 0: none.
  void fail_each(unsigned each, When when) {
    auto fault = [this, each](const kv::Batch&) -> Result<void> {
      if (++count_ % each) return {};
      return fail(Errc::io, "injected");
    };
    kv::MemoryFaults faults;
    if (each) (when == When::before ? faults.before_commit : faults.after_commit) = fault;
    kv->set_faults(faults);
  }
  void restart() {
    close();
    open();
  }
  void crash() {
    close();
    kv = kv->after_crash();
    open();
  }
  void expect_clean() {
    auto report = run_task(check_store(*kv, *blobs));
    ASSERT_TRUE(report) << report.error().text;
    for (const auto& p : report->problems) ADD_FAILURE() << "account " << p.account.value() << ": " << p.text;
  }
  AccountPtr account(std::uint64_t id) { return run_task(mail->account(AccountId(id))).value(); }

  Model found() {
    Model out;
    for (std::uint64_t id : {1u, 2u}) {
      auto of = account(id);
      // Any change reads anew what is in doubt.
      EXPECT_TRUE(run_task(Change::begin(of)));
      for (const auto& state : of->mailboxes()) {
        Box& box = out[id].boxes[state->name];
        box.next = state->uid_next.value();
        box.acl = state->acl;
        auto view = run_task(of->view(state->id));
        EXPECT_TRUE(view);
        (*view)->for_each([&](std::uint32_t, const Entry& e) { box.flags[e.uid.value()] = e.flags; });
      }
      out[id].limit = of->quota().messages_limit;
      EXPECT_EQ(of->quota().messages_used, out[id].messages());
    }
    return out;
  }

  WorkerPool workers{1};
  std::unique_ptr<kv::MemoryStore> kv = std::make_unique<kv::MemoryStore>();
  std::unique_ptr<blob::Blobs> blobs;
  std::unique_ptr<MailStore> mail;

 private:
  void open() {
    blobs = std::make_unique<blob::Blobs>(*kv);
    EXPECT_TRUE(run_task(blobs->open()));
    mail = std::make_unique<MailStore>(*kv, *blobs, workers, options_);
    EXPECT_TRUE(run_task(mail->open()));
  }
  void close() {
    mail.reset();
    blobs.reset();
  }
  MailStore::Options options_;
  std::atomic<unsigned> count_{0};
};

template <class T>
Result<void> outcome(const Result<T>& r) {
  if (!r) return std::unexpected(r.error());
  return {};
}

// One random change: made in the store, and in `model` as if it succeeded.  `fits`: whether the quota allows it.
class RandomChange {
 public:
  RandomChange(Faulty& f, std::mt19937& random, Model& model, bool& fits) : f_(f), random_(random), model_(model), fits_(fits) {}

  Result<void> run() {
    id_ = 1 + random_() % 2;
    account_ = f_.account(id_);
    Owner& owner = model_[id_];
    name_ = any_box(owner);
    other_ = any_box(owner);
    from_ = random_() % (owner.boxes[name_].next + 1) + 1;
    to_ = from_ + random_() % 200;
    flags_ = static_cast<std::uint8_t>(random_() % 32);
    switch (random_() % 18) {
      case 0:
      case 1:
      case 2: return append(owner, random_() % 8 == 0);
      case 3: return append_to_both();
      case 4: return change_flags(owner);
      case 5: return copy(owner);
      case 6: return move(owner);
      case 7: return remove(owner);
      case 8: return expunge(owner);
      case 9: return create_or_delete(owner);
      case 10: return rename(owner);
      case 11: return fold();
      case 12: return outcome(run_task(account_->claim_recent(id_of(name_))));
      case 13: return append_all(owner, random_() % 8 == 0);
      case 14: return replace(owner);
      case 15: return share(owner);
      case 16: return to_the_other(owner);
      default: return set_quota(owner);
    }
  }

 private:
  std::string any_box(const Owner& owner) {
    return std::next(owner.boxes.begin(), static_cast<std::ptrdiff_t>(random_() % owner.boxes.size()))->first;
  }
  MailboxId id_of(const std::string& name) { return account_->find_mailbox(name)->id; }
  UidSet set() const { return {{Uid(from_), Uid(to_)}}; }
  std::vector<std::uint8_t> chosen(const Owner& owner) const {
    std::vector<std::uint8_t> out;
    for (const auto& [uid, flags] : owner.boxes.at(name_).flags)
      if (uid >= from_ && uid <= to_) out.push_back(flags);
    return out;
  }
  void take_chosen(Owner& owner) const {
    std::erase_if(owner.boxes[name_].flags, [&](const auto& m) { return m.first >= from_ && m.first <= to_; });
  }
  static void add(Box& box, std::uint8_t flags) { box.flags[box.next++] = flags; }

  Result<void> store(std::vector<Target> targets, const std::string& bytes) {
    auto incoming = f_.mail->begin_incoming();
    TRY_OK(run_task(incoming.write(bytes)));
    TRY(auto results, run_task(f_.mail->append(std::move(incoming), std::move(targets))));
    for (const auto& r : results)
      if (!r) return std::unexpected(r.error());
    return {};
  }
  Result<void> append(Owner& owner, bool large) {
    fits_ = owner.room_for(1);
    add(owner.boxes[name_], flags_);
    return store({{account_, id_of(name_), flags_, {}, {}}}, large ? kMessage + std::string(600'000, 'x') : kMessage);
  }
  Result<void> append_to_both() {
    std::vector<Target> targets;
    for (auto& [id, owner] : model_) {
      fits_ &= owner.room_for(1);
      add(owner.boxes["INBOX"], flags_);
      auto account = f_.account(id);
      targets.push_back({account, account->find_mailbox("INBOX")->id, flags_, {}, {}});
    }
    if (!fits_) return fail(Errc::over_quota);  // would reach the other one: not for this test
    return store(std::move(targets), kMessage);
  }
  std::vector<NewMessage> new_messages(std::size_t count, const std::string& bytes) {
    std::vector<NewMessage> out;
    for (std::size_t i = 0; i < count; ++i) {
      auto incoming = f_.mail->begin_incoming();
      if (!run_task(incoming.write(bytes))) return {};  // refused before the commit
      out.push_back({std::move(incoming), flags_, {}, {}});
    }
    return out;
  }
  Result<void> append_all(Owner& owner, bool large) {
    auto messages = new_messages(1 + random_() % 3, large ? kMessage + std::string(300'000, 'x') : kMessage);
    if (messages.empty()) return fail(Errc::io, "injected");
    fits_ = owner.room_for(messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i) add(owner.boxes[name_], flags_);
    return outcome(run_task(f_.mail->append_all(account_, id_of(name_), std::move(messages))));
  }
  Result<void> replace(Owner& owner) {
    Box& old = owner.boxes[other_];
    if (old.flags.empty()) return {};
    const Uid uid(old.flags.begin()->first);
    old.flags.erase(uid.value());
    add(owner.boxes[name_], flags_);
    return outcome(run_task(f_.mail->append_all(account_, id_of(name_), new_messages(1, kMessage), Replaced{id_of(other_), uid})));
  }
  Result<void> share(Owner& owner) {
    Acl acl;
    if (random_() % 3) acl.push_back({AccountId(random_() % 3), false, kRead});
    if (random_() % 3 == 0) acl.push_back({AccountId(3 - id_), random_() % 2 == 0, kLookup | kRead});
    owner.boxes[name_].acl = acl;
    return run_task(account_->set_acl(id_of(name_), acl));
  }
  Result<void> to_the_other(Owner& owner) {
    const auto chosen_flags = chosen(owner);
    Owner& second = model_[3 - id_];
    fits_ = chosen_flags.empty() || second.room_for(chosen_flags.size());
    for (auto flags : chosen_flags) add(second.boxes["INBOX"], flags);
    auto to = f_.account(3 - id_);
    const MailboxId target = to->find_mailbox("INBOX")->id;
    if (random_() % 2) return outcome(run_task(f_.mail->copy(account_, id_of(name_), set(), to, target)));
    take_chosen(owner);
    return outcome(run_task(f_.mail->move(account_, id_of(name_), set(), to, target)));
  }
  Result<void> change_flags(Owner& owner) {
    for (auto& [uid, flags] : owner.boxes[name_].flags)
      if (uid >= from_ && uid <= to_) flags = flags_;
    return outcome(run_task(account_->change_flags(id_of(name_), set(), {FlagsOp::replace, flags_, {}})));
  }
  Result<void> copy(Owner& owner) {
    const auto copied = chosen(owner);
    fits_ = copied.empty() || owner.room_for(copied.size());
    for (auto flags : copied) add(owner.boxes[other_], flags);
    return outcome(run_task(account_->copy(id_of(name_), set(), id_of(other_))));
  }
  Result<void> move(Owner& owner) {
    const auto moved = chosen(owner);
    take_chosen(owner);
    for (auto flags : moved) add(owner.boxes[other_], flags);
    return outcome(run_task(account_->move(id_of(name_), set(), id_of(other_))));
  }
  Result<void> remove(Owner& owner) {
    take_chosen(owner);
    return outcome(run_task(account_->remove(id_of(name_), set())));
  }
  Result<void> expunge(Owner& owner) {
    std::erase_if(owner.boxes[name_].flags, [](const auto& m) { return m.second & kDeleted; });
    return outcome(run_task(account_->expunge(id_of(name_))));
  }
  Result<void> create_or_delete(Owner& owner) {
    if (!owner.boxes.contains("made")) {
      owner.boxes["made"];
      return outcome(run_task(account_->create_mailbox("made")));
    }
    const MailboxId id = id_of("made");
    owner.boxes.erase("made");
    auto done = run_task(account_->delete_mailbox("made"));
    if (done) {
      EXPECT_FALSE(run_task(account_->view(id)));
    }
    return done;
  }
  Result<void> rename(Owner& owner) {
    if (name_ == "INBOX") return {};
    const std::string to = "r" + std::to_string(random_());
    auto box = owner.boxes.extract(name_);
    box.key() = to;
    owner.boxes.insert(std::move(box));  // with its access control list
    return run_task(account_->rename_mailbox(name_, to));
  }
  Result<void> fold() {
    auto change = run_task(Change::begin(account_)).value();
    auto view = run_task(change.view(id_of(name_))).value();
    fold_overlay(change, id_of(name_), *view);
    return run_task(change.commit());
  }
  Result<void> set_quota(Owner& owner) {
    if (random_() % 3) owner.limit.reset();
    else owner.limit = random_() % 8 ? owner.messages() + random_() % 30 : 0;
    return run_task(account_->set_quota({.messages = owner.limit}));
  }

  Faulty& f_;
  std::mt19937& random_;
  Model& model_;
  bool& fits_;
  std::uint64_t id_ = 0;
  AccountPtr account_;
  std::string name_, other_;
  std::uint32_t from_ = 0, to_ = 0;
  std::uint8_t flags_ = 0;
};

struct Faults {
  unsigned each;
  Faulty::When when;
};

class FaultTest : public ::testing::TestWithParam<Faults> {};

TEST_P(FaultTest, RandomChangesHappenWhollyOrNotAtAll) {
  Faulty f;
  for (std::uint64_t id : {1u, 2u}) ASSERT_TRUE(run_task(f.mail->create_account(AccountId(id))));
  std::mt19937 random(GetParam().each);
  Model model = f.found();
  unsigned failed = 0;
  for (int step = 0; step < 500; ++step) {
    f.fail_each(GetParam().each, GetParam().when);
    Model changed = model;
    bool fits = true;
    auto done = RandomChange(f, random, changed, fits).run();
    f.fail_each(0, {});
    if (done) {
      ASSERT_TRUE(fits) << step;
      model = changed;
    } else if (done.error().code == Errc::over_quota) {
      ASSERT_FALSE(fits) << step;
    } else {
      ASSERT_EQ(done.error().code, Errc::io) << step << ": " << done.error().text;
      ++failed;
      if (random() % 3 == 0) f.crash();
      else if (random() % 2) f.restart();
      const Model now = f.found();
      ASSERT_TRUE(now == model || now == changed) << step;
      model = now;
    }
    if (step % 20 == 0) {
      ASSERT_TRUE(f.found() == model) << step;
      if (step % 40 == 0) f.crash();
      else f.restart();
      ASSERT_TRUE(f.found() == model) << step;
      f.expect_clean();
    }
    if (::testing::Test::HasFailure()) FAIL() << "step " << step;
  }
  EXPECT_GT(failed, 20u);
}

INSTANTIATE_TEST_SUITE_P(Every, FaultTest,
                         ::testing::Values(Faults{2, Faulty::When::before}, Faults{2, Faulty::When::after},
                                           Faults{3, Faulty::When::before}, Faults{3, Faulty::When::after},
                                           Faults{7, Faulty::When::before}, Faults{7, Faulty::When::after}),
                         [](const auto& i) {
                           return std::to_string(i.param.each) + (i.param.when == Faulty::When::before ? "Unwritten" : "Written");
                         });

Task<> deliver(MailStore& mail, AccountPtr account, MailboxId inbox) {
  auto incoming = mail.begin_incoming();
  auto written = co_await incoming.write(kMessage);
  EXPECT_TRUE(written);
  std::vector<Target> to;
  to.push_back({account, inbox, 0, {}, {}});
  auto done = co_await mail.append(std::move(incoming), std::move(to));
  EXPECT_TRUE(done);
}

// Delivers to both accounts, now and then a long message, and remembers what was acknowledged.
struct Acknowledged {
  std::mutex mutex;
  std::map<std::uint64_t, std::set<std::uint32_t>> uids;  // by account
  void add(std::uint64_t account, Uid uid) {
    std::lock_guard hold(mutex);
    EXPECT_TRUE(uids[account].insert(uid.value()).second) << "UID " << uid.value() << " was given twice";
  }
};

Task<> deliver_to_both(MailStore& mail, Acknowledged& acknowledged, int count) {
  for (int i = 0; i < count; ++i) {
    auto incoming = mail.begin_incoming();
    auto written = co_await incoming.write(i % 10 ? kMessage : kMessage + std::string(300'000, 'x'));
    std::vector<Target> targets;
    for (std::uint64_t id : {1u, 2u}) {
      auto account = co_await mail.account(AccountId(id));
      if (!account) continue;
      targets.push_back({*account, (*account)->find_mailbox("INBOX")->id, 0, {}, {}});
    }
    if (!written || targets.size() < 2) continue;
    auto done = co_await mail.append(std::move(incoming), std::move(targets));
    if (!done) continue;
    for (std::uint64_t id : {1u, 2u}) {
      auto& one = done->at(id - 1);
      if (one) acknowledged.add(id, one->uid);
    }
  }
}

// Reads, flags, copies, and removes its copies.
Task<> use_mailbox(MailStore& mail, std::uint64_t id, int count) {
  for (int i = 0; i < count; ++i) {
    auto account = co_await mail.account(AccountId(id));
    if (!account) continue;
    const MailboxId inbox = (*account)->find_mailbox("INBOX")->id, archive = (*account)->find_mailbox("Archive")->id;
    auto view = co_await (*account)->view(inbox);
    if (!view || (*view)->empty()) continue;
    const Uid last = (*view)->last_uid();
    const auto flags = static_cast<std::uint8_t>(i % 2 ? kSeen : 0);
    UidSet set{{Uid(last.value() > 100 ? last.value() - 100 : 1), last}};
    auto flagged = co_await (*account)->change_flags(inbox, set, {FlagsOp::replace, flags, {}});
    auto copied = co_await (*account)->copy(inbox, std::move(set), archive);
    UidSet all{{Uid(1), Uid(0xFFFFFFFF)}};
    if (i % 3 == 0) auto removed = co_await (*account)->remove(archive, std::move(all));
  }
}

TEST(Faults, ManyAtOnceWithSmallCaches) {
  Faulty f({.view_cache_bytes = 1, .max_accounts_cached = 1});
  for (std::uint64_t id : {1u, 2u}) ASSERT_TRUE(run_task(f.mail->create_account(AccountId(id))));
  Acknowledged acknowledged;
  for (auto when : {Faulty::When::before, Faulty::When::after}) {
    f.fail_each(13, when);
    ReactorPool reactors(2);
    reactors.start();
    TaskGroup group;
    for (std::size_t i = 0; i < 4; ++i) {
      group.spawn(reactors.at(i % 2), deliver_to_both(*f.mail, acknowledged, 150));
      group.spawn(reactors.at(i % 2), use_mailbox(*f.mail, 1 + i % 2, 60));
    }
    run_task(group.join());
    reactors.stop();
    f.fail_each(0, when);
    f.crash();
    f.expect_clean();
    Model now = f.found();
    for (const auto& [id, uids] : acknowledged.uids) {
      EXPECT_GT(uids.size(), 100u);
      for (auto uid : uids) EXPECT_TRUE(now[id].boxes["INBOX"].flags.contains(uid)) << "lost UID " << uid;
    }
  }
}

TEST(RemoveAccount, TakesWithItWhatIsDeliveredMeanwhile) {
  Faulty f;
  ASSERT_TRUE(run_task(f.mail->create_account(AccountId(1))));
  auto account = f.account(1);
  const MailboxId inbox = account->find_mailbox("INBOX")->id;
  run_task(deliver(*f.mail, account, inbox));
  ReactorPool other(1);
  other.start();
  TaskGroup deliveries;
  // While its mail is being removed a delivery comes to wait for the account.
  std::atomic<bool> came = false;
  f.kv->set_faults({.before_commit = [&](const kv::Batch&) -> Result<void> {
    if (!came.exchange(true)) {
      deliveries.spawn(other.at(0), deliver(*f.mail, account, inbox));
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return {};
  }});
  EXPECT_TRUE(run_task(f.mail->remove_account(AccountId(1))));
  f.kv->set_faults({});
  run_task(deliveries.join());
  account = nullptr;
  f.restart();
  f.expect_clean();
  EXPECT_EQ(run_task(f.blobs->check({})).value().blobs, 0u);
}

TEST(RemoveAccount, NothingIsPutIntoOneThatMayBeGone) {
  Faulty f;
  ASSERT_TRUE(run_task(f.mail->create_account(AccountId(1))));
  auto account = f.account(1);
  const MailboxId inbox = account->find_mailbox("INBOX")->id;
  f.kv->set_faults({.after_commit = [&](const kv::Batch& batch) -> Result<void> {
    for (const auto& op : batch.ops())
      if (op.kind == kv::Batch::Kind::erase_range && op.space == kv::Space::account) return fail(Errc::io, "injected");
    return {};
  }});
  EXPECT_EQ(run_task(f.mail->remove_account(AccountId(1))).error().code, Errc::io);
  f.kv->set_faults({});
  run_task(deliver(*f.mail, account, inbox));
  f.expect_clean();
  EXPECT_EQ(run_task(f.mail->remove_account(AccountId(1))).error().code, Errc::not_found);
}

}  // namespace
}  // namespace posthorn::store
