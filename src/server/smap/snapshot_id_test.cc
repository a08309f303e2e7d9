#include "server/smap/snapshot_id.h"

#include <gtest/gtest.h>

namespace posthorn::smap {
namespace {

const Snapshot kSnapshot{.owner = AccountId(7), .mailbox = MailboxId(3), .uid_validity = UidValidity(0xFFFFFFFF), .mod_seq = ModSeq(1ULL << 62),
                         .messages = 100'000, .last_uid = Uid(123'456)};
constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";

TEST(SnapshotId, IsKnownToItsUserOnly) {
  const auto id = snapshot_id(kSnapshot, AccountId(9), kSecret);
  EXPECT_EQ(parse_snapshot_id(id, AccountId(9), kSecret), kSnapshot);
  EXPECT_EQ(parse_snapshot_id(id, AccountId(7), kSecret), std::nullopt);
  EXPECT_EQ(parse_snapshot_id(id, AccountId(9), "another secret of this length.."), std::nullopt);
}

TEST(SnapshotId, CannotBeChanged) {
  const auto id = snapshot_id(kSnapshot, AccountId(9), kSecret);
  for (std::size_t i = 0; i < id.size(); ++i) {
    auto other = id;
    other[i] = other[i] == '0' ? '1' : '0';
    EXPECT_EQ(parse_snapshot_id(other, AccountId(9), kSecret), std::nullopt) << i;
  }
  for (const std::string& bad : {std::string(), id + "0", id.substr(1), std::string("../../etc/passwd"), std::string(id.size(), '1'), std::string(id.size(), 'x')})
    EXPECT_EQ(parse_snapshot_id(bad, AccountId(9), kSecret), std::nullopt) << bad;
}

}  // namespace
}  // namespace posthorn::smap
