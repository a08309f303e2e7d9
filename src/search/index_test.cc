// Whatever is indexed, the answers are those of looking at every message.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "async/reactor.h"
#include "base/log.h"
#include "kv/memory/memory_store.h"
#include "message/header.h"
#include "message/parser.h"
#include "message/search_text.h"
#include "search/check.h"
#include "search/column_reader.h"
#include "search/fields.h"
#include "search/find.h"
#include "search/indexer.h"
#include "search/keys.h"
#include "search/row_maker.h"
#include "store/mail_store.h"
#include "text/base64.h"
#include "text/casemap.h"

namespace posthorn::search {
namespace {

using message::SearchScope;

const std::string kWords[] = {"alpha", "Beta", "gamma", "report", "stra\u00dfe", "K\u00d6LN", "\u0130stanbul", "Isparta", "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2",
                              "x_y", "--", "\u212aelvin", "re:", std::string(300, 'q') + "end", "17", "\u4f60\u597d\u4e16\u754c"};

class Mail {
 public:
  explicit Mail(unsigned seed) : random(seed) {}

  std::string words(std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) {
      out += i > 0 ? " " : "";
      // The later ones are rare, and some words are met once.
      const auto rare = random() % 40;
      out += rare == 0 ? "u" + std::to_string(random() % 100'000) : rare < 4 ? kWords[random() % std::size(kWords)] : kWords[random() % 4];
    }
    return out;
  }
  std::string message() {
    std::string out = "From: " + words(1) + " <" + words(1) + "@example.test>\r\n";
    if (random() % 3) out += "To: =?utf-8?b?" + text::base64_encode(words(1)) + "?= <b@example.test> (" + words(1) + ")\r\n";
    if (random() % 5 == 0) out += "Cc: x@example.test,\r\n\t" + words(1) + "@example.test\r\nCc: second@example.test\r\n";
    if (random() % 10) out += "Subject: Re: " + words(3) + "\r\n";
    out += "Date: Mon, 2 Nov 2026 10:00:00 +0100\r\nMessage-ID: <" + std::to_string(random()) + "@example.test>\r\nX-Other: " + words(2) + "\r\n";
    if (random() % 97 == 0) out += "To: " + std::string(40'000, 'l') + "\r\n";  // too long to be held
    switch (random() % 4) {
      case 0: return out + "Content-Transfer-Encoding: base64\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text::base64_encode(words(12));
      case 1: return out + "Content-Type: text/html; charset=utf-8\r\n\r\n<p>" + words(8) + "</p>\r\n";
      case 2: return out + "Content-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\ngr=FC=\r\n=DFe alpha\r\n";
      default: return out + "\r\n" + words(10) + "\r\n";
    }
  }
  std::string needle(const std::string& text) {
    if (random() % 3 == 0 || text.empty()) return kWords[random() % std::size(kWords)];
    const auto at = random() % text.size();
    return text::casemap(text.substr(at, 1 + random() % 9));
  }
  std::mt19937 random;
};

class IndexTest : public ::testing::Test {
 protected:
  IndexTest() {
    EXPECT_TRUE(run_task(blobs.open()));
    EXPECT_TRUE(run_task(store.open()));
    EXPECT_TRUE(run_task(store.create_account(AccountId(1))));
    account = run_task(store.account(AccountId(1))).value();
    inbox = account->find_mailbox("INBOX")->id;
  }
  ~IndexTest() override {
    kTextIndex.reset();
    store.close();
  }

  void append(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) append(mail.message());
  }
  void append(const std::string& bytes) {
    auto incoming = store.begin_incoming();
    EXPECT_TRUE(run_task(incoming.write(bytes)));
    const auto id = incoming.id();
    const auto done = run_task(store.append(std::move(incoming), {{account, inbox, 0, {}, {}}}));
    ASSERT_TRUE(done && done->front());
    bytes_of[id] = bytes;
  }
  void index() {
    Indexer indexer(store);
    indexer.hint(account->id(), inbox, Indexer::Why::opened);
    indexer.wait_until_idle();
  }
  store::ViewPtr view() { return run_task(account->view(inbox)).value(); }
  void expunge(auto is_doomed) {
    std::vector<Uid> doomed;
    view()->for_each([&](std::uint32_t index, const store::Entry& e) {
      if (is_doomed(index)) doomed.push_back(e.uid);
    });
    EXPECT_TRUE(run_task(account->remove(inbox, store::uid_set_of(doomed))));
  }
  std::vector<kv::Row> rows(Column column) {
    std::vector<kv::Row> all;
    kv::Range range{kv::Space::column, 1, column_key(inbox, column), column_key(inbox, Column(std::uint8_t(column) + 1))};
    for (bool more = true; more;) {
      auto found = run_task(kv.scan(range)).value();
      for (auto& row : found.rows) all.push_back(std::move(row));
      more = found.more;
      if (!all.empty()) range.from = all.back().key + '\0';
    }
    return all;
  }

  const std::string& message(const store::ViewPtr& of, std::uint32_t index) { return bytes_of.at(of->at(index).message); }

  // What SEARCH compares of a message.
  const std::string& text(const store::ViewPtr& of, std::uint32_t index, SearchScope scope) {
    auto& known = texts[{of->at(index).message, scope}];
    if (!known.empty()) return known;
    const std::string_view bytes = message(of, index);
    const message::ReadBytes read = [bytes](std::uint64_t offset, std::size_t want) -> Result<std::string_view> { return bytes.substr(offset, want); };
    std::string utf8;
    EXPECT_TRUE(message::extract_search_text(message::parse_message(bytes), scope, read, [&](std::string_view piece) {
      utf8 += piece;
      return true;
    }));
    return known = text::casemap(utf8);
  }

  void expect_columns(std::uint32_t from, std::uint32_t to) {
    const auto now = view();
    for (const auto column : kRowColumns) {
      ColumnReader reader(account, inbox, now, column, from, to);
      std::uint32_t next = from;
      for (;;) {
        const auto got = run_task(reader.next());
        ASSERT_TRUE(got) << got.error().text;
        if (!*got) break;
        ASSERT_EQ((*got)->from(), next);
        for (next = (*got)->from(); next < (*got)->to(); ++next) {
          const auto& bytes = message(now, next);
          const auto summary = message::encode(message::parse_message(bytes));
          const auto expected = make_row(column, {.summary = summary, .header = header_at_start(bytes, true)});
          const auto row = (*got)->at(next);
          ASSERT_EQ(row.has_value(), expected.has_value()) << static_cast<int>(column) << " " << next;
          if (row) ASSERT_EQ(*row, *expected) << static_cast<int>(column) << " " << next;
        }
      }
      EXPECT_EQ(next, std::min(to, now->size()));
    }
  }

  // The answer, with what is open looked at.
  template <class Look>
  std::vector<std::uint32_t> settle(const Result<Found>& found, Look look) {
    EXPECT_TRUE(found);
    EXPECT_TRUE(std::ranges::is_sorted(found->hits) && std::ranges::is_sorted(found->open));
    auto all = found->hits;
    for (const auto index : found->open)
      if (look(index)) all.push_back(index);
    std::ranges::sort(all);
    return all;
  }
  void expect_answers(int needles) {
    const auto now = view();
    for (int i = 0; i < needles; ++i) {
      const auto needle = text::casemap(mail.needle(message(now, static_cast<std::uint32_t>(mail.random() % now->size()))));
      const auto from = static_cast<std::uint32_t>(i % 2 ? 0 : mail.random() % now->size()), to = now->size() - i % 3;
      for (const auto name : {"from", "to", "cc", "subject"}) {
        const auto look = [&](std::uint32_t index) { return message::header_contains(*header_at_start(message(now, index), true), name, needle); };
        std::vector<std::uint32_t> expected;
        for (auto n = from; n < to; ++n)
          if (look(n)) expected.push_back(n);
        EXPECT_EQ(settle(run_task(find_in_field(account, inbox, now, *text_column_of(name), needle, from, to)), look), expected) << name << needle;
      }
      for (const auto scope : {SearchScope::body, SearchScope::text}) {
        const auto look = [&](std::uint32_t index) { return text(now, index, scope).find(needle) != std::string::npos; };
        std::vector<std::uint32_t> expected;
        for (auto n = from; n < to; ++n)
          if (look(n)) expected.push_back(n);
        EXPECT_EQ(settle(run_task(find_text(account, inbox, now, scope, needle, from, to)), look), expected) << needle;
      }
    }
  }
  std::size_t open_for(std::string needle, SearchScope scope = SearchScope::text) {
    const auto now = view();
    return run_task(find_text(account, inbox, now, scope, std::move(needle), 0, now->size()))->open.size();
  }

  Mail mail{3};
  WorkerPool workers{2};
  kv::MemoryStore memory;
  kv::Store& kv = memory;
  blob::Blobs blobs{kv};
  store::MailStore store{kv, blobs, workers};
  store::AccountPtr account;
  MailboxId inbox;
  std::map<MessageId, std::string> bytes_of;
  std::map<std::pair<MessageId, SearchScope>, std::string> texts;
};

TEST_F(IndexTest, SmallMailboxesAreNotPacked) {
  append(300);
  index();
  EXPECT_TRUE(rows(Column::summary).empty());
  expect_columns(0, 300);
  expect_answers(10);
}

TEST_F(IndexTest, AnswersAreExactWithATail) {
  append(1200);
  index();
  EXPECT_EQ(rows(Column::summary).size(), 2U);
  EXPECT_EQ(rows(Column::body_words).size(), 2U);
  expect_columns(0, 1200);
  expect_columns(700, 1100);
  expect_columns(1100, 1101);
  expect_answers(10);
  EXPECT_EQ(open_for("ALPHA"), 1200U - 1024U);  // only the tail is looked at
}

TEST_F(IndexTest, ExpungedEntriesAreMissed) {
  append(1600);
  index();
  expunge([](std::uint32_t i) { return i % 3 == 0 || i < 20 || (i > 500 && i < 530); });
  expect_columns(0, 5000);
  expect_answers(10);
}

TEST_F(IndexTest, WhenMostHasGoneItIsPackedAnew) {
  append(2100);
  index();
  ASSERT_EQ(rows(Column::sent).size(), 4U);
  expunge([](std::uint32_t i) { return i % 3 != 0; });
  ASSERT_EQ(view()->size(), 700U);
  index();
  EXPECT_EQ(rows(Column::sent).size(), 1U);
  expect_columns(0, 700);
  expect_answers(10);
  expunge([](std::uint32_t i) { return i > 100; });
  index();
  EXPECT_TRUE(rows(Column::sent).empty());
  EXPECT_TRUE(rows(Column::body_postings).empty());
  expect_answers(5);
}

TEST_F(IndexTest, WordsOfEightSegmentsBecomeOne) {
  append(8 * 512 + 600);
  index();
  EXPECT_EQ(rows(Column::summary).size(), 9U);
  EXPECT_EQ(rows(Column::body_words).size(), 2U);
  EXPECT_EQ(rows(Column::header_words).size(), 2U);
  expect_answers(5);
  EXPECT_EQ(open_for("ALPHA"), 600U - 512U);
}

TEST_F(IndexTest, WordsCanBeSwitchedOffAndOn) {
  ASSERT_TRUE(kTextIndex.set(false));
  append(600);
  index();
  EXPECT_EQ(rows(Column::summary).size(), 1U);
  EXPECT_TRUE(rows(Column::body_words).empty());
  EXPECT_EQ(open_for("ALPHA"), 600U);
  expect_answers(5);
  kTextIndex.reset();
  index();
  EXPECT_EQ(rows(Column::body_words).size(), 1U);
  expect_answers(5);
  EXPECT_EQ(open_for("ALPHA"), 600U - 512U);
}

TEST_F(IndexTest, LargeMessages) {
  append(511);
  std::string large = "Subject: large\r\n\r\n";
  for (int i = 0; i < 60'000; ++i) large += "word" + std::to_string(i % 900) + (i == 50'000 ? " needleinlarge\r\n" : " x\r\n");
  append(large);
  append("Subject: many\r\n\r\n" + [] {
    std::string words;
    for (int i = 0; i < 25'000; ++i) words += "w" + std::to_string(i) + "z ";
    return words;
  }());
  append(520);
  index();
  expect_columns(505, 520);
  const auto now = view();
  const auto found = run_task(find_text(account, inbox, now, SearchScope::body, "NEEDLEINLARGE", 0, now->size()));
  EXPECT_EQ(found->hits, std::vector<std::uint32_t>{511});
  EXPECT_NE(std::ranges::find(found->open, 512U), found->open.end());  // too many words: it is looked at
}

TEST_F(IndexTest, DamageIsNoticedAndMended) {
  append(1100);
  for (const auto column : {Column::summary, Column::subject, Column::body_words, Column::body_postings}) {
    index();
    EXPECT_TRUE(run_task(check_columns(kv, account->id()))->empty());
    auto damaged = rows(column).front();
    damaged.value[damaged.value.size() / 2] ^= 1;
    kv::Batch batch;
    batch.put(kv::Space::column, 1, damaged.key, damaged.value);
    ASSERT_TRUE(run_task(kv.commit(std::move(batch))));
    EXPECT_EQ(run_task(check_columns(kv, account->id()))->size(), 1U);
    log::Capture log;
    if (column == Column::summary) expect_columns(0, 1100);
    expect_answers(6);
    EXPECT_TRUE(log.has("search.index_damaged"));
    EXPECT_TRUE(rows(Column::summary).empty());
  }
}

TEST_F(IndexTest, ADeletedMailboxLeavesNothing) {
  ASSERT_TRUE(run_task(account->create_mailbox("Other")));
  inbox = account->find_mailbox("Other")->id;
  append(600);
  index();
  ASSERT_FALSE(rows(Column::summary).empty());
  Indexer indexer(store);
  indexer.hint(account->id(), inbox, Indexer::Why::opened);
  ASSERT_TRUE(run_task(account->delete_mailbox("Other")));
  indexer.wait_until_idle();
  EXPECT_TRUE(run_task(kv.scan({kv::Space::column, 1, "", ""}))->rows.empty());
  EXPECT_TRUE(run_task(kv.scan({kv::Space::index_state, 1, "", ""}))->rows.empty());
}

TEST_F(IndexTest, StopsInTheMiddle) {
  append(1600);
  {
    Indexer indexer(store);
    indexer.hint(account->id(), inbox, Indexer::Why::opened);
  }
  expect_answers(5);
  index();
  EXPECT_EQ(rows(Column::summary).size(), 3U);
}

}  // namespace
}  // namespace posthorn::search
