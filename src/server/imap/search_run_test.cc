// Whatever the way, by columns and words or message by message, a search finds the same.
#include "search/run.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "async/reactor.h"
#include "kv/key_codec.h"
#include "kv/memory/memory_store.h"
#include "message/parser.h"
#include "proto/imap/parser.h"
#include "search/indexer.h"
#include "search/read_messages.h"
#include "server/imap/search_program.h"
#include "store/mail_store.h"
#include "text/base64.h"

namespace posthorn::imap {
namespace {

using search::Candidate;
using search::SearchPlace;
using search::StillWorking;
using search::UseIndex;
using search::Verdict;

using Indexes = std::vector<std::uint32_t>;

Task<Result<void>> go_on() { co_return Result<void>{}; }

class SearchRun : public testing::Test {
 protected:
  SearchRun() {
    EXPECT_TRUE(run_task(blobs_.open()));
    EXPECT_TRUE(run_task(store_.open()));
    EXPECT_TRUE(run_task(store_.create_account(AccountId(1))));
    account_ = run_task(store_.account(AccountId(1))).value();
    inbox_ = account_->find_mailbox("INBOX")->id;
  }
  ~SearchRun() override { store_.close(); }

  std::uint32_t upto(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  std::string word() {
    constexpr const char* kWords[] = {"alpha", "Beta", "gam", "gamma", "stra\u00dfe", "K\u00d6LN", "x-y", "17", "re:", "delta"};
    return kWords[upto(10)];
  }
  std::string words(std::uint32_t count) {
    std::string out = word();
    while (--count > 0) out += " " + word();
    return out;
  }
  std::string message(std::uint32_t number) {
    std::string out;
    if (upto(9)) out += "From: \"" + word() + ", " + word() + "\" <" + word() + "@example.com> (" + word() + ")\r\n";
    if (upto(3)) out += "To: =?utf-8?b?" + text::base64_encode(words(2)) + "?= <to@example.com>\r\n";
    if (!upto(4)) out += "Cc: " + word() + "@example.com\r\n";
    if (upto(8)) out += "Subject: " + words(3) + "\r\n";
    if (upto(6)) out += "Date: " + std::to_string(1 + upto(5)) + " Feb 2020 0" + std::to_string(upto(10)) + ":00:00 +0900\r\n";
    out += "Message-ID: <" + std::to_string(number) + "@example.com>\r\n";
    if (number > 0 && upto(2)) out += "References: <" + std::to_string(upto(number)) + "@example.com>\r\n";
    if (!upto(3)) out += "X-Odd: " + words(2) + "\r\n";
    if (!upto(90)) out += "Subject: " + std::string(40'000, 'l') + word() + "\r\n";  // too long for a column
    if (!upto(3)) return out + "Content-Transfer-Encoding: base64\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text::base64_encode(words(9));
    if (!upto(120)) out += "\r\n" + std::string(300'000, 'z');  // more than a chunk
    return out + "\r\n" + words(9) + "\r\n";
  }
  void append(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto bytes = message(appended_++);
      auto incoming = store_.begin_incoming();
      ASSERT_TRUE(run_task(incoming.write(bytes)));
      bytes_[incoming.id()] = bytes;
      summaries_[incoming.id()] = message::encode(message::parse_message(bytes));
      const store::InternalDate date{1'580'515'200 + upto(400'000), static_cast<std::int16_t>(upto(3) * 300)};
      const auto flags = static_cast<std::uint8_t>(upto(4) & upto(32));
      store::Target target{account_, inbox_, flags, {}, date};
      if (!upto(3)) target.keywords.push_back("$Work");
      ASSERT_TRUE(run_task(store_.append(std::move(incoming), {target})));
    }
  }
  void index() {
    search::Indexer indexer(store_);
    indexer.hint(account_->id(), inbox_, search::Indexer::Why::opened);
    indexer.wait_until_idle();
  }
  Selected selected() {
    Selected out{.account = account_, .id = inbox_, .told = run_task(account_->view(inbox_)).value()};
    out.recent = {{Uid(5), Uid(90)}};
    out.saved = {{Uid(2), Uid(40)}, {Uid(300), Uid(4000)}};
    return out;
  }

  SearchProgram compile(const std::string& keys, const Selected& selected, SysTime now = SysTime(std::chrono::seconds(1'580'700'000))) {
    const auto command = parse_command("a SEARCH CHARSET UTF-8 " + keys);
    EXPECT_TRUE(command) << keys;
    if (!command) return {};
    auto program = compile_search(std::get<Search>(command->command), selected, *account_->mailbox(inbox_), now);
    EXPECT_TRUE(program) << keys;
    return program ? *std::move(program) : SearchProgram{};
  }
  Indexes run(const std::string& keys, UseIndex use) {
    const auto told = selected();
    const auto program = compile(keys, told);
    const SearchPlace place{account_, inbox_, told.told};
    const StillWorking still_working = go_on;
    const auto found = run_task(run_search(place, program, still_working, use));
    EXPECT_TRUE(found) << keys;
    return found ? found->indexes() : Indexes{};
  }
  // Every message by itself, with all there is to know of it.
  Indexes plain(const std::string& keys) {
    const auto told = selected();
    const auto program = compile(keys, told);
    Indexes found;
    told.told->for_each([&](std::uint32_t index, const store::Entry& entry) {
      const auto& bytes = bytes_.at(entry.message);
      const auto summary = message::SummaryView::open(summaries_.at(entry.message));
      Candidate candidate(index, entry);
      candidate.set_summary(&*summary, run_task(account_->threads({entry.message}))->front());
      candidate.set_header(std::string_view(bytes).substr(0, summary->header_size()));
      candidate.set_message(bytes);
      if (candidate.match(program.root) == Verdict::yes) found.push_back(index);
    });
    return found;
  }

  std::string quoted(const std::string& text) { return "{" + std::to_string(text.size()) + "}\r\n" + text; }
  std::string number() { return std::to_string(1 + upto(1400)); }
  std::string date() { return std::to_string(1 + upto(5)) + "-Feb-2020"; }
  std::string needle() {
    switch (upto(5)) {
      case 0: return word().substr(0, 2);
      case 1: return words(2);
      case 2: return "\", " + word();
      case 3: return "";
      default: return word();
    }
  }
  std::string leaf() {
    constexpr const char* kFlags[] = {"SEEN", "UNSEEN", "FLAGGED", "ANSWERED", "UNDELETED", "RECENT", "OLD", "NEW", "DRAFT", "KEYWORD $Work",
                                      "UNKEYWORD $Work", "KEYWORD $None", "ALL", "$", "UID $", "SAVEDATESUPPORTED"};
    constexpr const char* kDates[] = {"SINCE ", "BEFORE ", "ON ", "SENTSINCE ", "SENTBEFORE ", "SENTON ", "SAVEDSINCE "};
    constexpr const char* kFields[] = {"FROM ", "TO ", "CC ", "BCC ", "SUBJECT ", "HEADER Message-ID ", "HEADER References ", "HEADER X-Odd "};
    const auto view = run_task(account_->view(inbox_)).value();
    switch (upto(12)) {
      case 0:
      case 1: return kFlags[upto(16)];
      case 2:
      case 3: return kDates[upto(7)] + date();
      case 4:
      case 5: return kFields[upto(8)] + quoted(needle());
      case 6: return "BODY " + quoted(needle());
      case 7: return "TEXT " + quoted(needle());
      case 8: return number() + ":" + number();
      case 9: return "UID " + number() + "," + number() + ":*";
      case 10: return (upto(2) ? "LARGER " : "SMALLER ") + std::to_string(upto(1000));
      default: {
        const auto& entry = view->at(upto(view->size()));
        if (upto(3) == 0) return "EMAILID " + store::email_object_id(entry.message);
        if (upto(2) == 0) return (upto(2) ? "YOUNGER " : "OLDER ") + std::to_string(1 + upto(300'000));
        return "THREADID " + store::thread_object_id(run_task(account_->threads({entry.message}))->front());
      }
    }
  }
  std::string keys(int depth) {
    switch (depth == 0 ? 3 : upto(5)) {
      case 0: return "(" + keys(depth - 1) + " " + keys(depth - 1) + ")";
      case 1: return "OR " + keys(depth - 1) + " " + keys(depth - 1);
      case 2: return "NOT " + keys(depth - 1);
      default: return leaf();
    }
  }
  void expect_the_same(int programs) {
    for (int i = 0; i < programs; ++i) {
      const auto program = keys(static_cast<int>(upto(5)));
      const auto expected = plain(program);
      ASSERT_EQ(run(program, UseIndex::yes), expected) << program;
      if (i % 4 == 0) ASSERT_EQ(run(program, UseIndex::no), expected) << program;
    }
  }

  std::mt19937 random_{4731};
  WorkerPool workers_{2};
  kv::MemoryStore kv_;
  blob::Blobs blobs_{kv_};
  store::MailStore store_{kv_, blobs_, workers_};
  store::AccountPtr account_;
  MailboxId inbox_;
  std::uint32_t appended_ = 0;
  std::map<MessageId, std::string> bytes_, summaries_;
};

// [RFC3501 6.4.4] One message whose bytes are lost hides no other.
TEST_F(SearchRun, ADamagedMessageDoesNotMatch) {
  append(40);
  const auto expected = plain("BODY a");
  ASSERT_GT(expected.size(), 2u);
  const auto damaged = expected[1];
  const auto id = run_task(account_->view(inbox_)).value()->at(damaged).message;
  kv::Batch batch;
  std::string first_chunk;  // docs/formats/store.md
  kv::put_be64(first_chunk, id.value());
  batch.put(kv::Space::blob, id.value() % 16, first_chunk + std::string(4, '\0'), "damaged");
  ASSERT_TRUE(run_task(kv_.commit(std::move(batch))));
  auto others = expected;
  std::erase(others, damaged);
  EXPECT_EQ(run("BODY a", UseIndex::no), others);
}

TEST_F(SearchRun, FindsTheSameByEveryWay) {
  append(1'300);
  expect_the_same(12);  // nothing is indexed
  index();
  expect_the_same(40);  // a tail is not
  std::vector<Uid> doomed;
  run_task(account_->view(inbox_)).value()->for_each([&](std::uint32_t index, const store::Entry& entry) {
    if (index % 7 == 0) doomed.push_back(entry.uid);
  });
  ASSERT_TRUE(run_task(account_->remove(inbox_, store::uid_set_of(doomed))));
  append(100);
  expect_the_same(20);
}

// A message that has gone meanwhile is not found by what only its bytes would tell, and no failure.
TEST_F(SearchRun, GoneMessages) {
  append(3);
  const auto told = selected();
  ASSERT_TRUE(run_task(account_->remove(inbox_, {{Uid(2), Uid(2)}})));
  const auto program = compile("NOT TEXT nothing", told);
  const SearchPlace place{account_, inbox_, told.told};
  const StillWorking still_working = go_on;
  const auto found = run_task(run_search(place, program, still_working));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->indexes(), (Indexes{0, 2}));
}

// [RFC5032 2] To the second, and both include the target time.
TEST_F(SearchRun, Within) {
  append(1);
  auto told = selected();
  auto entry = told.told->at(0);
  entry.internal_date = {1000, 60};
  struct Case {
    const char* keys;
    int now;
    bool found;
  };
  for (const auto& c : {Case{"YOUNGER 60", 1060, true}, Case{"YOUNGER 60", 1061, false}, Case{"OLDER 60", 1060, true}, Case{"OLDER 60", 1059, false},
                        Case{"YOUNGER 60", 900, true}}) {
    const auto program = compile(c.keys, told, SysTime(std::chrono::seconds(c.now)));
    EXPECT_EQ(Candidate(0, entry).match(program.root) == Verdict::yes, c.found) << c.keys << c.now;
  }
}

TEST_F(SearchRun, EndsWhenNobodyWaits) {
  append(700);
  const auto told = selected();
  const auto program = compile("BODY alpha", told);
  const SearchPlace place{account_, inbox_, told.told};
  const StillWorking gone = []() -> Task<Result<void>> { co_return fail(Errc::cancelled); };
  const auto found = run_task(run_search(place, program, gone));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::cancelled);
}

}  // namespace
}  // namespace posthorn::imap
