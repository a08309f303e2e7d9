#include "mailfile/maildir_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace posthorn::mailfile {
namespace {

namespace fs = std::filesystem;
using enum MaildirLayout;

class MaildirTreeTest : public testing::Test {
 protected:
  MaildirTreeTest() { root = fs::temp_directory_path() / ("posthorn-tree-" + make_maildir_name().unique); }
  ~MaildirTreeTest() override { fs::remove_all(root); }
  fs::path root;
};

TEST(FolderPath, IsWrittenAsOthersWriteIt) {
  EXPECT_EQ(folder_to_path({"INBOX"}, maildir_pp), "");
  EXPECT_EQ(folder_to_path({"INBOX"}, nested), "INBOX");
  EXPECT_EQ(folder_to_path({"Archive", "2024"}, maildir_pp), ".Archive.2024");
  EXPECT_EQ(folder_to_path({"Archive", "2024"}, nested), "Archive/2024");
  EXPECT_EQ(folder_to_path({"Entwürfe"}, maildir_pp), ".Entw&APw-rfe");
  EXPECT_EQ(folder_to_path({"Entwürfe"}, maildir_pp_utf8), ".Entwürfe");
  EXPECT_EQ(folder_to_path({"a.b"}, maildir_pp), ".a%2Eb");
  EXPECT_EQ(folder_to_path({"a.b"}, nested), "a.b");
  EXPECT_EQ(folder_to_path({"100%"}, nested), "100%");
}

TEST(FolderPath, NeverLeadsOutAndComesBack) {
  const std::string hostile[] = {".",
                                 "..",
                                 "/",
                                 "a/b",
                                 "../../etc",
                                 "cur",
                                 "new",
                                 "tmp",
                                 ".hidden",
                                 "...",
                                 "%2E",
                                 "%252E",
                                 "a\nb",
                                 "\x1b[0m",
                                 "&",
                                 "&-",
                                 "&AGE-",
                                 "\xff\xfe",
                                 std::string("n\0l", 3),
                                 "INBOX",
                                 "a%2fb",
                                 "ü.ö",
                                 "日本/語",
                                 "~",
                                 "\x7f"};
  for (const auto layout : {maildir_pp, maildir_pp_utf8, nested})
    for (const auto& name : hostile) {
      const FolderPath folder{"x", name};
      const auto path = folder_to_path(folder, layout);
      ASSERT_TRUE(path) << name;
      const auto last = path->substr(path->find_last_of(layout == nested ? '/' : '.') + 1);
      EXPECT_TRUE(last != "." && last != "..") << name;
      EXPECT_TRUE(layout != nested || (last != "cur" && last != "new" && last != "tmp")) << name;
      EXPECT_EQ(std::ranges::count(*path, '/'), layout == nested ? 1 : 0) << name;
      EXPECT_EQ(std::ranges::count_if(
                    *path, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }),
                0)
          << name;
      EXPECT_EQ(path_to_folder(*path, layout), folder) << name << " " << *path;
    }
}

TEST(FolderPath, RefusesWhatIsTooMuch) {
  EXPECT_EQ(folder_to_path({std::string(256, 'x')}, nested).error().code, Errc::limit);
  EXPECT_EQ(folder_to_path(FolderPath(33, "x"), nested).error().code, Errc::limit);
  EXPECT_FALSE(folder_to_path({}, nested));
  EXPECT_FALSE(folder_to_path({"a", ""}, nested));
  EXPECT_FALSE(path_to_folder("../x", nested));
  EXPECT_FALSE(path_to_folder("a//b", nested));
}

TEST_F(MaildirTreeTest, CreatesListsRenamesAndRemoves) {
  for (const auto layout : {maildir_pp, nested}) {
    fs::remove_all(root);
    const auto tree = MaildirTree::open(root, layout).value();
    for (const FolderPath& folder :
         {FolderPath{"INBOX"}, FolderPath{"a"}, FolderPath{"a", "b"}, FolderPath{"ab"}})
      ASSERT_TRUE(tree.create(folder));
    EXPECT_EQ(tree.list(), (std::vector<FolderPath>{{"INBOX"}, {"a"}, {"a", "b"}, {"ab"}}));
    EXPECT_EQ(MaildirTree::open(root)->layout(), layout);
    EXPECT_EQ(tree.rename({"a"}, {"ab"}).error().code, Errc::exists);
    EXPECT_EQ(tree.rename({"a"}, {"a", "c"}).error().code, Errc::invalid);
    EXPECT_EQ(tree.rename({"none"}, {"c"}).error().code, Errc::not_found);
    ASSERT_TRUE(tree.rename({"a"}, {"c"}));
    EXPECT_EQ(tree.list(), (std::vector<FolderPath>{{"INBOX"}, {"ab"}, {"c"}, {"c", "b"}}));
    ASSERT_TRUE(tree.remove({"c"}));
    EXPECT_EQ(tree.list(), (std::vector<FolderPath>{{"INBOX"}, {"ab"}, {"c", "b"}}));
    EXPECT_EQ(tree.remove({"c"}).error().code, Errc::not_found);
    EXPECT_EQ(tree.remove({"INBOX"}).error().code, Errc::invalid);
    EXPECT_TRUE(tree.exists({"c", "b"}));
    EXPECT_FALSE(tree.open_folder({"c"}));
  }
}

TEST_F(MaildirTreeTest, RemovesWhatIsKnownOfTheMessagesWithThem) {
  for (const auto layout : {maildir_pp, nested}) {
    fs::remove_all(root);
    const auto tree = MaildirTree::open(root, layout).value();
    for (const FolderPath& folder : {FolderPath{"a"}, FolderPath{"a", "b"}, FolderPath{"c"}}) {
      ASSERT_TRUE(tree.create(folder));
      for (const char* file : {"/.posthorn-sync", "/.posthorn-sync.new-1", "/dovecot-keywords"})
        std::ofstream(*tree.path_of(folder) + file) << "x";
    }
    ASSERT_TRUE(tree.remove({"a"}));
    ASSERT_TRUE(tree.remove({"c"}));
    EXPECT_FALSE(fs::exists(*tree.path_of({"a"}) + "/.posthorn-sync"));
    EXPECT_TRUE(fs::exists(*tree.path_of({"a", "b"}) + "/.posthorn-sync"));
    EXPECT_FALSE(fs::exists(*tree.path_of({"c"})));
    EXPECT_EQ(std::distance(fs::directory_iterator(root), {}), 1);
  }
}

TEST_F(MaildirTreeTest, WhatComesWhileAFolderIsRemovedStays) {
  for (const auto layout : {maildir_pp, nested}) {
    fs::remove_all(root);
    const auto tree = MaildirTree::open(root, layout).value();
    ASSERT_TRUE(tree.create({"a"}));
    ASSERT_TRUE(tree.create({"a", "b"}));
    const auto path = *tree.path_of({"a"});
    std::ofstream(path + "/new/1.late.host") << "x";
    std::ofstream(path + "/.posthorn-sync") << "x";
    const auto is_empty = [&](const MaildirFolder& folder) -> Result<bool> {
      EXPECT_FALSE(fs::exists(path + "/new"));
      EXPECT_FALSE(fs::exists(path + "/.posthorn-sync"));
      EXPECT_TRUE(fs::exists(folder.path() + "/.posthorn-sync"));
      TRY(const auto entries, folder.list());
      return entries.empty();
    };
    EXPECT_EQ(tree.remove({"a"}, is_empty).error().code, Errc::busy);
    EXPECT_EQ(tree.open_folder({"a"})->list()->size(), 1u);
    EXPECT_TRUE(fs::exists(path + "/.posthorn-sync"));
    const auto fails = [](const MaildirFolder&) -> Result<bool> { return fail(Errc::io); };
    EXPECT_EQ(tree.remove({"a"}, fails).error().code, Errc::io);
    EXPECT_EQ(tree.list(), (std::vector<FolderPath>{{"a"}, {"a", "b"}}));
    fs::remove(path + "/new/1.late.host");
    EXPECT_TRUE(tree.remove({"a"}, is_empty));
    EXPECT_EQ(tree.list(), (std::vector<FolderPath>{{"a", "b"}}));
  }
}

TEST_F(MaildirTreeTest, FinishesRemovalsThatWereCutOff) {
  const auto tree = MaildirTree::open(root / "mail", nested).value();
  ASSERT_TRUE(tree.create({"a"}));
  const auto left = root / "mail" / ".posthorn-removed-1.x.host", elsewhere = root / "elsewhere";
  fs::create_directories(left / "cur");  // and no new
  std::ofstream(left / "cur" / "1.x.host:2,") << "x";
  ASSERT_TRUE(MaildirFolder::create(elsewhere));
  fs::create_directory_symlink(elsewhere, left.string() + "-link");
  const auto is_empty = [](const MaildirFolder& folder) -> Result<bool> {
    TRY(const auto entries, folder.list());
    return entries.empty();
  };
  EXPECT_EQ(tree.finish_removals(is_empty).value(), std::vector{left.string()});
  EXPECT_TRUE(fs::exists(left / "cur" / "1.x.host:2,"));
  EXPECT_FALSE(fs::exists(left.string() + "-link"));
  EXPECT_TRUE(fs::exists(elsewhere / "cur"));
  EXPECT_TRUE(tree.finish_removals([](const MaildirFolder&) -> Result<bool> { return true; })->empty());
  EXPECT_FALSE(fs::exists(left));
  EXPECT_EQ(tree.list(), (std::vector<FolderPath>{{"a"}}));
}

TEST_F(MaildirTreeTest, WhatCannotBeSeenIsNotGone) {
  for (const auto layout : {maildir_pp, nested}) {
    fs::remove_all(root);
    const auto tree = MaildirTree::open(root / "mail", layout).value();
    for (const FolderPath& folder : {FolderPath{"a"}, FolderPath{"a", "b"}, FolderPath{"c"}})
      ASSERT_TRUE(tree.create(folder));
    const auto path = *tree.path_of({"a"});
    const auto on_the_way = layout == nested ? path : *tree.path_of({"a", "b"});
    const auto disk = root / "disk";
    EXPECT_EQ(tree.find_rest({"a"}).value(), path);
    EXPECT_EQ(tree.find_rest({"none"}).value(), std::nullopt);
    fs::rename(path, disk);
    EXPECT_EQ(tree.find_rest({"a"}).value(), std::nullopt);
    fs::create_symlink(disk, path);
    EXPECT_TRUE(tree.exists({"a"}));
    fs::rename(disk, root / "elsewhere");
    EXPECT_EQ(tree.find_rest({"a"}).value(), path);  // a link to nothing
    EXPECT_EQ(tree.find_rest({"a", "b"}).value(), on_the_way);
    fs::create_directory(disk);
    EXPECT_EQ(tree.find_rest({"a"}).value(), path);
    EXPECT_EQ(tree.find_rest({"a", "b"}).value(), on_the_way);
    fs::create_directory(disk / "other");
    EXPECT_EQ(tree.find_rest({"a"}).value(), std::nullopt);
    fs::create_directory(disk / "new");
    EXPECT_EQ(tree.find_rest({"a"}).value(), path);  // half of it
    fs::create_directory(root / "mail" / "container");
    EXPECT_EQ(tree.find_rest({"container", "a", "b"}).value(), layout == nested ? std::optional((root / "mail" / "container").string()) : std::nullopt);
    EXPECT_TRUE(tree.list());
    fs::create_symlink(std::string(300, 'x'), root / "mail" / ".odd");  // looking at it fails
    EXPECT_FALSE(tree.list());
    EXPECT_FALSE(MaildirTree::open(root / "mail"));
  }
}

TEST_F(MaildirTreeTest, FindsOutTheLayout) {
  ASSERT_TRUE(MaildirFolder::create(root));
  EXPECT_EQ(MaildirTree::open(root, nested)->layout(), maildir_pp);
  ASSERT_TRUE(MaildirFolder::create(root / ".Entwürfe"));
  EXPECT_EQ(MaildirTree::open(root)->layout(), maildir_pp_utf8);
  fs::remove_all(root);
  ASSERT_TRUE(MaildirFolder::create(root));
  ASSERT_TRUE(MaildirFolder::create(root / "Work"));
  const auto tree = MaildirTree::open(root).value();
  EXPECT_EQ(tree.layout(), nested);
  EXPECT_EQ(tree.list(), (std::vector<FolderPath>{{"INBOX"}, {"Work"}}));
  EXPECT_EQ(tree.path_of({"INBOX"}), root.string());
  ASSERT_TRUE(MaildirFolder::create(root / ".posthorn-removed-1.x.host"));  // by one that was cut off
  EXPECT_EQ(MaildirTree::open(root)->layout(), nested);
}

TEST_F(MaildirTreeTest, LiesAsBeforeWhenNothingSaysOtherwise) {
  ASSERT_TRUE(MaildirFolder::create(root));
  EXPECT_EQ(MaildirTree::open(root, maildir_pp, nested)->layout(), nested);
  ASSERT_TRUE(MaildirFolder::create(root / "Lists" / "foo"));
  EXPECT_EQ(MaildirTree::open(root, maildir_pp, nested)->layout(), nested);
  ASSERT_TRUE(MaildirFolder::create(root / ".Q&A - x"));
  EXPECT_EQ(MaildirTree::open(root, maildir_pp, nested)->layout(), maildir_pp);
  EXPECT_EQ(MaildirTree::open(root, maildir_pp, maildir_pp_utf8)->layout(), maildir_pp_utf8);
  ASSERT_TRUE(MaildirFolder::create(root / ".Entw&APw-rfe"));
  EXPECT_EQ(MaildirTree::open(root, maildir_pp, maildir_pp_utf8)->layout(), maildir_pp);
}

}  // namespace
}  // namespace posthorn::mailfile
