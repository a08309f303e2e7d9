// Files are taken in once, whatever happens; what is no message is put aside; for trouble of our own they stay.
#include "server/drop/drop_box.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "config/core_settings.h"
#include "kv/memory/memory_store.h"
#include "server/drop/settings.h"

namespace posthorn::drop {
namespace {

namespace fs = std::filesystem;

class DropBoxTest : public ::testing::Test {
 protected:
  DropBoxTest() {
    char name[] = "/tmp/posthorn-drop-XXXXXX";
    root = ::mkdtemp(name);
    path = root + "/drop";
    open();
    EXPECT_TRUE(run_task(directory->add_domain("example.test", {})));
  }
  ~DropBoxTest() override {
    close();
    fs::remove_all(root);
  }
  void open() {
    blobs.emplace(*kv);
    EXPECT_TRUE(run_task(blobs->open()));
    store = std::make_unique<store::MailStore>(*kv, *blobs, workers);
    EXPECT_TRUE(run_task(store->open()));
    directory.emplace(*kv);
    EXPECT_TRUE(run_task(directory->open()));
    queue.emplace(*kv, *blobs);
    EXPECT_TRUE(run_task(queue->open()));
    auto opened = DropDirectory::open(path);
    ASSERT_TRUE(opened) << opened.error().text;
    box.emplace(
        DropParts{.kv = *kv, .store = *store, .queue = *queue, .directory = *directory, .trace = nullptr, .hostname = "mail.example.test"},
        *std::move(opened));
  }
  void close() {
    box.reset();
    queue.reset();
    directory.reset();
    if (store) store->close();
    store.reset();
    blobs.reset();
  }
  // What was not synced is lost.
  void crash() {
    auto left = kv->after_crash();
    close();
    kv = std::move(left);
    open();
    EXPECT_TRUE(run_task(box->recover()));
  }
  std::size_t look() {
    const auto looked = run_task(box->look());
    EXPECT_TRUE(looked) << looked.error().text;
    return looked.value_or(0);
  }
  void drop(const DropEnvelope& envelope, std::string_view message = "Subject: x\n\nhello\n") {
    auto writer = DropWriter::create(path);
    ASSERT_TRUE(writer) << writer.error().text;
    std::string head;
    put_head(head, envelope);
    ASSERT_TRUE(writer->write(head));
    ASSERT_TRUE(writer->write(message));
    ASSERT_TRUE(writer->commit());
  }
  std::vector<std::string> files(const std::string& below = "") {
    std::vector<std::string> out;
    if (fs::exists(path + below))
      for (const auto& entry : fs::directory_iterator(path + below))
        if (!entry.is_directory()) out.push_back(entry.path().filename());
    return out;
  }
  std::string text_of(const queue::Listed& listed) {
    return run_task(blobs->read(listed.id, 0, listed.entry.size)).value_or("");
  }
  std::vector<queue::Listed> queued() { return run_task(queue->list({}, {}, 1000)).value().entries; }
  std::size_t rows() { return run_task(static_cast<kv::Store&>(*kv).scan({kv::Space::meta, 0, "drop/", "drop0"})).value().rows.size(); }

  std::string root, path;
  WorkerPool workers{1};
  std::unique_ptr<kv::MemoryStore> kv = std::make_unique<kv::MemoryStore>();
  std::optional<blob::Blobs> blobs;
  std::unique_ptr<store::MailStore> store;
  std::optional<auth::Directory> directory;
  std::optional<queue::Queue> queue;
  std::optional<DropBox> box;
};

TEST_F(DropBoxTest, TakesAFileInAndRemovesIt) {
  struct stat at{};
  ASSERT_EQ(::stat(path.c_str(), &at), 0);
  EXPECT_EQ(at.st_mode & 07777, 03733u);
  drop({.sender = "", .recipients = {"root", "bob@elsewhere.test"}});
  ASSERT_EQ(files().size(), 1u);
  ASSERT_EQ(::stat((path + '/' + files()[0]).c_str(), &at), 0);
  EXPECT_EQ(at.st_mode & 07777, 0640u);
  EXPECT_EQ(look(), 1u);
  EXPECT_TRUE(files().empty());
  EXPECT_EQ(rows(), 0u);
  const auto entries = queued();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].entry.reverse_path, "");
  EXPECT_EQ(entries[0].waiting, 2u);
  EXPECT_EQ(look(), 0u);
}

// The removal was lost, and the row's: the file is there again.
TEST_F(DropBoxTest, ACrashBehindTheCommitDoublesNothing) {
  drop({.sender = {}, .recipients = {"bob@elsewhere.test"}});
  const auto name = files().at(0);
  fs::copy_file(path + '/' + name, root + "/copy");
  EXPECT_EQ(look(), 1u);
  crash();
  EXPECT_EQ(queued().size(), 1u);
  fs::rename(root + "/copy", path + '/' + name);
  kv::Batch row;
  row.put(kv::Space::meta, 0, "drop/" + name, "1");
  ASSERT_TRUE(run_task(kv->commit(std::move(row))));
  EXPECT_EQ(look(), 0u);  // also without recover()
  EXPECT_TRUE(files().empty());
  EXPECT_EQ(queued().size(), 1u);
  EXPECT_EQ(rows(), 0u);
}

TEST_F(DropBoxTest, ACrashBeforeTheRemovalLeavesARow) {
  drop({.sender = {}, .recipients = {"bob@elsewhere.test"}});
  const auto name = files().at(0);
  fs::copy_file(path + '/' + name, root + "/copy");
  EXPECT_EQ(look(), 1u);
  auto left = kv->after_crash();  // the row was erased without a sync
  close();
  kv = std::move(left);
  open();
  fs::rename(root + "/copy", path + '/' + name);
  EXPECT_TRUE(run_task(box->recover()));
  EXPECT_TRUE(files().empty());
  EXPECT_EQ(rows(), 0u);
  EXPECT_EQ(look(), 0u);
  EXPECT_EQ(queued().size(), 1u);
}

TEST_F(DropBoxTest, TroubleOfOurOwnLeavesTheFile) {
  drop({.sender = {}, .recipients = {"bob@elsewhere.test"}});
  kv->set_faults({.before_commit = [](const kv::Batch&) { return Result<void>(fail(Errc::no_space, "full")); }});
  EXPECT_EQ(look(), 0u);
  EXPECT_EQ(files().size(), 1u);
  kv->set_faults({});
  EXPECT_EQ(look(), 1u);
  EXPECT_EQ(queued().size(), 1u);
}

TEST_F(DropBoxTest, WhatIsNoMessageIsPutAsideAndBounded) {
  for (int i = 0; i < 120; ++i) {
    std::ofstream out(path + '/' + new_file_name());
    out << "rubbish " << i;
  }
  EXPECT_EQ(look(), 0u);
  EXPECT_TRUE(files().empty());
  EXPECT_EQ(files("/bad").size(), DropDirectory::kMostBad);
  EXPECT_TRUE(queued().empty());
}

// The command has ended with 0: he thinks that they are sent.
TEST_F(DropBoxTest, WhoLeftAMessageThatCannotBeSentIsTold) {
  std::string loop;
  for (int i = 0; i < 51; ++i) loop += "Received: from x\n";
  const std::string header = "Subject: quarterly figures\n";
  ASSERT_TRUE(config::kMaxMessageSize.set(std::string("64 KiB")));
  for (const auto& [to, message] : {std::pair<std::string, std::string>("a b", header + "\nx\n"),
                                    {"bob@elsewhere.test", header + loop + "\nx\n"},
                                    {"bob@elsewhere.test", header + '\n' + std::string(60'000, '\n')},  // too large with CRLF
                                    {"bob@elsewhere.test", header + '\n' + std::string(2 << 20, 'x')}}) {
    const auto had = queued().size();
    drop({.sender = "ann@example.test", .recipients = {to}}, message);
    EXPECT_EQ(look(), 0u);
    const auto entries = queued();
    ASSERT_EQ(entries.size(), had + 1);
    EXPECT_EQ(entries.back().entry.reverse_path, "");
    const auto text = text_of(entries.back());
    EXPECT_NE(text.find("To: <ann@example.test>\r\n"), text.npos) << text;
    EXPECT_NE(text.find("Subject: quarterly figures\r\n"), text.npos) << text;
    EXPECT_NE(text.find("was not sent"), text.npos) << text;
    EXPECT_TRUE(files().empty());
    EXPECT_EQ(rows(), 0u);
  }
  config::kMaxMessageSize.reset();
  EXPECT_EQ(files("/bad").size(), 4u);
  EXPECT_EQ(look(), 0u);
  EXPECT_EQ(queued().size(), 4u);
  // Who wants none gets none; what has no sender is told to the postmaster.
  drop({.sender = {}, .recipients = {"a b"}, .full_name = {}, .ret = {}, .envelope_id = {}, .notify = smtp::Notify{.never = true}});
  EXPECT_EQ(look(), 0u);
  EXPECT_EQ(queued().size(), 4u);
  drop({.sender = "", .recipients = {"a b"}});
  EXPECT_EQ(look(), 0u);
  EXPECT_NE(text_of(queued().back()).find("To: <postmaster@"), std::string::npos);
}

TEST_F(DropBoxTest, AReportThatCannotBeQueuedComesLater) {
  drop({.sender = {}, .recipients = {"a b"}});
  kv->set_faults({.before_commit = [](const kv::Batch&) { return Result<void>(fail(Errc::no_space, "full")); }});
  EXPECT_EQ(look(), 0u);
  EXPECT_EQ(files().size(), 1u);
  kv->set_faults({});
  EXPECT_EQ(look(), 0u);
  EXPECT_TRUE(files().empty());
  EXPECT_EQ(queued().size(), 1u);
}

// Who made them can keep them from being removed, and anybody may.
TEST_F(DropBoxTest, DirectoriesDoNotStandInTheWay) {
  for (std::size_t i = 0; i <= DropDirectory::kMost; ++i) fs::create_directory(path + '/' + new_file_name());
  fs::create_directories(path + '/' + new_file_name() + "/full");
  drop({.sender = {}, .recipients = {"bob@elsewhere.test"}});
  EXPECT_EQ(look(), 1u);
  EXPECT_EQ(look(), 0u);
  EXPECT_EQ(queued().size(), 1u);
}

TEST_F(DropBoxTest, WhatCannotBePutAsideIsRemoved) {
  fs::remove(path + "/bad");
  std::ofstream(path + "/bad") << "in the way";
  std::ofstream(path + '/' + new_file_name()) << "rubbish";
  drop({.sender = {}, .recipients = {"bob@elsewhere.test"}});
  EXPECT_EQ(look(), 1u);
  EXPECT_EQ(files(), std::vector<std::string>{"bad"});
}

TEST_F(DropBoxTest, TroubleOfOurOwnIsNoBadFile) {
  drop({.sender = {}, .recipients = {"bob@elsewhere.test"}});
  auto opened = DropDirectory::open(path);
  ASSERT_TRUE(opened);
  const auto name = files().at(0);
  rlimit had{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &had), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = had.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto taken = opened->take(name);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &had), 0);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::io);
  fs::create_symlink("/etc/hostname", path + '/' + "link");
  EXPECT_EQ(opened->take("link").error().code, Errc::invalid);
}

TEST_F(DropBoxTest, AHeadAsLongAsAHeadMayBe) {
  DropEnvelope envelope{.sender = {}, .recipients = {}, .full_name = "n"};
  const auto size = [&] {
    std::string head;
    put_head(head, envelope);
    return head.size();
  };
  const std::string local(200, 'x'), domain = "@elsewhere.test";
  const auto line = ("recipient " + local + "0000" + domain + '\n').size();
  const auto count = (kMaxHead - size()) / line;
  for (std::size_t i = 0; i < count; ++i) envelope.recipients.push_back(local + std::to_string(1000 + i) + domain);
  envelope.full_name.append(kMaxHead - size(), 'n');
  ASSERT_EQ(size(), kMaxHead);
  drop(envelope, "Subject: whole\n\nall of it\n");
  EXPECT_EQ(look(), 1u);
  ASSERT_EQ(queued().size(), 1u);
  EXPECT_NE(text_of(queued()[0]).find("all of it\r\n"), std::string::npos);
}

TEST_F(DropBoxTest, OtherFilesAreLeftAlone) {
  for (const auto* name : {"notes", "0-1.mail", "x.part"}) std::ofstream(path + '/' + name) << "x";
  EXPECT_EQ(look(), 0u);
  EXPECT_EQ(files().size(), 3u);
}

TEST_F(DropBoxTest, AWriterThatGivesUpLeavesNothing) {
  {
    auto writer = DropWriter::create(path);
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->write("half"));
    EXPECT_EQ(files().size(), 1u);
  }
  EXPECT_TRUE(files().empty());
  EXPECT_EQ(DropWriter::create(root + "/nothing").error().code, Errc::not_found);
}

// Where the server could not read it, the sender has to hear of that.
TEST_F(DropBoxTest, ADirectoryWithoutTheServersGroup) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be several users";
  ASSERT_EQ(::chown(path.c_str(), 12345, 12345), 0);
  ASSERT_EQ(::chmod(path.c_str(), 01733), 0);
  EXPECT_EQ(DropWriter::create(path).error().code, Errc::io);
  EXPECT_TRUE(files().empty());
  ASSERT_EQ(::chmod(path.c_str(), 03733), 0);
  EXPECT_TRUE(DropWriter::create(path));
}

TEST_F(DropBoxTest, NamesSortByTimeAndAreOurs) {
  const auto a = new_file_name();
  EXPECT_TRUE(is_file_name(a));
  EXPECT_FALSE(is_file_name(a + "x"));
  EXPECT_FALSE(is_file_name("../" + a.substr(3)));
}

}  // namespace
}  // namespace posthorn::drop
