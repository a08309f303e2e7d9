#include "store/page_codec.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <random>

#include "crypto/digest.h"

namespace posthorn::store {
namespace {

void expect_same(const std::vector<Entry>& got, const std::vector<Entry>& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(got[i].uid, wanted[i].uid);
    EXPECT_EQ(got[i].flags, wanted[i].flags);
    EXPECT_EQ(got[i].keywords, wanted[i].keywords);
    EXPECT_EQ(got[i].mod_seq, wanted[i].mod_seq);
    EXPECT_EQ(got[i].message, wanted[i].message);
    EXPECT_EQ(got[i].size, wanted[i].size);
    EXPECT_EQ(got[i].internal_date, wanted[i].internal_date);
    EXPECT_EQ(std::int64_t{got[i].save_date}, std::int64_t{wanted[i].save_date});
    EXPECT_FALSE(got[i].overlaid);
  }
}

Entry entry(std::uint32_t uid) {
  Entry e;
  e.uid = Uid(uid);
  e.message = MessageId((std::uint64_t{1} << 50) + uid * 16ull);
  e.mod_seq = ModSeq(7);
  e.size = 2000 + uid % 300;
  e.internal_date = {1'700'000'000 + uid, 60};
  e.save_date = 1'700'000'000;
  return e;
}

std::vector<Entry> mailbox(std::uint32_t n) {
  std::vector<Entry> entries;
  for (std::uint32_t uid = 1; uid <= n; ++uid) entries.push_back(entry(uid));
  return entries;
}

TEST(Page, OfAUsualMailboxIsSmall) {
  const auto entries = mailbox(512);
  const auto row = encode_page(entries);
  EXPECT_LT(row.size(), 2048u);
  expect_same(*decode_page(row), entries);
}

TEST(Page, SurvivesAnyValues) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<Entry> entries(1 + random() % 40);
    std::uint32_t uid = 0;
    const auto number = [&] { return random() >> random() % 64; };
    for (Entry& e : entries) {
      e.uid = Uid(uid += 1 + static_cast<std::uint32_t>(random() % (round % 2 ? 3 : 100'000'000)));
      e.flags = static_cast<std::uint8_t>(random() & kAllSystemFlags);
      e.keywords = number();
      e.mod_seq = ModSeq(number());
      e.message = MessageId(number());
      e.size = static_cast<std::uint32_t>(number());
      e.internal_date.seconds = static_cast<std::int64_t>(number() >> 17) * (random() % 2 ? 1 : -1);
      e.internal_date.zone_minutes = static_cast<std::int16_t>(random() % 1700) - 840;
      e.save_date = static_cast<std::int64_t>(number() >> 17) * (random() % 2 ? 1 : -1);
    }
    expect_same(*decode_page(encode_page(entries)), entries);
  }
}

TEST(Page, KeepsTheExtremes) {
  auto entries = mailbox(3);
  entries[0].keywords = 0;
  entries[1].keywords = std::numeric_limits<std::uint64_t>::max();
  entries[0].internal_date = {-1, -840};
  entries[2].internal_date = {(std::int64_t{1} << 47) - 1, 840};
  entries[2].uid = Uid(0xFFFFFFFF);
  expect_same(*decode_page(encode_page(entries)), entries);
}

TEST(Page, ShowsAnyDamage) {
  const auto row = encode_page(mailbox(20));
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i >= 1 && i <= 3) continue;  // they say nothing
    auto damaged = row;
    damaged[i] ^= 1;
    EXPECT_FALSE(decode_page(damaged)) << i;
    EXPECT_FALSE(decode_page(std::string_view(row).substr(0, i))) << i;
  }
}

// The checksum is right, and the columns are not: never read beyond the row.
TEST(Page, OfAnotherShapeIsRefused) {
  std::mt19937_64 random(2);
  const auto good = encode_page(mailbox(20));
  for (int round = 0; round < 2'000; ++round) {
    auto row = good.substr(0, 9 + random() % (good.size() - 8));
    for (int i = 0; i < 3; ++i) row[8 + random() % (row.size() - 8)] = static_cast<char>(random());
    const auto checksum = crypto::crc32c(std::string_view(row).substr(8));
    std::memcpy(row.data() + 4, &checksum, 4);
    const auto got = decode_page(row);
    if (got) EXPECT_LE(got->size(), 65535u);
  }
}

TEST(Page, OfVersionOneIsRead) {
  const auto wanted = mailbox(2);
  std::string row(8, '\0');
  row[0] = 1;
  const auto put = [&](std::uint64_t v, std::size_t bytes) { row.append(reinterpret_cast<const char*>(&v), bytes); };
  for (const Entry& e : wanted) {
    put(e.uid.value(), 4);
    put(e.flags, 1);
    put(0, 1);
    put(static_cast<std::uint64_t>(std::int64_t{e.internal_date.zone_minutes}), 2);
    put(e.size, 4);
    put(e.message.value(), 8);
    put(e.keywords, 8);
    put(e.mod_seq.value(), 8);
    put(static_cast<std::uint64_t>(std::int64_t{e.internal_date.seconds}), 8);
    put(static_cast<std::uint64_t>(std::int64_t{e.save_date}), 8);
  }
  const auto checksum = crypto::crc32c(std::string_view(row).substr(8));
  std::memcpy(row.data() + 4, &checksum, 4);
  expect_same(*decode_page(row), wanted);
  row[9] ^= 1;
  EXPECT_FALSE(decode_page(row));
}

}  // namespace
}  // namespace posthorn::store
