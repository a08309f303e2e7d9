// The place of one message in one mailbox.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace posthorn::store {

// [RFC3501 2.3.2] System flags as bits.  \Recent is a matter of the session, not of the entry.
enum SystemFlag : std::uint8_t { kSeen = 1, kAnswered = 2, kFlagged = 4, kDeleted = 8, kDraft = 16 };
constexpr std::uint8_t kAllSystemFlags = 31;

// A mailbox has at most this many keywords; an entry has them as a bit set over MailboxState::keywords.
constexpr std::size_t kMaxKeywords = 64;

// [RFC3501 2.3.3] With the zone it was given in.
struct InternalDate {
  std::int64_t seconds : 48 = 0;  // since 1970-01-01 UTC
  std::int64_t zone_minutes : 16 = 0;
  friend bool operator==(const InternalDate&, const InternalDate&) = default;
};

struct Entry {
  Uid uid;
  std::uint32_t size = 0;       // RFC822.SIZE, bytes
  InternalDate internal_date;
  MessageId message;
  std::uint64_t keywords = 0;
  ModSeq mod_seq;
  std::int64_t save_date : 48 = 0;  // seconds since 1970 UTC: when it came into this mailbox [RFC8514]
  std::uint8_t flags = 0;       // SystemFlag bits
  bool overlaid = false;        // in memory only: newer than its page on disk
};
static_assert(sizeof(Entry) == 48);  // a mailbox of a million is held in memory

struct UidRange {
  Uid first, last;  // inclusive, first <= last
  friend bool operator==(const UidRange&, const UidRange&) = default;
};
// Ascending, disjoint, not adjacent.
using UidSet = std::vector<UidRange>;
UidSet make_uid_set(std::vector<UidRange> any_order);
UidSet uid_set_of(const std::vector<Uid>& ascending);
bool contains(const UidSet&, Uid);

}  // namespace posthorn::store
