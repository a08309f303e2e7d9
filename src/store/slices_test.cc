// COPY and MOVE of more messages than one commit holds: all or none of a copy, each message of a move in one place.
#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "store/change.h"
#include "store/store_testing.h"

namespace posthorn::store {
namespace {

constexpr std::uint32_t kSlice = 4, kMany = 30;
constexpr std::size_t kCommitsOfCopy = (kMany + kSlice - 1) / kSlice + 1;

// What one sees of a mailbox.
struct Seen {
  std::vector<std::tuple<std::uint32_t, std::uint64_t, int, std::vector<std::string>>> entries;  // UID, message, flags, keywords
  std::uint32_t uid_next = 0, messages = 0, unseen = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const Seen&, const Seen&) = default;
};

class SlicesTest : public StoreTest {
 protected:
  SlicesTest() {
    options.slice = kSlice;
    open(std::move(kv));
    make_account();
    for (std::uint32_t i = 0; i < kMany; ++i) append("INBOX", static_cast<std::uint8_t>(i % 8), {"k" + std::to_string(i % 5)});
    for (int i = 0; i < 3; ++i) append("Archive", kFlagged, {"mine"});
  }
  ~SlicesTest() override { kv->set_faults({}); }

  Seen see(std::string_view name) {
    const auto state = account->find_mailbox(name);
    Seen out{.uid_next = state->uid_next.value(), .messages = state->messages, .unseen = state->unseen, .bytes = state->bytes};
    view(name)->for_each([&](std::uint32_t, const Entry& e) {
      std::vector<std::string> keywords;
      for (std::size_t i = 0; i < state->keywords.size(); ++i)
        if (e.keywords >> i & 1) keywords.push_back(state->keywords[i]);
      out.entries.emplace_back(e.uid.value(), e.message.value(), e.flags, std::move(keywords));
    });
    return out;
  }
  // The same messages behind those that are there.
  static Seen with_copies(Seen target, const Seen& source) {
    for (auto [uid, message, flags, keywords] : source.entries) target.entries.emplace_back(target.uid_next++, message, flags, keywords);
    target.messages += source.messages;
    target.unseen += source.unseen;
    target.bytes += source.bytes;
    return target;
  }
  Result<CopyResult> copy(std::string_view from = "INBOX", std::string_view to = "Archive") {
    return run_task(account->copy(mailbox(from), {{Uid(1), Uid(kMany)}}, mailbox(to)));
  }
  Result<CopyResult> move(std::string_view from = "INBOX", std::string_view to = "Archive") {
    return run_task(account->move(mailbox(from), {{Uid(1), Uid(0xFFFFFFFF)}}, mailbox(to)));
  }
  enum class When { before, after };
  // `count` commits fail from the one with this number on.
  void fail_at(std::size_t number, std::size_t count, When when, Errc code = Errc::io) {
    auto seen = std::make_shared<std::atomic<std::size_t>>(0);
    auto fault = [=](const kv::Batch&) -> Result<void> {
      const auto n = (*seen)++;
      if (n < number || n >= number + count) return {};
      return fail(code, "injected");
    };
    kv::MemoryFaults faults;
    (when == When::before ? faults.before_commit : faults.after_commit) = fault;
    kv->set_faults(faults);
  }
  void expect_sound() {
    const auto report = run_task(check_store(*kv, *blobs));
    ASSERT_TRUE(report);
    for (const auto& p : report->problems) ADD_FAILURE() << p.text;
  }
  void restart() {
    account = nullptr;
    open(std::move(kv));
    account = run_task(mail->account(AccountId(1))).value();
  }
};

TEST_F(SlicesTest, ACopyIsWhole) {
  const auto source = see("INBOX"), before = see("Archive");
  std::size_t commits = 0, largest = 0;
  kv->set_faults({.before_commit = [&](const kv::Batch& batch) -> Result<void> {
    ++commits;
    largest = std::max(largest, batch.ops().size());
    // Nobody waits, and nobody sees some of it.
    std::thread([&] { EXPECT_EQ(see("Archive"), before); }).join();
    return {};
  }});
  const auto done = copy();
  kv->set_faults({});
  ASSERT_TRUE(done);
  EXPECT_EQ(commits, kCommitsOfCopy);
  EXPECT_LE(largest, 2 * kSlice + 2);
  ASSERT_EQ(done->from.size(), kMany);
  ASSERT_EQ(done->to.size(), kMany);
  for (std::uint32_t i = 0; i < kMany; ++i) EXPECT_EQ(done->to[i].value(), before.uid_next + i);
  const auto after = with_copies(before, source);
  EXPECT_EQ(see("Archive"), after);
  EXPECT_EQ(see("INBOX"), source);
  expect_sound();
  crash();
  EXPECT_EQ(see("Archive"), after);
  // Into itself, and what has come so can go again.
  ASSERT_TRUE(copy("Archive", "Archive"));
  EXPECT_EQ(account->find_mailbox("Archive")->messages, 3 + kMany + 30);
  append("Archive");
  ASSERT_TRUE(run_task(account->change_flags(mailbox("Archive"), {{Uid(5), Uid(40)}}, {FlagsOp::add, kDeleted, {}})));
  ASSERT_TRUE(run_task(account->expunge(mailbox("Archive"))));
  expect_sound();
  ASSERT_TRUE(run_task(account->remove(mailbox("INBOX"), {{Uid(1), Uid(kMany)}})));
  restart();
  expect_sound();
}

TEST_F(SlicesTest, ACopyThatFailsLeavesNothing) {
  enum class Then { go_on, restart, crash };
  const auto source = see("INBOX");
  for (const auto when : {When::before, When::after}) {
    for (const auto then : {Then::go_on, Then::restart, Then::crash}) {
      for (const std::size_t failures : {1u, 2u, 1000u}) {  // taking it back may fail, too
        for (std::size_t at = 0; at < kCommitsOfCopy; ++at) {
          SCOPED_TRACE(testing::Message() << int(when) << int(then) << " " << failures << " at " << at);
          const auto before = see("Archive");
          fail_at(at, failures, when, when == When::before && at % 2 ? Errc::no_space : Errc::io);
          EXPECT_FALSE(copy());
          kv->set_faults({});
          expect_sound();
          if (then == Then::restart) restart();
          if (then == Then::crash) crash();
          expect_sound();
          // The next change finds nothing of it.
          const auto uid = append("Archive");
          const auto now = see("Archive");
          EXPECT_EQ(now.entries.size(), now.messages);
          // Only of the last commit one cannot know.
          const bool may_be_done = when == When::after && at + 1 == kCommitsOfCopy;
          if (may_be_done && now.messages > before.messages + 1) {
            EXPECT_EQ(now.messages, with_copies(before, source).messages + 1);
          } else {
            EXPECT_EQ(now.messages, before.messages + 1);
            EXPECT_EQ(uid.value(), before.uid_next);
            EXPECT_TRUE(std::equal(before.entries.begin(), before.entries.end(), now.entries.begin()));
          }
          if (uid.value() > before.uid_next)
            ASSERT_TRUE(run_task(account->remove(mailbox("Archive"), {{Uid(before.uid_next), Uid(uid.value() - 1)}})));
          EXPECT_EQ(see("INBOX"), source);
          expect_sound();
          ASSERT_FALSE(testing::Test::HasFailure());
        }
      }
    }
  }
}

TEST_F(SlicesTest, ACopyThatDoesNotFitIsNotBegun) {
  const auto before = see("Archive");
  ASSERT_TRUE(run_task(account->set_quota({.messages = 3 + kMany + 5})));
  EXPECT_EQ(copy().error().code, Errc::over_quota);
  EXPECT_EQ(see("Archive"), before);
}

// Too many keywords for the target: known after some slices only.
TEST_F(SlicesTest, ACopyThatIsRefusedHalfWayLeavesNothing) {
  for (std::size_t i = 0; i < kMaxKeywords - 4; ++i) append("Archive", 0, {"other" + std::to_string(i)});
  const auto before = see("Archive");
  EXPECT_EQ(copy().error().code, Errc::limit);
  EXPECT_EQ(see("Archive"), before);
  expect_sound();
}

TEST_F(SlicesTest, AMoveThatStopsHasMovedTheFirstOnes) {
  for (const auto when : {When::before, When::after}) {
    for (std::size_t at = 0; at < kMany / kSlice; at += 3) {
      SCOPED_TRACE(testing::Message() << int(when) << " at " << at);
      const auto all = see("INBOX");
      const auto before = see("Archive");
      ASSERT_EQ(all.messages, kMany);
      std::size_t largest = 0;
      fail_at(at, 1, when);
      auto done = move();
      kv->set_faults({.before_commit = [&](const kv::Batch& batch) -> Result<void> {
        largest = std::max(largest, batch.ops().size());
        return {};
      }});
      ASSERT_EQ(done.has_value(), at > 0);
      if (done) {
        ASSERT_TRUE(done->stopped);
        EXPECT_EQ(done->stopped->code, Errc::io);
        EXPECT_EQ(done->from.size(), at * kSlice);
      }
      ASSERT_TRUE(run_task(Change::begin(account)));  // reads anew what is in doubt
      // Each is in one of them, once.
      std::map<std::uint64_t, int> places;
      for (const auto name : {"INBOX", "Archive"})
        for (const auto& entry : see(name).entries) ++places[std::get<1>(entry)];
      EXPECT_EQ(places.size(), kMany + before.messages);
      for (const auto& [message, count] : places) EXPECT_EQ(count, 1) << message;
      if (done) {
        const auto now = see("Archive");
        for (std::size_t i = 0; i < done->to.size(); ++i) {
          EXPECT_EQ(std::get<1>(all.entries[i]), std::get<1>(now.entries[before.entries.size() + i]));
          EXPECT_EQ(done->from[i].value(), std::get<0>(all.entries[i]));
          EXPECT_EQ(done->to[i].value(), std::get<0>(now.entries[before.entries.size() + i]));
        }
      }
      expect_sound();
      const auto rest = move();
      ASSERT_TRUE(rest && !rest->stopped);
      EXPECT_EQ(see("INBOX").messages, 0u);
      EXPECT_LE(largest, 6 * kSlice);
      const UidSet back{{Uid(before.uid_next), Uid(0xFFFFFFFF)}};
      ASSERT_TRUE(run_task(account->move(mailbox("Archive"), back, mailbox("INBOX"))));
    }
  }
}

TEST_F(SlicesTest, AMoveIntoTheSameMailboxEnds) {
  const auto before = see("INBOX");
  const auto done = move("INBOX", "INBOX");
  ASSERT_TRUE(done && !done->stopped);
  EXPECT_EQ(done->from.size(), kMany);
  auto expected = before;
  for (auto& entry : expected.entries) std::get<0>(entry) = expected.uid_next++;
  EXPECT_EQ(see("INBOX"), expected);
}

TEST_F(SlicesTest, InboxIsRenamed) {
  const auto before = see("INBOX");
  ASSERT_TRUE(run_task(account->rename_mailbox("INBOX", "old")));
  EXPECT_EQ(see("INBOX").messages, 0u);
  EXPECT_EQ(see("old").messages, before.messages);
  EXPECT_EQ(see("old").bytes, before.bytes);
}

}  // namespace
}  // namespace posthorn::store
