#include "sync/plan.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "sync/journal.h"
#include "sync/lines.h"
#include "sync/match.h"

namespace posthorn::sync {
namespace {

// "1:S 2:" messages with UIDs and flags; files are called "f1", "f2" ...
FolderState state_of(const std::map<std::uint32_t, std::string>& messages) {
  FolderState out;
  for (const auto& [uid, flags] : messages) {
    out.messages[uid] = {MaildirFlags(flags), "f" + std::to_string(uid)};
    out.by_unique["f" + std::to_string(uid)] = uid;
  }
  return out;
}

std::string text_of(const Plan& plan) {
  std::string out;
  const auto add = [&out](std::string text) { out += (out.empty() ? "" : " ") + std::move(text); };
  for (const auto uid : plan.forget) add("forget " + std::to_string(uid));
  for (const auto& u : plan.uploads) add("upload " + u);
  for (const auto uid : plan.downloads) add("download " + std::to_string(uid));
  for (const auto uid : plan.delete_there) add("expunge " + std::to_string(uid));
  for (const auto uid : plan.delete_here) add("remove " + std::to_string(uid));
  for (const auto& f : plan.flags_here) add("here " + std::to_string(f.uid) + "=" + f.to.letters());
  for (const auto& f : plan.flags_there) add("there " + std::to_string(f.uid) + "+" + f.add.letters() + "-" + f.remove.letters());
  for (const auto& f : plan.settled) add("settled " + std::to_string(f.uid) + "=" + f.flags.letters());
  return out;
}

TEST(Plan, OneMessage) {
  const std::string kGone = "gone", kSame = "same";
  const struct { std::string was, here, there, plan; } cases[] = {
      {"S", "S", "S", ""},
      {"S", kGone, kGone, "forget 1"},
      {"S", "S", kGone, "remove 1"},
      {"S", "FS", kGone, "forget 1 upload f1"},  // deleted there, changed here: it is kept
      {"S", kGone, "S", "expunge 1"},
      {"S", kGone, "RS", "forget 1 download 1"},  // deleted here, changed there: it is kept
      {"S", kGone, "ST", "expunge 1"},            // both want it gone
      {"S", kGone, "T", "forget 1 download 1"},
      {"", "S", "", "there 1+S- settled 1=S"},
      {"", "", "S", "here 1=S settled 1=S"},
      {"", "F", "S", "here 1=FS there 1+F- settled 1=FS"},
      {"FS", "S", "FRS", "here 1=RS there 1+-F settled 1=RS"},
      {"S", "", "", "settled 1="},
      {"", "T", "S", "here 1=ST there 1+T- settled 1=ST"},
      {"", "X", "", ""},  // not a flag that is kept there
      {"", "SX", "F", "here 1=FSX there 1+S- settled 1=FS"},
  };
  for (const auto& c : cases) {
    LocalView local;
    if (c.here != kGone) local["f1"] = MaildirFlags(c.here);
    for (const bool complete : {true, false}) {
      RemoteView remote{.complete = complete, .flags = {}, .vanished = {}};
      if (c.there != kGone && (complete || c.there != c.was)) remote.flags[1] = MaildirFlags(c.there);
      if (c.there == kGone && !complete) remote.vanished = imap::NumberSet({imap::NumberRange{1, 1}});
      EXPECT_EQ(text_of(make_plan(state_of({{1, c.was}}), local, remote, MaildirFlags("DFPRST"))), c.plan) << c.was << " " << c.here << " " << c.there;
    }
  }
}

TEST(Plan, NewOnesAreNeverDeleted) {
  const LocalView local{{"a", MaildirFlags("S")}, {"f2", MaildirFlags()}};
  RemoteView remote;
  remote.flags = {{2, MaildirFlags()}, {9, MaildirFlags("F")}};
  EXPECT_EQ(text_of(make_plan(state_of({{2, ""}}), local, remote, MaildirFlags("FS"))), "upload a download 9");
  EXPECT_EQ(text_of(make_plan({}, local, {}, MaildirFlags("FS"))), "upload a upload f2");
}

TEST(Match, WhatIsNotSureIsNoPair) {
  const auto print = [](std::string id, std::uint64_t size, std::string date = "d", std::int64_t time = 5) { return Fingerprint{std::move(id), std::move(date), size, time}; };
  using Prints = std::vector<Fingerprint>;
  const auto pairs = [](const Prints& here, const Prints& there) {
    std::string out;
    for (const auto& [a, b] : match(here, there)) out += std::to_string(a) + "=" + std::to_string(b) + " ";
    return out;
  };
  EXPECT_EQ(pairs({print("<a>", 1), print("<b>", 2)}, {print("<b>", 2), print("<a>", 1)}), "0=1 1=0 ");
  EXPECT_EQ(pairs({print("<a>", 1), print("<a>", 1), print("<a>", 1)}, {print("<a>", 1), print("<a>", 1)}), "0=0 1=1 ");
  EXPECT_EQ(pairs({print("<a>", 1), print("<a>", 2)}, {print("<a>", 2), print("<a>", 1)}), "0=1 1=0 ");
  EXPECT_EQ(pairs({print("<a>", 1)}, {print("<a>", 3)}), "0=0 ");        // the server has added something
  EXPECT_EQ(pairs({print("<a>", 1)}, {print("<a>", 3, "e")}), "");
  EXPECT_EQ(pairs({print("<a>", 1), print("<a>", 2)}, {print("<a>", 3)}), "");
  EXPECT_EQ(pairs({print("", 1)}, {print("", 1)}), "0=0 ");
  EXPECT_EQ(pairs({print("", 1)}, {print("", 1, "d", 6)}), "");
  EXPECT_EQ(pairs({print("", 1)}, {print("<a>", 1)}), "");
}

class JournalTest : public ::testing::Test {
 protected:
  JournalTest() : folder_(std::filesystem::temp_directory_path() / ("posthorn-sync-test-" + std::to_string(::getpid()))) { std::filesystem::create_directories(folder_); }
  ~JournalTest() override { std::filesystem::remove_all(folder_); }
  Journal open() { return Journal::open(folder_, "joe@x").value(); }
  std::string file() const { return folder_ + "/.posthorn-sync"; }
  std::string folder_;
};

std::string text_of(const FolderState& s) {
  std::map<std::uint32_t, std::string> all;
  for (const auto& [uid, m] : s.messages) all[uid] = m.unique + "[" + m.flags.letters() + "]";
  std::string out = s.mailbox + " " + std::to_string(s.uid_validity) + " " + std::to_string(s.mod_seq);
  for (const auto& [uid, m] : all) out += " " + std::to_string(uid) + "=" + m;
  for (const auto& [uid, m] : s.downloads) out += " p" + std::to_string(uid);
  for (const auto& u : s.uploads) out += " u" + u;
  return out;
}

TEST_F(JournalTest, SaysAfterEveryCutWhatWasWrittenWhole) {
  std::vector<std::string> states;
  {
    auto j = open();
    ASSERT_TRUE(j.begin("Größe x%", 7));
    const std::vector<std::function<void()>> steps = {
        [&] { j.put_message(1, MaildirFlags("FS"), "a b"); }, [&] { j.put_download(2, MaildirFlags(), "c"); }, [&] { j.put_upload("d"); },
        [&] { j.put_message(2, MaildirFlags(), "c"); },       [&] { j.put_message(3, MaildirFlags("a"), "d"); }, [&] { j.put_seal(99); },
        [&] { j.put_gone(1); },                               [&] { j.put_message(4, MaildirFlags(), "c"); }};
    states.push_back(text_of(j.state()));
    for (const auto& step : steps) {
      step();
      ASSERT_TRUE(j.write());
      states.push_back(text_of(j.state()));
    }
    EXPECT_EQ(states.back(), "Größe x% 7 99 3=d[a] 4=c[]");
  }
  std::ifstream in(file(), std::ios::binary);
  const std::string content(std::istreambuf_iterator<char>(in), {});
  std::size_t reached = 0;
  for (std::size_t n = 0; n <= content.size(); ++n) {
    std::ofstream(file(), std::ios::binary) << content.substr(0, n);
    const auto text = text_of(open().state());
    if (reached < states.size() - 1 && text == states[reached + 1]) ++reached;
    if (reached > 0 || text == states[0]) EXPECT_EQ(text, states[reached]);
    else EXPECT_EQ(text, " 0 0");
  }
  EXPECT_EQ(reached, states.size() - 1);
  // And it goes on behind a line that was cut.
  std::ofstream(file(), std::ios::binary) << content.substr(0, content.size() - 3);
  {
    auto j = open();
    j.put_message(8, MaildirFlags(), "z");
    ASSERT_TRUE(j.sync());
  }
  EXPECT_EQ(text_of(open().state()), "Größe x% 7 99 2=c[] 3=d[a] 8=z[]");
}

TEST_F(JournalTest, IsShortAgainAndKeepsToItsAccount) {
  {
    auto j = open();
    ASSERT_TRUE(j.begin("x", 7));
    for (std::uint32_t i = 0; i < 2000; ++i) j.put_message(1, MaildirFlags(i % 2 ? "S" : ""), "a");
    ASSERT_TRUE(j.write());
    const auto before = std::filesystem::file_size(file());
    ASSERT_TRUE(j.tidy());
    EXPECT_LT(std::filesystem::file_size(file()), before / 100);
  }
  EXPECT_EQ(text_of(open().state()), "x 7 0 1=a[S]");
  EXPECT_EQ(Journal::open(folder_, "ann@x").error().code, Errc::denied);
}

TEST(Lines, NamesSurvive) {
  for (const std::string name : {"a", "", "a b", "100%", "%41", "ü\n\x7f", "%"}) EXPECT_EQ(unescaped(escaped(name)), name);
  std::string line;
  put_line(line, {"a", "b"});
  std::string_view rest = line;
  EXPECT_EQ(take_line(rest)->size(), 2u);
  line[0] = 'x';
  rest = line;
  EXPECT_FALSE(take_line(rest));
}

}  // namespace
}  // namespace posthorn::sync
