#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "async/reactor.h"
#include "fetch/imap_search.h"
#include "fetch/journal.h"
#include "fetch/maildir_target.h"
#include "fetch/mbox_target.h"
#include "fetch/pop3_fingerprint.h"
#include "fetch/reception.h"
#include "fetch/turns.h"
#include "fetch/waiting_message.h"
#include "mailfile/line_ends.h"
#include "mailfile/maildir.h"

namespace posthorn::fetch {
namespace {

namespace fs = std::filesystem;
using Keys = std::vector<std::string>;

class FetchTest : public testing::Test {
 protected:
  FetchTest() {
    home = fs::temp_directory_path() / ("posthorn-fetch-" + mailfile::make_maildir_name().unique);
  }
  ~FetchTest() override { fs::remove_all(home); }
  std::string path() const { return home / "state" / "journal"; }
  Journal open() const { return Journal::open(path()).value(); }
  std::string text() const { return mailfile::read_whole(path(), 1 << 20).value(); }
  mailfile::MaildirFolder folder() const { return mailfile::MaildirFolder::create(home / "Maildir").value(); }

  fs::path home;
};

constexpr Seconds kThen{std::chrono::seconds(1'700'000'000)};

TEST_F(FetchTest, JournalRemembers) {
  {
    auto journal = open();
    ASSERT_TRUE(journal.append_stored(Keys{"ua", "ub"}, kThen));
    journal.remember(Keys{"ua", "ub"}, kThen);
    EXPECT_EQ(journal.stored("ua"), kThen);
    EXPECT_EQ(Journal::open(path()).error().code, Errc::busy);
  }
  auto journal = open();
  EXPECT_EQ(journal.stored("ub"), kThen);
  EXPECT_EQ(journal.stored("uc"), std::nullopt);
  ASSERT_TRUE(journal.keep_only({"ub"}));
  EXPECT_EQ(journal.size(), 1u);
}

TEST_F(FetchTest, JournalIsOfOneOwner) {
  using enum Journal::IfOfAnother;
  ASSERT_TRUE(open().append_stored(Keys{"ua"}, kThen));  // as older ones are: it names nobody
  EXPECT_TRUE(Journal::open(path(), "pop3:joe@here")->stored("ua"));
  EXPECT_TRUE(Journal::open(path(), "pop3:joe@here"));
  EXPECT_EQ(Journal::open(path(), "pop3:ann@here").error().code, Errc::corrupt);
  EXPECT_TRUE(Journal::open(path(), "pop3:joe@there", adopt)->stored("ua"));
  EXPECT_EQ(Journal::open(path(), "pop3:joe@here").error().code, Errc::corrupt);
  {
    auto journal = Journal::open(path(), "pop3:joe@there").value();
    for (int i = 0; i < 2000; ++i) ASSERT_TRUE(journal.append_stored(Keys{"ub"}, kThen));
    ASSERT_TRUE(journal.keep_only({"ua"}));
  }
  EXPECT_LT(text().size(), 200u);  // it was written anew
  EXPECT_EQ(Journal::open(path(), "pop3:joe@here").error().code, Errc::corrupt);
}

TEST_F(FetchTest, JournalForgetsWhatTheServerHasNotAnyMore) {
  {
    auto journal = open();
    ASSERT_TRUE(journal.append_stored(Keys{"ua", "ub"}, kThen));
    journal.remember(Keys{"ua", "ub"}, kThen);
    ASSERT_TRUE(journal.keep_only({"ub"}));
  }
  EXPECT_EQ(open().stored("ua"), std::nullopt);
}

TEST_F(FetchTest, JournalRemembersForAWhileWhatIsNotSeen) {
  const auto later = kThen + std::chrono::days(1);
  const auto all = [](Sight sight) { return [sight](const std::string&) { return sight; }; };
  {
    auto journal = open();
    ASSERT_TRUE(journal.append_stored(Keys{"i1.1", "i1.2", "i1.3"}, kThen));
    journal.remember(Keys{"i1.1", "i1.2", "i1.3"}, kThen);
    ASSERT_TRUE(journal.keep(
        [](const std::string& key) {
          return key == "i1.1" ? Sight::seen : key == "i1.2" ? Sight::unseen : Sight::gone;
        },
        later));
  }
  {
    auto journal = open();
    EXPECT_TRUE(journal.stored("i1.1") == kThen && journal.stored("i1.2") == kThen && !journal.stored("i1.3"));
    ASSERT_TRUE(journal.keep(all(Sight::unseen), later + Journal::kVanished));
    ASSERT_TRUE(journal.keep(all(Sight::seen), later + Journal::kVanished));
  }
  {
    auto journal = open();
    EXPECT_EQ(journal.stored("i1.2"), kThen);
    ASSERT_TRUE(journal.keep(all(Sight::unseen), later));
  }
  {
    auto journal = open();
    EXPECT_EQ(journal.size(), 2u);
    const auto longer = later + Journal::kVanished + std::chrono::seconds(1);
    ASSERT_TRUE(journal.keep([](const std::string& key) { return key == "i1.1" ? Sight::seen : Sight::unseen; }, longer));
  }
  auto journal = open();
  EXPECT_TRUE(journal.stored("i1.1") && !journal.stored("i1.2"));
  ASSERT_TRUE(journal.keep(all(Sight::gone), later));
  EXPECT_EQ(journal.size(), 0u);
}

TEST_F(FetchTest, JournalOfEarlierBuildsIsReadAndSaysWhenTheyCannot) {
  ASSERT_TRUE(open().append_stored(Keys{"i1.1"}, kThen));
  auto old = text();
  old.replace(0, old.find('\n'), "posthorn-fetch 1");
  std::ofstream(path(), std::ios::binary) << old;
  {
    auto journal = open();
    EXPECT_EQ(journal.stored("i1.1"), kThen);
    EXPECT_TRUE(text().starts_with("posthorn-fetch 1\n"));
    ASSERT_TRUE(journal.keep([](const std::string&) { return Sight::unseen; }, kThen));
  }
  EXPECT_TRUE(text().starts_with("posthorn-fetch 2\n"));
  EXPECT_EQ(open().stored("i1.1"), kThen);
}

TEST_F(FetchTest, JournalThatIsWrittenAnewHasWhatIsNotSeen) {
  {
    auto journal = open();
    for (int i = 0; i < 3000; ++i) ASSERT_TRUE(journal.append_stored(Keys{"i1.1", "i1.2"}, kThen));
    journal.remember(Keys{"i1.1", "i1.2"}, kThen);
    ASSERT_TRUE(journal.keep([](const std::string&) { return Sight::unseen; }, kThen));
  }
  EXPECT_LT(text().size(), 200u);
  auto journal = open();
  EXPECT_EQ(journal.size(), 2u);
  EXPECT_TRUE(journal.find("i1.1")->unseen && journal.find("i1.2")->unseen);
}

TEST_F(FetchTest, JournalKnowsWhatWasPreparedOnly) {
  {
    auto journal = open();
    ASSERT_TRUE(journal.append_prepared(std::vector<Prepared>{
        {"ua", kThen, "boot", "x/1"}, {"ub", kThen, "boot", "x/2"}, {"uc", kThen, "", "x/3"}}));
    ASSERT_TRUE(journal.append_stored(Keys{"ua"}, kThen));
    ASSERT_TRUE(journal.append_forgotten(Keys{"ub"}, kThen));
  }
  EXPECT_EQ(open().pending(), (std::vector<Prepared>{{"uc", kThen, "-", "x/3"}}));
}

TEST_F(FetchTest, JournalTakesThoseThatWereRefusedInTurn) {
  Keys keys;
  for (std::size_t i = 0; i < 23; ++i) keys.push_back("u" + std::to_string(i));
  const auto any = [](const std::string&) { return true; };
  {
    auto journal = open();
    ASSERT_TRUE(journal.append_prepared(std::vector<Prepared>{{keys[0], kThen, "boot", "server"}}));
    ASSERT_TRUE(journal.append_refused(keys, kThen));
    journal.remember_refused(keys);
    EXPECT_EQ(journal.refused_in_order(any), keys);
    Turns turns(journal, any);
    EXPECT_TRUE(turns.has("new") && turns.has("u19") && !turns.has("u20"));
    EXPECT_FALSE(turns.next());
    ASSERT_TRUE(journal.append_refused(Keys{"u0"}, kThen));
    ASSERT_TRUE(journal.append_stored(Keys{"u1"}, kThen));
    ASSERT_TRUE(journal.append_forgotten(Keys{"u2"}, kThen));
  }
  for (int i = 0; i < 2; ++i) {
    auto journal = open();
    EXPECT_TRUE(journal.pending().empty());
    EXPECT_TRUE(journal.stored("u1") && !journal.was_refused("u1") && !journal.was_refused("u2"));
    EXPECT_EQ(journal.refused_in_order(any).front(), "u3");
    EXPECT_EQ(journal.refused_in_order(any).back(), "u0");
    EXPECT_EQ(journal.refused_in_order([](const std::string& key) { return key == "u0"; }), Keys{"u0"});
    for (int j = 0; j < 2000; ++j) ASSERT_TRUE(journal.append_stored(Keys{"u1"}, kThen));
    ASSERT_TRUE(journal.keep_only({keys.begin(), keys.end()}, {}, kThen));  // writes it anew
    EXPECT_LT(text().size(), 2000u);
  }
  auto journal = open();
  Turns turns(journal, any);
  EXPECT_TRUE(turns.has("u3") && turns.has("u22") && !turns.has("u0"));
  journal.remember(Keys{"u3"}, kThen);
  EXPECT_TRUE(turns.next());
  EXPECT_TRUE(turns.has("u0") && !turns.has("u4") && !turns.has("new"));
  EXPECT_FALSE(turns.next());
  ASSERT_TRUE(journal.keep_only({"u0"}, {}, kThen));
  EXPECT_TRUE(journal.was_refused("u0") && !journal.was_refused("u3"));
}

TEST_F(FetchTest, JournalDoesNotCountWhatIsInDoubt) {
  {
    auto journal = open();
    const Keys keys{"ua", "ub", "uc"};
    ASSERT_TRUE(journal.append_stored(keys, kThen));
    journal.remember(keys, kThen);
    ASSERT_TRUE(journal.add_fingerprints(std::vector<Fingerprinted>{{"ua", "1/2"}, {"ub", "3/-"}}));
    ASSERT_TRUE(journal.doubt(keys, kThen));
    EXPECT_TRUE(!journal.stored("ua") && !journal.stored("ub") && journal.stored("uc"));
    ASSERT_TRUE(journal.believe(std::vector<Recognised>{{"ub", *journal.find("ub")}}));
  }
  for (int i = 0; i < 2; ++i) {
    auto journal = open();
    EXPECT_TRUE(!journal.stored("ua") && journal.stored("uc"));
    EXPECT_EQ(journal.stored("ub"), kThen);
    ASSERT_TRUE(journal.find("ua") && journal.find("ub"));
    EXPECT_EQ(journal.find("ua")->doubted, kThen);
    EXPECT_EQ(journal.find("ua")->fingerprint + journal.find("ub")->fingerprint, "1/23/-");
    for (int j = 0; j < 3000; ++j) ASSERT_TRUE(journal.append_forgotten(Keys{"ux"}, kThen));
    ASSERT_TRUE(journal.keep_only({"ua", "ub", "uc"}));  // which writes it anew
  }
  EXPECT_LT(text().size(), 400u);
  auto journal = open();
  ASSERT_TRUE(journal.append_stored(Keys{"ua"}, kThen));  // another message, under the same key
  journal.remember(Keys{"ua"}, kThen);
  EXPECT_TRUE(journal.stored("ua") && journal.find("ua")->fingerprint.empty());
}

TEST_F(FetchTest, JournalDoubtsForAWhileWhatIsNotListedAnyMore) {
  const Keys keys{"ua", "ub", "uc", "ud"};
  {
    auto journal = open();
    ASSERT_TRUE(journal.append_stored(keys, kThen));
    journal.remember(keys, kThen);
    ASSERT_TRUE(journal.add_fingerprints(std::vector<Fingerprinted>{{"ua", "1/2"}, {"ub", "3/4"}, {"uc", "5/6"}}));
    ASSERT_TRUE(journal.keep_only({"ua"}, {"ub"}, kThen));  // ub was removed, ud has no fingerprint
  }
  auto journal = open();
  EXPECT_TRUE(journal.stored("ua") && !journal.find("ub") && !journal.find("ud"));
  ASSERT_TRUE(journal.find("uc"));
  EXPECT_EQ(journal.find("uc")->doubted, kThen);
  ASSERT_TRUE(journal.keep_only({"ua"}, {}, kThen + Journal::kVanished));
  EXPECT_TRUE(journal.find("uc"));
  ASSERT_TRUE(journal.keep_only({"ua"}, {}, kThen + Journal::kVanished + std::chrono::seconds(1)));
  EXPECT_FALSE(journal.find("uc"));
}

TEST_F(FetchTest, JournalForgetsTheOldestOfTooMany) {
  auto journal = open();
  std::vector<Fingerprinted> all;
  for (std::size_t i = 0; i < Journal::kMostVanished; ++i) all.push_back({"u" + std::to_string(i), "1/2"});
  all.push_back({"ufirst", "1/2"});
  for (const auto& one : all) journal.remember(Keys{one.key}, kThen);
  ASSERT_TRUE(journal.add_fingerprints(all));
  ASSERT_TRUE(journal.doubt(Keys{"ufirst"}, kThen));
  ASSERT_TRUE(journal.keep_only({}, {}, kThen + std::chrono::hours(1)));
  EXPECT_FALSE(journal.find("ufirst"));
  EXPECT_EQ(journal.size(), Journal::kMostVanished);
}

TEST_F(FetchTest, JournalOfVersion1IsMarkedWhenItGetsWhatThatDidNotKnow) {
  ASSERT_TRUE(open().append_stored(Keys{"ua"}, kThen));
  auto old = text();
  old[old.find('\n') - 1] = '1';
  std::ofstream(path(), std::ios::binary) << old;
  auto journal = open();
  EXPECT_TRUE(journal.stored("ua"));
  EXPECT_TRUE(text().starts_with("posthorn-fetch 1\n"));
  ASSERT_TRUE(journal.add_fingerprints(std::vector<Fingerprinted>{{"ua", "1/2"}}));
  EXPECT_TRUE(text().starts_with("posthorn-fetch 2\n" + old.substr(old.find('\n') + 1)));
}

TEST_F(FetchTest, JournalTakesBack) {
  {
    auto journal = open();
    ASSERT_TRUE(journal.append_stored(Keys{"ua"}, kThen));
    const auto mark = journal.mark();
    ASSERT_TRUE(journal.append_prepared(std::vector<Prepared>{{"ub", kThen, "boot", "x"}}));
    ASSERT_TRUE(journal.undo(mark));
  }
  EXPECT_TRUE(open().pending().empty());
  EXPECT_TRUE(open().stored("ua"));
}

TEST_F(FetchTest, JournalEndsWhereItWasCut) {
  {
    auto journal = open();
    ASSERT_TRUE(journal.append_stored(Keys{"ua", "ub"}, kThen));
  }
  const auto whole = text();
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    std::ofstream(path(), std::ios::binary) << whole.substr(0, cut);
    auto journal = open();
    EXPECT_FALSE(journal.was_damaged());
    EXPECT_FALSE(journal.stored("ub")) << cut;
    ASSERT_TRUE(journal.append_stored(Keys{"uc"}, kThen));
    EXPECT_EQ(text().substr(text().size() - 3), "uc\n");
  }
}

TEST_F(FetchTest, JournalDoesNotBelieveWhatIsDamaged) {
  {
    auto journal = open();
    ASSERT_TRUE(journal.append_stored(Keys{"ua", "ub", "uc"}, kThen));
  }
  auto bad = text();
  bad[bad.find("ub") + 1] = 'x';
  std::ofstream(path(), std::ios::binary) << bad;
  auto journal = open();
  EXPECT_TRUE(journal.was_damaged() && journal.stored("ua") && !journal.stored("ub") &&
              !journal.stored("uc"));
  EXPECT_TRUE(fs::exists(path() + ".damaged"));
}

TEST_F(FetchTest, JournalIsWrittenAnewWhenMostOfItIsOfNoUse) {
  {
    auto journal = open();
    for (int i = 0; i < 3000; ++i) {
      const Keys keys{"u" + std::to_string(i)};
      ASSERT_TRUE(journal.append_stored(keys, kThen));
      journal.remember(keys, kThen);
    }
    ASSERT_TRUE(journal.keep_only({"u7"}));
    ASSERT_TRUE(journal.append_stored(Keys{"unew"}, kThen));
  }
  EXPECT_LT(text().size(), 200u);
  const auto journal = open();
  EXPECT_TRUE(journal.stored("u7") && journal.stored("unew"));
}

Fingerprint::Digests print_of(std::string_view message, std::size_t piece) {
  Fingerprint print;
  for (; !message.empty(); message.remove_prefix(std::min(piece, message.size()))) print.put(message.substr(0, piece));
  return print.finish();
}

TEST(FetchFingerprint, IsThatOfTheMessageHoweverItIsCut) {
  const std::string header = "From: a\r\nSubject: b\r\n", lines(2 * Fingerprint::kLines, '\n');
  const auto all = header + "\r\n" + lines + "end\r\n";
  const auto want = print_of(all, all.size());
  for (std::size_t piece = 1; piece < 60; ++piece) {
    EXPECT_EQ(print_of(all, piece).whole, want.whole);
    EXPECT_EQ(print_of(all, piece).head, want.head);
  }
  const auto read = print_of("Status: RO\r\n" + header + "X-UIDL: 1\r\n\r\n" + lines + "end\r\n", 7);
  EXPECT_EQ(text_of(read), text_of(want));
  const auto top = print_of(header + "\r\n" + std::string(Fingerprint::kLines, '\n'), 7);
  EXPECT_EQ(top.head, want.head);
  EXPECT_NE(print_of(header + "\r\n" + lines + "END\r\n", 7).whole, want.whole);
  EXPECT_NE(print_of("\r\n" + header + lines, 7).head, want.head);
  EXPECT_NE(print_of(header + "Status: a\r\n\r\nx\r\n", 7).head, print_of(header + "\r\ny\r\n", 7).head);
  EXPECT_EQ(text_of(parse_fingerprint(text_of(want))), text_of(want));
  EXPECT_EQ(text_of(parse_fingerprint("abc/-")), "abc/-");
}

TEST(FetchLineEnds, AreLfHoweverTheTextIsCut) {
  for (const std::string_view in : {"a\r\nb\r\n", "\r\r\n", "a\rb\n\r", "", "\r", "\n\r\n\n"}) {
    std::string whole;
    mailfile::ToLf all;
    all.put(whole, in);
    all.finish(whole);
    std::string want(in);
    for (auto at = want.find("\r\n"); at != want.npos; at = want.find("\r\n")) want.erase(at, 1);
    if (in != "\r\r\n") EXPECT_EQ(whole, want);
    std::string cut;
    mailfile::ToLf pieces;
    for (const char c : in) pieces.put(cut, std::string_view(&c, 1));
    pieces.finish(cut);
    EXPECT_EQ(cut, whole);
    EXPECT_EQ(pieces.bare(), all.bare());
  }
}

Task<Result<void>> store(Target& target, Journal& journal, WorkerPool& pool, int from, int to) {
  CO_TRY_OK(co_await target.open(journal, pool));
  Reception reception(target, journal, pool, {.messages = 3, .bytes = 1000});
  for (int i = from; i < to; ++i) {
    CO_TRY_OK(target.begin({}));
    CO_TRY_OK(target.put("Subject: " + std::to_string(i) + "\r\n\r\nx\r\n"));
    CO_TRY_OK(co_await reception.end("u" + std::to_string(i)));
  }
  co_return co_await reception.finish();
}

TEST_F(FetchTest, MaildirHasEachMessageOnceWhereverTheJournalEnds) {
  WorkerPool pool(1);
  {
    auto journal = open();
    const auto target = make_maildir_target(folder());
    ASSERT_TRUE(run_task(store(*target, journal, pool, 0, 10)));
  }
  EXPECT_EQ(folder().list()->size(), 10u);
  // A crash loses lines of "stored"; what was prepared stands there in each case.
  std::string prepared, line;
  for (std::ifstream in(path()); std::getline(in, line);)
    if (line.size() < 9 || line[9] != 'S') prepared += line + "\n";
  std::ofstream(path(), std::ios::binary) << prepared;
  auto journal = open();
  EXPECT_EQ(journal.pending().size(), 10u);
  const auto target = make_maildir_target(folder());
  ASSERT_TRUE(run_task(store(*target, journal, pool, 10, 12)));
  for (int i = 0; i < 12; ++i) EXPECT_TRUE(journal.stored("u" + std::to_string(i)));
  EXPECT_EQ(folder().list()->size(), 12u);
}

// Killed between a rename and the journal; then its reader has moved it elsewhere.
TEST_F(FetchTest, MaildirIsBelievedForAsLongAsNobodyCleansItsTmp) {
  WorkerPool pool(1);
  struct stat tmp {};
  const auto unique = mailfile::make_maildir_name().unique;
  ASSERT_EQ(::stat((folder().path() + "/tmp").c_str(), &tmp), 0);
  for (const auto& [age, stored] : {std::pair(std::chrono::hours(35), true), {std::chrono::hours(36), false}}) {
    fs::remove(path());
    {
      const Prepared one{.key = "ua",
                         .when = this_second() - age,
                         .boot = mailfile::boot_id(),
                         .where = "maildir/" + unique + "/10/20/" + std::to_string(tmp.st_ino)};
      ASSERT_TRUE(open().append_prepared({&one, 1}));
    }
    auto journal = open();
    ASSERT_EQ(journal.pending().size(), 1u);
    const auto target = make_maildir_target(folder());
    ASSERT_TRUE(run_task(store(*target, journal, pool, 0, 0)));
    EXPECT_EQ(journal.stored("ua").has_value(), stored) << age.count();
  }
}

TEST_F(FetchTest, MaildirThatWasRemovedGetsItsMailAgain) {
  WorkerPool pool(1);
  {
    auto journal = open();
    const auto target = make_maildir_target(folder());
    ASSERT_TRUE(run_task(store(*target, journal, pool, 0, 2)));
  }
  std::string prepared, line;
  for (std::ifstream in(path()); std::getline(in, line);)
    if (line.size() < 9 || line[9] != 'S') prepared += line + "\n";
  std::ofstream(path(), std::ios::binary) << prepared;
  fs::rename(home / "Maildir", home / "old");  // which keeps the inode of its tmp
  auto journal = open();
  const auto target = make_maildir_target(folder());
  ASSERT_TRUE(run_task(store(*target, journal, pool, 0, 0)));
  EXPECT_FALSE(journal.stored("u0"));
}

TEST_F(FetchTest, MboxIsWholeWhereverAKillLeftIt) {
  WorkerPool pool(1);
  const auto mbox = (home / "mbox").string();
  {
    auto journal = open();
    const auto target = make_mbox_target(mbox);
    ASSERT_TRUE(run_task(store(*target, journal, pool, 0, 3)));
  }
  const auto whole = mailfile::read_whole(mbox, 1 << 20).value();
  std::string prepared, line, where;
  for (std::ifstream in(path()); std::getline(in, line);) {
    if (line.size() < 9 || line[9] != 'S') prepared += line + "\n";
    if (line.size() > 9 && line[9] == 'P')
      where = line.substr(line.find("spool-"), line.find(' ', line.find("spool-")) - line.find("spool-"));
  }
  for (std::size_t cut = 0; cut <= whole.size(); cut += 7) {
    std::ofstream(path(), std::ios::binary) << prepared;
    std::ofstream(path() + "." + where, std::ios::binary) << whole;
    std::ofstream(mbox, std::ios::binary) << whole.substr(0, cut);
    auto journal = open();
    const auto target = make_mbox_target(mbox);
    ASSERT_TRUE(run_task(store(*target, journal, pool, 0, 0)));
    EXPECT_FALSE(journal.stored("u0"));
    EXPECT_EQ(fs::file_size(mbox), 0u) << cut;
    EXPECT_FALSE(fs::exists(path() + "." + where));
  }
  std::ofstream(path(), std::ios::binary) << prepared;
  std::ofstream(mbox, std::ios::binary) << whole << "From other Thu Jan  1 00:00:00 1970\n\nlater\n\n";
  auto journal = open();
  const auto target = make_mbox_target(mbox);
  ASSERT_TRUE(run_task(store(*target, journal, pool, 3, 4)));
  EXPECT_TRUE(journal.stored("u0") && journal.stored("u3"));
  EXPECT_TRUE(mailfile::read_whole(mbox, 1 << 20)->starts_with(whole + "From other"));
}

TEST_F(FetchTest, MessageThatWaitsIsGivenAgainAsOftenAsItIsAsked) {
  fs::create_directories(home);
  auto message = WaitingMessage::begin(home / "journal").value();
  EXPECT_TRUE(fs::is_empty(home));  // its file has no name
  std::string text;
  for (int i = 0; i < 30'000; ++i) text += "line " + std::to_string(i) + "\r\n";
  for (std::size_t at = 0; at < text.size(); at += 1000) ASSERT_TRUE(message.put(text.substr(at, 1000)));
  ASSERT_TRUE(message.finish());
  EXPECT_EQ(message.size(), text.size());
  for (int i = 0; i < 2; ++i) {
    const auto source = message.open();
    std::string got;
    for (auto piece = run_task(source->next()); piece && !piece->empty(); piece = run_task(source->next()))
      got += *piece;
    EXPECT_EQ(got, text);
  }
}

TEST(FetchImapWhere, IsReadAsItWasWritten) {
  const ImapWhere where{
      .uid_validity = 7, .uid_next = 4294967295, .size = 1ull << 40, .digest = std::string(32, 'a')};
  const auto text = text_of(where);
  EXPECT_EQ(text, "imap/7/4294967295/1099511627776/" + where.digest);
  const auto read = parse_imap_where(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(text_of(*read), text);
  for (const auto bad :
       {"", "imap", "imap/1/2/3", "imap/1/2/3/abc", "maildir/1/2/3/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "imap/4294967296/2/3/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "imap/-1/2/3/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"})
    EXPECT_FALSE(parse_imap_where(bad)) << bad;
}

}  // namespace
}  // namespace posthorn::fetch
