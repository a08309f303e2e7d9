#include "sync/journal.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace posthorn::sync {
namespace {

class JournalDamage : public testing::Test {
 protected:
  JournalDamage() {
    std::string pattern = (std::filesystem::temp_directory_path() / "posthorn-journal-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~JournalDamage() override { std::filesystem::remove_all(folder_); }

  Journal open() {
    auto journal = Journal::open(folder_, "joe@here");
    EXPECT_TRUE(journal) << journal.error().text;
    return *std::move(journal);
  }
  std::string text() const {
    std::ifstream in(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void set_text(const std::string& text) const { std::ofstream(path(), std::ios::binary | std::ios::trunc) << text; }
  std::string path() const { return folder_ + "/" + std::string(Journal::kName); }
  void fill(std::uint32_t count) {
    auto journal = open();
    ASSERT_TRUE(journal.begin("INBOX", 7));
    for (std::uint32_t uid = 1; uid <= count; ++uid) journal.put_message(uid, MaildirFlags("S"), "f" + std::to_string(uid));
    ASSERT_TRUE(journal.write());
  }

  std::string folder_;
};

TEST_F(JournalDamage, WhateverACrashLeavesOfTheEndIsCutOff) {
  fill(3);
  const auto whole = text();
  const auto two = whole.rfind("m 3");
  for (std::size_t size = two; size < whole.size(); ++size) {
    set_text(whole.substr(0, size));
    auto journal = open();
    EXPECT_EQ(journal.state().messages.size(), 2) << size;
    journal.put_message(4, {}, "f4");
    ASSERT_TRUE(journal.write());
    EXPECT_EQ(open().state().messages.size(), 3) << size;
  }
}

// What is known in part only would make the rest new on both sides.
TEST_F(JournalDamage, DamageBeforeTheEndMakesEverythingUnknown) {
  fill(5);
  const auto whole = text();
  for (std::size_t at = whole.find("mailbox"); at + 1 < whole.rfind("m 5"); ++at) {
    auto damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    set_text(damaged);
    EXPECT_TRUE(open().state().mailbox.empty()) << at;
  }
}

TEST_F(JournalDamage, WhatTheServerHasTakenIsKnownUntilItsUidIs) {
  fill(1);
  {
    auto journal = open();
    for (const char* unique : {"f2", "f3", "f4", "f5"}) journal.put_upload(unique);
    for (const char* unique : {"f2", "f3", "f4"}) journal.put_taken(unique);
    journal.put_message(2, {}, "f2");
    journal.put_no_upload("f3");
    ASSERT_TRUE(journal.write());
  }
  for (int i = 0; i < 2; ++i) {
    auto journal = open();
    EXPECT_EQ(journal.state().uploads, (std::unordered_set<std::string>{"f4", "f5"}));
    EXPECT_EQ(journal.state().taken, std::unordered_set<std::string>{"f4"});
    ASSERT_TRUE(journal.replace());
  }
}

TEST_F(JournalDamage, NothingIsWrittenBehindHalfALine) {
  fill(2);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto journal = open();
  journal.put_message(3, {}, "f3");
  journal.put_message(4, {}, "f4");
  const rlimit tight{.rlim_cur = text().size() + 7, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  const auto full = journal.write();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Errc::no_space);
  EXPECT_EQ(open().state().messages.size(), 2);
  EXPECT_TRUE(journal.write());
  EXPECT_EQ(open().state().messages.size(), 4);
}

}  // namespace
}  // namespace posthorn::sync
