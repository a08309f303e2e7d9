#include "sync/local_folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace posthorn::sync {
namespace {

using mailfile::MaildirFolder;

class LocalFolderTest : public testing::Test {
 protected:
  ~LocalFolderTest() override { std::filesystem::remove_all(root_); }
  void put(const std::string& name) { std::ofstream(root_ + "/cur/" + name) << "Subject: x\n\nx\n"; }
  void rename(const std::string& from, const std::string& to) { std::filesystem::rename(root_ + "/cur/" + from, root_ + "/cur/" + to); }

  const std::string root_ = std::filesystem::temp_directory_path() / ("posthorn-local-folder-test-" + std::to_string(::getpid()));
  const MaildirFolder folder_ = MaildirFolder::create(root_).value();
};

TEST_F(LocalFolderTest, LookingAgainAddsWhatCameAndTakesNothingAway) {
  put("1.a.b:2,");
  auto local = LocalFolder::open(folder_).value();
  EXPECT_FALSE(local.look_again().value());
  put("2.a.b:2,S");
  rename("1.a.b:2,", "1.a.b:2,F");
  EXPECT_TRUE(local.look_again().value());
  EXPECT_EQ(local.view().at("1.a.b"), MaildirFlags());  // what was planned with
  EXPECT_EQ(local.view().at("2.a.b"), MaildirFlags("S"));
  std::filesystem::remove(root_ + "/cur/2.a.b:2,S");
  EXPECT_FALSE(local.look_again().value());
  EXPECT_EQ(local.size(), 2u);
}

TEST_F(LocalFolderTest, FlagsThatSomebodyHasChangedMeanwhileStay) {
  for (const char* name : {"1.a.b:2,R", "2.a.b:2,R", "3.a.b:2,R"}) put(name);
  auto local = LocalFolder::open(folder_).value();
  rename("2.a.b:2,R", "2.a.b:2,F");
  std::filesystem::remove(root_ + "/cur/3.a.b:2,R");
  EXPECT_TRUE(local.set_flags("1.a.b", MaildirFlags("RS")).value());
  EXPECT_FALSE(local.set_flags("2.a.b", MaildirFlags("RS")).value());
  EXPECT_TRUE(local.set_flags("3.a.b", MaildirFlags("RS")).value());
  EXPECT_EQ(local.view().at("2.a.b"), MaildirFlags("FS"));
  std::vector<std::string> names;
  for (const auto& entry : folder_.list().value()) names.push_back(entry.name.text());
  EXPECT_EQ(names, (std::vector<std::string>{"1.a.b:2,RS", "2.a.b:2,FS"}));
}

TEST_F(LocalFolderTest, OctetsAreThoseOfTheFileWhereverItIsNow) {
  put("1.a.b:2,");
  auto local = LocalFolder::open(folder_).value();
  rename("1.a.b:2,", "1.a.b:2,F");
  EXPECT_EQ(local.octets_of("1.a.b"), 14u);
  EXPECT_EQ(local.octets_of("2.a.b"), 0u);
  std::filesystem::remove(root_ + "/cur/1.a.b:2,F");
  EXPECT_EQ(local.octets_of("1.a.b"), 0u);
}

}  // namespace
}  // namespace posthorn::sync
