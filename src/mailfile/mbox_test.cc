#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "mailfile/line_ends.h"
#include "mailfile/maildir_name.h"
#include "mailfile/mbox_reader.h"
#include "mailfile/mbox_writer.h"

namespace posthorn::mailfile {
namespace {

namespace fs = std::filesystem;
constexpr const char* kFrom = "From joe@example.org Wed Jan  3 01:05:34 1996\n";

struct Collect final : MboxReader::Events {
  Result<void> begin(const MboxMessage& m) override {
    seen += "<" + m.sender + " " + m.flags + ">";
    return {};
  }
  Result<void> put(std::string_view bytes) override {
    seen += bytes;
    return {};
  }
  Result<void> end() override {
    seen += "|";
    return {};
  }
  std::string seen;
};

std::string read(std::string_view text, MboxKind kind = MboxKind::mboxrd) {
  std::string first;
  for (const std::size_t step : {text.size() + 1, std::size_t{1}, std::size_t{7}}) {
    MboxReader reader(kind);
    Collect got;
    Result<void> done;
    for (auto rest = text; done && !rest.empty(); rest.remove_prefix(std::min(step, rest.size())))
      done = reader.feed(rest.substr(0, step), got);
    if (done) done = reader.finish(got);
    if (!done) got.seen = "error";
    if (first.empty()) first = got.seen;
    EXPECT_EQ(got.seen, first) << step;
  }
  return first;
}

std::string write(std::string_view text, std::string_view flags = {}, std::size_t step = 1000) {
  std::string out;
  MboxEncoder encoder;
  encoder.begin(out, "joe@example.org", SysTime(std::chrono::seconds(820631134)), flags);
  for (; !text.empty(); text.remove_prefix(std::min(step, text.size())))
    encoder.put(out, text.substr(0, step));
  encoder.finish(out);
  return out;
}

TEST(MboxFromLine, IsToldFromASentence) {
  EXPECT_EQ(mbox_from_line("joe@example.org", SysTime(std::chrono::seconds(820631134))) + "\n", kFrom);
  EXPECT_TRUE(mbox_from_line("a b\n", SysTime()).starts_with("From MAILER-DAEMON Thu Jan  1"));
  const auto from = parse_mbox_from_line("From joe@example.org Wed Jan  3 01:05:34 1996");
  ASSERT_TRUE(from && from->when);
  EXPECT_EQ(*from->when, SysTime(std::chrono::seconds(820631134)));
  EXPECT_TRUE(parse_mbox_from_line("From - Sat Jan 03 01:05:34 1996"));
  EXPECT_TRUE(parse_mbox_from_line("From joe Sat Jan  3 01:05:34 +0100 1996 remote from x"));
  for (const char* none : {"From here on it rains", "From: joe", "From", "From joe",
                           ">From joe Sat Jan  3 01:05:34 1996", "From a: b"})
    EXPECT_FALSE(parse_mbox_from_line(none)) << none;
}

TEST(Mbox, IsRead) {
  const std::string from = kFrom;
  EXPECT_EQ(read(""), "");
  EXPECT_EQ(read("Subject: no\n"), "error");
  EXPECT_EQ(read(from + "Subject: a\n\nbody\n\n" + from + "Subject: b\n\n"),
            "<joe@example.org >Subject: a\n\nbody\n|<joe@example.org >Subject: b\n|");
  EXPECT_EQ(read(from + "A: b\n\n>From x\n>>From y\n>no\n"),
            "<joe@example.org >A: b\n\nFrom x\n>From y\n>no\n|");
  EXPECT_EQ(read(from + "A: b\n\n>From x\n>>From y\n", MboxKind::mboxo),
            "<joe@example.org >A: b\n\nFrom x\n>>From y\n|");
  EXPECT_EQ(read(from + "A: b\n\nFrom here on\n\nFrom now on\n\n\n" + from + "\nx"),
            "<joe@example.org >A: b\n\nFrom here on\n\nFrom now on\n\n|<joe@example.org >\nx|");
  EXPECT_EQ(read(from + "Status: RO\nX-Status: AF\n more\nA: b\n\nx\n"), "<joe@example.org FRS>A: b\n\nx\n|");
  EXPECT_EQ(read(from + "Content-Length: 100000\n\nx\n\n" + from + "A: b\n\n"),
            "<joe@example.org >Content-Length: 100000\n\nx\n|<joe@example.org >A: b\n|");
  EXPECT_EQ(read(from + "A: b\r\n\r\nx\r\n\r\n" + from + "C: d\n"),
            "<joe@example.org >A: b\r\n\r\nx\r\n|<joe@example.org >C: d\n|");
}

TEST(Mbox, HoldsHostileContent) {
  const std::string from = kFrom;
  const std::string nul("A: b\n\n\0\r\r\n\0", 11);
  EXPECT_EQ(read(from + nul), "<joe@example.org >" + nul + "|");
  const std::string endless = "A: b\n\n" + std::string(300'000, 'x');
  EXPECT_EQ(read(from + endless), "<joe@example.org >" + endless + "|");
  const std::string header(400'000, 'h');
  EXPECT_EQ(read(from + header + "\n\nx\n"), "<joe@example.org >" + header + "\n\nx\n|");
}

TEST(Mbox, IsWrittenSoThatItIsReadAgain) {
  for (const std::string& text :
       {std::string("Subject: a\n\nFrom x\n>From y\n\nFrom z\n"), std::string("A: b\n\n\n\n"),
        std::string("A: b\n"), std::string("A: b\n\nno end\n"),
        "A: b\n\n" + std::string(kMboxLine + 10, 'x') + "\nFrom x\n",
        "A: b\n\n" + std::string(kMboxLine - 5, '>') + "From \n"}) {
    EXPECT_EQ(read(write(text) + write("B: c\n\nx\n")),
              "<joe@example.org >" + text + "|<joe@example.org >B: c\n\nx\n|");
    EXPECT_EQ(write(text, {}, 1), write(text));
  }
  EXPECT_EQ(write("Status: O\nA: b\n\nx", "DFRST"),
            std::string(kFrom) + "A: b\nStatus: RO\nX-Status: AFTD\n\nx\n\n");
  EXPECT_EQ(read(write("A: b\n\nx\n", "DFRST")), "<joe@example.org DFRST>A: b\n\nx\n|");
}

class MboxFile : public testing::Test {
 protected:
  MboxFile() {
    path = (fs::temp_directory_path() / ("posthorn-mbox-" + make_maildir_name().unique)).string();
  }
  ~MboxFile() override { fs::remove(path); }
  std::string text() const { return read_whole(path, 1 << 20).value(); }
  std::string path;
};

TEST_F(MboxFile, GrowsByWholeAppendsOnly) {
  {
    auto append = MboxAppend::begin(path).value();
    ASSERT_TRUE(append.put("one\n\n"));
    EXPECT_TRUE(fs::exists(path + ".lock"));
    EXPECT_EQ(MboxAppend::begin(path, std::chrono::milliseconds(0)).error().code, Errc::busy);
    ASSERT_TRUE(append.commit());
  }
  EXPECT_FALSE(fs::exists(path + ".lock"));
  {
    auto append = MboxAppend::begin(path).value();
    ASSERT_TRUE(append.put("given up"));
  }
  EXPECT_EQ(text(), "one\n\n");
  struct stat at {};
  EXPECT_EQ(::stat(path.c_str(), &at), 0);
  EXPECT_EQ(at.st_mode & 0777, 0600u);
}

TEST_F(MboxFile, PutsAnEmptyLineBeforeWhatFollows) {
  for (const char* before : {"x", "x\n", "x\n\n"}) {
    std::ofstream(path) << before;
    auto append = MboxAppend::begin(path).value();
    ASSERT_TRUE(append.separate());
    ASSERT_TRUE(append.put("y\n\n"));
    ASSERT_TRUE(append.commit());
    EXPECT_EQ(text(), "x\n\ny\n\n");
  }
}

TEST_F(MboxFile, IsCutBack) {
  std::ofstream(path) << "one\n\nhalf";
  auto append = MboxAppend::begin(path).value();
  ASSERT_TRUE(append.cut_back(5));
  EXPECT_EQ(text(), "one\n\n");
}

// As mail programs write a mailbox anew: under PATH.lock, beside it, and renamed over it.
TEST_F(MboxFile, IsTheOneThatHasTheNameWhenTheLockIsFree) {
  for (const bool renamed : {true, false}) {
    std::ofstream(path) << "one\n\n";
    std::ofstream(path + ".lock") << "";
    auto begun = std::async(std::launch::async, [this] { return MboxAppend::begin(path); });
    begun.wait_for(std::chrono::milliseconds(200));  // it waits, and may have the file open
    if (renamed) {
      std::ofstream(path + ".new") << "two\n\n";
      fs::rename(path + ".new", path);
    } else {
      fs::remove(path);
    }
    fs::remove(path + ".lock");
    auto append = begun.get();
    ASSERT_TRUE(append);
    ASSERT_TRUE(append->put("three\n\n"));
    ASSERT_TRUE(append->commit());
    EXPECT_EQ(text(), renamed ? "two\n\nthree\n\n" : "three\n\n");
  }
}

TEST_F(MboxFile, IsTheOneThatHasTheNameWhenFcntlIsFree) {
  std::ofstream(path) << "one\n\n";
  auto held = open_file(path, O_RDWR).value();
  struct flock whole {};
  whole.l_type = F_WRLCK;
  ASSERT_EQ(::fcntl(held.fd(), F_OFD_SETLK, &whole), 0);
  EXPECT_EQ(MboxAppend::begin(path, std::chrono::milliseconds(0)).error().code, Errc::busy);
  auto begun = std::async(std::launch::async, [this] { return MboxAppend::begin(path); });
  begun.wait_for(std::chrono::milliseconds(200));
  std::ofstream(path + ".new") << "two\n\n";
  fs::rename(path + ".new", path);
  held.close();
  auto append = begun.get();
  ASSERT_TRUE(append);
  ASSERT_TRUE(append->put("three\n\n"));
  ASSERT_TRUE(append->commit());
  EXPECT_EQ(text(), "two\n\nthree\n\n");
}

TEST_F(MboxFile, IsNotCommittedWhereItHasLostItsName) {
  auto append = MboxAppend::begin(path).value();
  ASSERT_TRUE(append.put("one\n\n"));
  std::ofstream(path + ".new") << "two\n\n";
  fs::rename(path + ".new", path);
  EXPECT_EQ(append.commit().error().code, Errc::busy);
  EXPECT_EQ(text(), "two\n\n");
}

TEST_F(MboxFile, DoesNotWaitForALockThatWasLeftBehind) {
  std::ofstream(path + ".lock") << "";
  fs::last_write_time(path + ".lock", fs::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_TRUE(MboxAppend::begin(path, std::chrono::milliseconds(500)));
  // 4194304 is the greatest number of a process, and no process has it.
  std::ofstream(path + ".lock") << "posthorn 4194304 " << boot_id() << "\n";
  EXPECT_TRUE(MboxAppend::begin(path, std::chrono::milliseconds(500)));
  std::ofstream(path + ".lock") << "posthorn 4194304 elsewhere\n";
  EXPECT_FALSE(MboxAppend::begin(path, std::chrono::milliseconds(100)));
  fs::remove(path + ".lock");
}

TEST(ToCrlf, EndsEachLineWithCrlfHoweverTheTextIsCut) {
  const std::string text = "a\nb\r\nc\rd\r\r\n\n\n\re", wanted = "a\r\nb\r\nc\rd\r\r\n\r\n\r\n\re";
  for (std::size_t first = 0; first <= text.size(); ++first)
    for (std::size_t second = first; second <= text.size(); ++second) {
      ToCrlf lines, counted;
      std::string out;
      std::uint64_t count = 0;
      for (const auto& piece : {text.substr(0, first), text.substr(first, second - first), text.substr(second)}) {
        lines.put(out, piece);
        count += counted.count(piece);
      }
      EXPECT_EQ(out, wanted) << first << " " << second;
      EXPECT_EQ(count, wanted.size());
    }
}

}  // namespace
}  // namespace posthorn::mailfile
