#include "sync/settling.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "async/reactor.h"

namespace posthorn::sync {
namespace {

using mailfile::MaildirFolder;

class SettlingTest : public testing::Test {
 protected:
  ~SettlingTest() override { std::filesystem::remove_all(root_); }
  void put(const std::string& name) { std::ofstream(folder_.path() + name) << "x"; }
  std::uint64_t digest() const { return digest_of(folder_.list().value()); }
  // What is known of it then.
  MaildirFolder::Changed settle(std::uint64_t names) {
    KnownFolders known{{"INBOX", {}}, {"Other", {}}};
    Settling settling;
    settling.add("INBOX", folder_, names);
    const auto probe = mailfile::open_file(root_ + "/probe", O_RDWR | O_CREAT).value();
    run_task(settling.finish(known, probe.fd()));
    EXPECT_EQ(known.at("Other").changed, MaildirFolder::Changed());
    return known.at("INBOX").changed;
  }

  const std::string root_ = std::filesystem::temp_directory_path() / ("posthorn-settling-test-" + std::to_string(::getpid()));
  const MaildirFolder folder_ = MaildirFolder::create(root_ + "/folder").value();
};

TEST_F(SettlingTest, AFolderThatIsAsItWasIsBelievedAndLaterChangesShow) {
  // Again and again, as it is about ticks of a clock.
  for (int i = 0; i < 20; ++i) {
    put("/new/" + std::to_string(i) + ".a.b");
    const auto believed = settle(digest());
    ASSERT_NE(believed, MaildirFolder::Changed());
    ASSERT_EQ(folder_.changed().value(), believed);
    std::filesystem::rename(folder_.path() + "/new/" + std::to_string(i) + ".a.b", folder_.path() + "/cur/" + std::to_string(i) + ".a.b:2,S");
    ASSERT_NE(folder_.changed().value(), believed);
  }
}

TEST_F(SettlingTest, AFolderThatHasChangedMeanwhileIsNotBelieved) {
  put("/cur/1.a.b:2,");
  const auto names = digest();
  std::filesystem::rename(folder_.path() + "/cur/1.a.b:2,", folder_.path() + "/cur/1.a.b:2,F");
  EXPECT_EQ(settle(names), MaildirFolder::Changed());
  std::filesystem::rename(folder_.path() + "/cur/1.a.b:2,F", folder_.path() + "/cur/1.a.b:2,");
  EXPECT_NE(settle(names), MaildirFolder::Changed());
}

}  // namespace
}  // namespace posthorn::sync
