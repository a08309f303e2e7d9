#include "sync/tree_watch.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace posthorn::sync {
namespace {

TEST(TreeWatch, HearsOfMessagesAndFoldersAndNothingElse) {
  const std::string root = std::filesystem::temp_directory_path() / ("posthorn-watch-test-" + std::to_string(::getpid()));
  const auto tree = mailfile::MaildirTree::open(root, mailfile::MaildirLayout::nested).value();
  const auto folder = tree.create({"Work"}).value();
  auto watch = TreeWatch::open().value();
  ASSERT_TRUE(watch.cover(tree));
  EXPECT_FALSE(watch.drain());
  const auto write = [](const std::string& path) { std::ofstream(path) << "x"; };
  // inotify tells at once, before the system call that caused it has returned.
  write(folder.path() + "/new/1.a.b");
  EXPECT_TRUE(watch.drain());
  EXPECT_FALSE(watch.drain());
  std::filesystem::rename(folder.path() + "/new/1.a.b", folder.path() + "/cur/1.a.b:2,S");
  EXPECT_TRUE(watch.drain());
  std::filesystem::rename(folder.path() + "/cur/1.a.b:2,S", folder.path() + "/cur/1.a.b:2,FS");
  EXPECT_TRUE(watch.drain());
  std::filesystem::remove(folder.path() + "/cur/1.a.b:2,FS");
  EXPECT_TRUE(watch.drain());
  write(folder.path() + "/.posthorn-sync");
  write(root + "/.posthorn-sync-tree");
  write(folder.path() + "/tmp/2.a.b");
  EXPECT_FALSE(watch.drain());
  const auto other = tree.create({"New"}).value();
  EXPECT_TRUE(watch.drain());
  ASSERT_TRUE(watch.cover(tree));
  EXPECT_FALSE(watch.drain());
  write(other.path() + "/new/3.a.b");
  EXPECT_TRUE(watch.drain());
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace posthorn::sync
