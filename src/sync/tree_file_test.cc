#include "sync/tree_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "mailfile/file.h"

namespace posthorn::sync {
namespace {

namespace fs = std::filesystem;
using enum mailfile::MaildirLayout;

TEST(TreeFile, RemembersFoldersAndLayout) {
  const std::string root = fs::temp_directory_path() / ("posthorn-tree-" + mailfile::make_maildir_name().unique);
  for (const auto layout : {maildir_pp, maildir_pp_utf8, nested}) {
    const auto tree = mailfile::MaildirTree::open(root, layout).value();
    ASSERT_TRUE(write_tree_file(tree, "joe@mail.test", {{"a b", {.agreed = {.uid_validity = 1, .uid_next = 2}, .mailbox_id = "M", .changed = {}}}}));
    const auto read = read_tree_file(root, "joe@mail.test").value();
    ASSERT_EQ(read.size(), 1u);
    EXPECT_EQ(read.at("a b").agreed.uid_next, 2u);
    EXPECT_EQ(read_layout(root), layout);
    EXPECT_EQ(read_tree_file(root, "eve@mail.test").error().code, Errc::denied);
  }
  // As it was before layouts were written down.
  const auto path = root + "/.posthorn-sync-tree";
  auto text = mailfile::read_whole(path, 10'000).value();
  text.erase(text.rfind("layout"));
  std::ofstream(path) << text;
  EXPECT_EQ(read_tree_file(root, "joe@mail.test")->size(), 1u);
  EXPECT_EQ(read_layout(root), std::nullopt);
  fs::remove_all(root);
}

}  // namespace
}  // namespace posthorn::sync
