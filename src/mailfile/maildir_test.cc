#include "mailfile/maildir.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "mailfile/maildir_keywords.h"

namespace posthorn::mailfile {
namespace {

namespace fs = std::filesystem;

class MaildirTest : public testing::Test {
 protected:
  MaildirTest() { root = fs::temp_directory_path() / ("posthorn-maildir-" + make_maildir_name().unique); }
  ~MaildirTest() override { fs::remove_all(root); }
  MaildirFolder folder() { return MaildirFolder::create(root).value(); }

  static MaildirEntry deliver(const MaildirFolder& to, std::string_view text,
                              MaildirName name = make_maildir_name()) {
    auto draft = MaildirDraft::begin(to, std::move(name)).value();
    EXPECT_TRUE(draft.put(text));
    EXPECT_TRUE(draft.finish());
    MaildirBatch batch(to);
    batch.add(std::move(draft), MaildirBatch::Into::new_mail);
    return batch.commit().value().at(0);
  }
  static std::string text_of(const std::string& path) { return read_whole(path, 1 << 20).value(); }
  static std::size_t count(const fs::path& path) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), {}));
  }

  fs::path root;
};

TEST(MaildirName, IsReadAndWrittenAsItStands) {
  for (const char* text : {"1.x", "1.x:2,", "1.x:2,FS", "1.x,U=5:2,S", "1.x,S=10,W=12:2,RSab",
                           "1.x,unknown,U=1", "1.x:1,experiment", "1.x:2,SFS,9"}) {
    const auto name = parse_maildir_name(text);
    ASSERT_TRUE(name) << text;
    EXPECT_EQ(name->text(), text);
  }
  EXPECT_EQ(parse_maildir_name("1.x:2,SFS,9")->flags, MaildirFlags("FS"));
  for (const std::string& bad :
       {std::string(), std::string(".hidden"), std::string("a/b"), std::string(",U=1"), std::string(":2,S"),
        std::string("a\0b", 3), std::string(256, 'x')})
    EXPECT_FALSE(parse_maildir_name(bad)) << bad;
}

TEST(MaildirName, HasFields) {
  auto name = *parse_maildir_name("1.x,U=5,S=100:2,S");
  EXPECT_EQ(name.uid(), 5u);
  EXPECT_EQ(name.field('S'), 100u);
  EXPECT_EQ(name.field('W'), std::nullopt);
  name.set_field('U', 7);
  EXPECT_EQ(name.text(), "1.x,S=100,U=7:2,S");
  name.set_field('U', {});
  EXPECT_EQ(name.text(), "1.x,S=100:2,S");
  for (const char* bad : {"1.x,U=", "1.x,U=0", "1.x,U=4294967296", "1.x,U=1x", "1.x,U=99999999999999999999"})
    EXPECT_EQ(parse_maildir_name(bad)->uid(), std::nullopt) << bad;
}

TEST(MaildirName, IsNeverTheSame) {
  const auto a = make_maildir_name(), b = make_maildir_name();
  EXPECT_NE(a.unique, b.unique);
  EXPECT_EQ(parse_maildir_name(a.text()), a);
}

TEST_F(MaildirTest, DeliversWholeMessagesIntoNewOrCur) {
  const auto to = folder();
  auto plain = MaildirDraft::begin(to).value();
  ASSERT_TRUE(plain.put("Subject: a\n"));
  ASSERT_TRUE(plain.put(std::string(200'000, 'x')));
  ASSERT_TRUE(plain.finish(SysTime(std::chrono::milliseconds(1'000'000'000'500))));
  auto name = make_maildir_name();
  name.flags = MaildirFlags("SF");
  auto seen = MaildirDraft::begin(to, name).value();
  ASSERT_TRUE(seen.put("b"));
  ASSERT_TRUE(seen.finish());
  EXPECT_TRUE(to.list()->empty());
  MaildirBatch batch(to);
  batch.add(std::move(plain), MaildirBatch::Into::new_mail);
  batch.add(std::move(seen), MaildirBatch::Into::new_mail);
  auto delivered = batch.commit().value();
  ASSERT_EQ(delivered.size(), 2u);
  EXPECT_TRUE(delivered[0].is_new);
  EXPECT_FALSE(delivered[1].is_new);
  EXPECT_TRUE(to.path_of(delivered[1]).ends_with(":2,FS"));
  EXPECT_EQ(to.list()->size(), 2u);
  EXPECT_EQ(to.facts(delivered[0])->size, 200'011u);
  EXPECT_EQ(to.facts(delivered[0])->internal_date, SysTime(std::chrono::milliseconds(1'000'000'000'500)));
  EXPECT_EQ(count(root / "tmp"), 0u);
}

TEST_F(MaildirTest, LeavesNothingOfADraftThatIsGivenUp) {
  const auto to = folder();
  {
    auto draft = MaildirDraft::begin(to).value();
    ASSERT_TRUE(draft.put("half a mess"));
    EXPECT_EQ(count(root / "tmp"), 1u);
  }
  EXPECT_EQ(count(root / "tmp"), 0u);
}

TEST_F(MaildirTest, OverwritesNoOtherMessage) {
  const auto to = folder();
  const auto first = deliver(to, "one", *parse_maildir_name("same"));
  auto draft = MaildirDraft::begin(to, *parse_maildir_name("same")).value();
  ASSERT_TRUE(draft.put("two"));
  ASSERT_TRUE(draft.finish());
  MaildirBatch batch(to);
  batch.add(std::move(draft), MaildirBatch::Into::new_mail);
  EXPECT_EQ(batch.commit().error().code, Errc::exists);
  EXPECT_EQ(text_of(to.path_of(first)), "one");
}

TEST_F(MaildirTest, FindsAMessageThatAReaderHasRenamed) {
  const auto to = folder();
  auto entry = deliver(to, "one");
  auto reader = entry;
  ASSERT_TRUE(to.set_flags(reader, MaildirFlags("S")));
  EXPECT_TRUE(to.open_message(entry));
  EXPECT_EQ(entry, reader);
  auto late = MaildirEntry{.name = *parse_maildir_name(entry.name.base()), .is_new = true};
  ASSERT_TRUE(to.set_flags(late, MaildirFlags("FS")));
  EXPECT_EQ(to.list()->at(0).name.flags, MaildirFlags("FS"));
  ASSERT_TRUE(to.remove(entry));
  EXPECT_EQ(to.remove(late).error().code, Errc::not_found);
  EXPECT_TRUE(to.list()->empty());
}

TEST_F(MaildirTest, ChangesNothingOfWhatHasAnotherNameNow) {
  const auto to = folder();
  auto entry = deliver(to, "one");
  auto reader = entry;
  EXPECT_TRUE(to.set_flags_as(reader, MaildirFlags("S")).value());
  EXPECT_FALSE(to.set_flags_as(entry, MaildirFlags("R")).value());
  EXPECT_FALSE(to.remove_as(entry).value());
  EXPECT_EQ(to.list().value(), std::vector{reader});
  EXPECT_TRUE(to.set_flags_as(reader, MaildirFlags("S")).value());
  EXPECT_TRUE(to.remove_as(reader).value());
  EXPECT_FALSE(to.set_flags_as(reader, MaildirFlags("S")).value());
}

TEST_F(MaildirTest, FindsAMessageWhoseFlagsStandAsWeWouldNotWriteThem) {
  const auto to = folder();
  for (const char* name : {"1.x,S=3:2,SF", "2.x:2,SS", "3.x:2,S,9"}) std::ofstream(root / "cur" / name) << "abc";
  auto all = to.list().value();
  ASSERT_EQ(all.size(), 3u);
  for (auto& entry : all) EXPECT_TRUE(to.open_message(entry));
  EXPECT_EQ(all[0].name.flags, MaildirFlags("FS"));
  ASSERT_TRUE(to.set_flags(all[0], MaildirFlags("SFR")));
  EXPECT_EQ(to.path_of(all[0]), (root / "cur" / "1.x,S=3:2,FRS").string());
  for (auto& entry : all) EXPECT_TRUE(to.remove(entry));
  EXPECT_TRUE(to.list()->empty());
}

TEST_F(MaildirTest, GivesAUidByRenaming) {
  const auto to = folder();
  auto entry = deliver(to, "one");
  auto name = entry.name;
  name.set_field('U', 9);
  ASSERT_TRUE(to.rename(entry, name));
  EXPECT_EQ(to.list()->at(0).name.uid(), 9u);
}

TEST_F(MaildirTest, MovesBetweenFolders) {
  const auto from = folder();
  const auto to = MaildirFolder::create(root / ".Sub").value();
  auto entry = deliver(from, "one");
  const auto moved = from.move_to(entry, to, make_maildir_name()).value();
  EXPECT_TRUE(from.list()->empty());
  EXPECT_EQ(text_of(to.path_of(moved)), "one");
}

TEST_F(MaildirTest, DeliversWhatAnEarlierProcessLeft) {
  const auto to = folder();
  const auto name = *parse_maildir_name("left,S=3");
  std::ofstream(root / "tmp" / "left") << "abc";
  const auto entry = deliver_left_over(to, name, MaildirBatch::Into::new_mail).value();
  EXPECT_EQ(text_of(to.path_of(entry)), "abc");
  EXPECT_EQ(deliver_left_over(to, name, MaildirBatch::Into::new_mail).error().code, Errc::not_found);
}

TEST_F(MaildirTest, FollowsNoLinkAndIgnoresStrangers) {
  const auto to = folder();
  std::ofstream(root / "secret") << "secret";
  fs::create_symlink(root / "secret", root / "new" / "1.link");
  fs::create_directory(root / "cur" / "directory");
  std::ofstream(root / "cur" / ".hidden") << "x";
  auto all = to.list().value();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_FALSE(to.open_message(all[0]));
}

TEST_F(MaildirTest, RemovesOnlyWhatIsOldFromTmp) {
  const auto to = folder();
  std::ofstream(root / "tmp" / "young") << "x";
  to.clean_tmp(now());
  EXPECT_EQ(count(root / "tmp"), 1u);
  to.clean_tmp(now() + std::chrono::hours(37));
  EXPECT_EQ(count(root / "tmp"), 0u);
}

TEST_F(MaildirTest, GivesNoLetterThatOthersHaveGivenMeanwhile) {
  const auto to = folder();
  auto mine = MaildirKeywords::read(to).value(), others = MaildirKeywords::read(to).value();
  EXPECT_EQ(mine.letter_for("work"), 'a');
  EXPECT_EQ(others.letter_for("home"), 'b');
  EXPECT_EQ(others.letter_for("work"), 'a');
  EXPECT_EQ(mine.letter_for("home"), 'b');
  EXPECT_EQ(MaildirKeywords::read(to)->name('a'), "work");
}

TEST_F(MaildirTest, KeepsKeywordsAsDovecotDoes) {
  const auto to = folder();
  std::ofstream(root / "dovecot-keywords") << "0 $Forwarded\n3 work\nbroken\n26 many\n1 \n";
  auto keywords = MaildirKeywords::read(to).value();
  EXPECT_EQ(keywords.name('a'), "$Forwarded");
  EXPECT_EQ(keywords.find("WORK"), 'd');
  EXPECT_EQ(keywords.letter_for("home"), 'b');
  EXPECT_EQ(MaildirKeywords::read(to)->find("home"), 'b');
  EXPECT_EQ(keywords.letter_for("two words").error().code, Errc::invalid);
  for (int i = 0; i < 23; ++i) EXPECT_TRUE(keywords.letter_for("k" + std::to_string(i)));
  EXPECT_EQ(keywords.letter_for("one more").error().code, Errc::invalid);
  EXPECT_EQ(keywords.letter_for("more").error().code, Errc::limit);
}

}  // namespace
}  // namespace posthorn::mailfile
