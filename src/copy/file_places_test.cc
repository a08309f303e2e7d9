#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "async/reactor.h"
#include "async/worker_pool.h"
#include "copy/maildir_place.h"
#include "copy/mbox_place.h"

namespace posthorn::copy {
namespace {

namespace fs = std::filesystem;

class IntoTexts final : public LetterSink {
 public:
  Task<Result<void>> take(Letter letter) override {
    std::string text;
    for (;;) {
      CO_TRY(const auto piece, letter.octets.read(text.size()));
      if (piece.empty()) break;
      text += piece;
    }
    texts.push_back(std::move(text));
    co_return Result<void>{};
  }
  std::vector<std::string> texts;
};

class FilePlaces : public testing::Test {
 protected:
  fs::path folder_ = fs::temp_directory_path() / ("posthorn-places-" + std::to_string(::getpid()));
  WorkerPool workers_{1};

  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text, std::ios::openmode mode = std::ios::trunc) {
    const auto path = (folder_ / name).string();
    std::ofstream(path, std::ios::binary | mode) << text;
    return path;
  }
  static Task<Result<void>> list_all(MailPlace& place, std::vector<MessageInfo>& out) {
    CO_TRY_OK(co_await place.enter({.path = {"INBOX"}}, Entering::to_read));
    CO_TRY(out, co_await place.list(false));
    co_return Result<void>{};
  }
  static Result<std::vector<std::string>> read(MailPlace& place, std::vector<std::uint32_t> uids) {
    IntoTexts sink;
    TRY_OK(run_task(place.read(std::move(uids), sink)));
    return std::move(sink.texts);
  }
};

std::string in_mbox(const std::string& text) { return "From joe@example.org Sat Jan  3 01:05:34 1996\n\n" + text + "\n\n"; }

TEST_F(FilePlaces, AnMboxThatIsWrittenAnewWhileItIsReadGivesNobodyElsesText) {
  const auto path = write("box", in_mbox("first") + in_mbox("second") + in_mbox("third!"));
  const auto place = run_task(open_mbox_place(path, workers_));
  ASSERT_TRUE(place);
  std::vector<MessageInfo> all;
  ASSERT_TRUE(run_task(list_all(**place, all)));
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(*read(**place, {1, 3}), (std::vector<std::string>{"\r\nfirst\r\n", "\r\nthird!\r\n"}));
  write("box", in_mbox("fourth"), std::ios::app);
  EXPECT_EQ(*read(**place, {2}), std::vector<std::string>{"\r\nsecond\r\n"});
  write("box", in_mbox("second") + in_mbox("third!") + in_mbox("fourth"));
  EXPECT_EQ(read(**place, {2}).error().code, Errc::busy);
}

TEST_F(FilePlaces, AnMboxIsReadInPiecesThatMemoryHolds) {
  std::string text;
  std::vector<std::uint32_t> uids;
  for (std::uint32_t i = 1; i <= 1000; ++i) {
    text += in_mbox("number " + std::to_string(i));
    uids.push_back(i);
  }
  const auto place = run_task(open_mbox_place(write("box", text), workers_));
  std::vector<MessageInfo> all;
  ASSERT_TRUE(run_task(list_all(**place, all)));
  const auto texts = read(**place, uids);
  ASSERT_TRUE(texts);
  ASSERT_EQ(texts->size(), 1000u);
  EXPECT_EQ(texts->back(), "\r\nnumber 1000\r\n");
  EXPECT_EQ(read(**place, {1, 1001}).error().code, Errc::not_found);
}

TEST_F(FilePlaces, AMessageOfAMaildirThatMayNotBeReadKeepsNoOtherBack) {
  for (const auto* part : {"cur", "new", "tmp"}) fs::create_directories(folder_ / "Maildir" / part);
  const auto elsewhere = write("elsewhere", "\nnot ours\n");
  write("Maildir/cur/1.a.host:2,S", "\nours\n");
  fs::create_symlink(elsewhere, folder_ / "Maildir" / "cur" / "2.b.host:2,S");
  const auto place = run_task(open_maildir_place((folder_ / "Maildir").string(), workers_));
  std::vector<MessageInfo> all;
  ASSERT_TRUE(run_task(list_all(**place, all)));
  std::vector<std::uint32_t> uids;
  for (const auto& one : all) uids.push_back(one.uid);
  EXPECT_EQ(uids.size(), 2u);
  EXPECT_EQ(*read(**place, uids), std::vector<std::string>{"\r\nours\r\n"});
}

// The run that brought them was killed before it wrote its list: their names say which UIDs they have.
TEST_F(FilePlaces, UidsOfAKilledRunStayWhenUidnextIsWritten) {
  for (const auto* part : {"cur", "new", "tmp"}) fs::create_directories(folder_ / "Maildir" / part);
  write("Maildir/cur/1.a.host,U=4,S=6:2,S", "\none\n");
  write("Maildir/cur/2.b.host,U=9,S=6:2,S", "\ntwo\n");
  write("Maildir/dovecot-uidlist", "3 V7 N1\n");
  for (int run = 0; run < 3; ++run) {
    const auto place = run_task(open_maildir_place((folder_ / "Maildir").string(), workers_));
    std::vector<MessageInfo> all;
    ASSERT_TRUE(run_task(list_all(**place, all)));
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].uid, 4u) << run;
    EXPECT_EQ(all[1].uid, 9u) << run;
    EXPECT_TRUE(*run_task((*place)->keep_numbers({.uid_validity = 7, .uid_next = 0})));
    EXPECT_TRUE(*run_task((*place)->keep_numbers({.uid_validity = 7, .uid_next = 31})));
    run_task((*place)->close());
  }
}

}  // namespace
}  // namespace posthorn::copy
