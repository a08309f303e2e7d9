#include "copy/outstanding.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "async/reactor.h"

namespace posthorn::copy {
namespace {

namespace fs = std::filesystem;
using imap::NumberSet;

class OutstandingFile : public testing::Test {
 protected:
  const std::string path_ = (fs::temp_directory_path() / ("posthorn-outstanding-" + std::to_string(::getpid()))).string();
  WorkerPool workers_{1};
  void TearDown() override { fs::remove(path_); }
  Outstanding open(std::string source = "imap://joe@old") { return *Outstanding::open(path_, std::move(source), workers_); }
  void set(Outstanding& file, FolderPath folder, std::uint32_t validity, std::vector<imap::NumberRange> uids) {
    EXPECT_TRUE(run_task(file.set(folder, folder, validity, NumberSet(std::move(uids)))));
  }
};

TEST_F(OutstandingFile, SaysWhatWasWritten) {
  auto file = open();
  EXPECT_EQ(file.find({"INBOX"}, {"INBOX"}, 7), nullptr);
  set(file, {"INBOX"}, 7, {{1, 5}, {9, 9}});
  set(file, {"a\nb", "c"}, 4294967295, {});
  auto again = open();
  ASSERT_TRUE(again.find({"INBOX"}, {"INBOX"}, 7));
  EXPECT_EQ(*again.find({"INBOX"}, {"INBOX"}, 7), NumberSet({{1, 5}, {9, 9}}));
  ASSERT_TRUE(again.find({"a\nb", "c"}, {"a\nb", "c"}, 4294967295));
  EXPECT_TRUE(again.find({"a\nb", "c"}, {"a\nb", "c"}, 4294967295)->empty());
  EXPECT_EQ(again.find({"INBOX"}, {"INBOX"}, 8), nullptr);
  set(again, {"INBOX"}, 8, {{3, 3}});
  EXPECT_EQ(open().find({"INBOX"}, {"INBOX"}, 7), nullptr);
}

TEST_F(OutstandingFile, OfOneSourceSaysNothingOfAnother) {
  auto file = open();
  set(file, {"INBOX"}, 7, {{1, 5}});
  EXPECT_EQ(file.find({"Sent"}, {"INBOX"}, 7), nullptr);
  auto other = open("imap://ann@old");
  EXPECT_EQ(other.find({"INBOX"}, {"INBOX"}, 7), nullptr);
  set(other, {"INBOX"}, 7, {});
  EXPECT_EQ(*open().find({"INBOX"}, {"INBOX"}, 7), NumberSet({{1, 5}}));
}

TEST_F(OutstandingFile, WhatIsDamagedTellsNothing) {
  auto file = open();
  set(file, {"INBOX"}, 7, {{1, 5}});
  std::string text;
  std::getline(std::ifstream(path_), text, '\0');
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"1:5", "1:x"}, {"1:5", "1:*"}, {"1:5", "$"}, {"1:5", ""}, {" 7 ", " 7x "}, {"1:5\n", "1:5"}, {"copy 2", "copy 1"}}) {
    auto other = text;
    other.replace(other.find(from), from.size(), to);
    std::ofstream(path_, std::ios::trunc) << other;
    EXPECT_EQ(open().find({"INBOX"}, {"INBOX"}, 7), nullptr) << other;
  }
}

TEST_F(OutstandingFile, WithoutAHomeNothingIsKnown) {
  auto file = *Outstanding::open("", "imap://joe@old", workers_);
  set(file, {"INBOX"}, 7, {{1, 5}});
  EXPECT_TRUE(file.find({"INBOX"}, {"INBOX"}, 7));
  EXPECT_EQ(Outstanding::open("", "imap://joe@old", workers_)->find({"INBOX"}, {"INBOX"}, 7), nullptr);
}

}  // namespace
}  // namespace posthorn::copy
