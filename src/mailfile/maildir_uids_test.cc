#include "mailfile/maildir_uids.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

namespace posthorn::mailfile {
namespace {

std::string text(const Result<MaildirUids>& uids) {
  if (!uids) return uids.error().text;
  std::string out = std::to_string(uids->uid_validity) + "/" + std::to_string(uids->uid_next);
  std::vector<std::pair<std::uint32_t, std::string>> sorted;
  for (const auto& [name, uid] : uids->uids) sorted.emplace_back(uid, name);
  std::ranges::sort(sorted);
  for (const auto& [uid, name] : sorted) out += " " + std::to_string(uid) + "=" + name;
  return out;
}

TEST(MaildirUids, OfDovecot) {
  const std::pair<const char*, const char*> kCases[] = {
      {"3 V1700000000 N12 Gabcdef\n5 :1.M1.h,S=3:2,S\n9 W12 S3 :2.M2.h\n", "1700000000/12 5=1.M1.h 9=2.M2.h"},
      {"3 V7 N3\n5 :a:2,\n", "7/6 5=a"},                                    // a UIDNEXT that is too low
      {"3 V7 N9\nx :a\n0 :b\n4294967296 :c\n5\n6 :\n7 :d", "7/9 7=d"},      // lines that were being written
      {"3 V7 N9\n5 :a\n6 :a,S=1\n", "7/9 6=a"},                             // the last one counts
      {"1 7 9\n", "the list of UIDs cannot be understood"},
      {"3 N9\n", "the list of UIDs cannot be understood"},
      {"", "the list of UIDs cannot be understood"},
  };
  for (const auto& [file, expected] : kCases) EXPECT_EQ(text(parse_dovecot_uids(file)), expected) << file;
}

TEST(MaildirUids, OfCourier) {
  EXPECT_EQ(text(parse_courier_uids("1 1700000000 12\n5 1.M1.h,S=3\n9 2.M2.h\n")), "1700000000/12 5=1.M1.h 9=2.M2.h");
  EXPECT_EQ(text(parse_courier_uids("2 7 9\n")), "the list of UIDs cannot be understood");
}

TEST(MaildirUids, AreWrittenAndRead) {
  std::string path = testing::TempDir() + "/uidsXXXXXX";
  ASSERT_TRUE(::mkdtemp(path.data()));
  const auto folder = MaildirFolder::create(path + "/box");
  ASSERT_TRUE(folder);
  EXPECT_EQ(text(MaildirUids::read(*folder)), "0/0");
  MaildirUids uids{7, 30, {{"b", 12}, {"a", 3}}};
  ASSERT_TRUE(uids.write(*folder));
  EXPECT_EQ(text(MaildirUids::read(*folder)), "7/30 3=a 12=b");
  std::filesystem::remove_all(path);
}

}  // namespace
}  // namespace posthorn::mailfile
