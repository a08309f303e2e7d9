#include "store/view.h"

#include <gtest/gtest.h>

#include <array>

#include "store/mailbox.h"
#include "store/page_codec.h"
#include "store/rows.h"

namespace posthorn::store {
namespace {

PagePtr page(std::vector<std::pair<std::uint32_t, std::uint8_t>> entries) {
  auto p = std::make_shared<Page>();
  for (auto [uid, flags] : entries) {
    Entry e;
    e.uid = Uid(uid);
    e.flags = flags;
    p->entries.push_back(e);
  }
  return p;
}

std::string text(const View& v) {
  std::string out;
  v.for_each([&](std::uint32_t i, const Entry& e) { out += std::to_string(i) + ":" + std::to_string(e.uid.value()) + " "; });
  return out;
}

TEST(View, FindsByIndexAndUid) {
  View v({page({{2, 0}, {4, 0}}), page({{7, 0}})});
  EXPECT_EQ(v.size(), 3u);
  EXPECT_EQ(v.at(2).uid, Uid(7));
  EXPECT_EQ(v.find(Uid(4)), 1u);
  EXPECT_EQ(v.find(Uid(5)), std::nullopt);
  EXPECT_EQ(v.lower_bound(Uid(1)), 0u);
  EXPECT_EQ(v.lower_bound(Uid(5)), 2u);
  EXPECT_EQ(v.lower_bound(Uid(8)), 3u);
  EXPECT_EQ(View().last_uid(), Uid(0));
}

TEST(View, TheDifferenceOfTwoVersions) {
  auto shared = page({{1, 0}, {2, 0}});
  View before({shared, page({{3, 0}, {4, 0}, {5, 0}}), page({{6, 0}})});
  View after({shared, page({{3, 1}, {5, 0}}), page({{7, 0}, {8, 0}})});
  auto d = diff(before, after);
  EXPECT_EQ(d.expunged, (std::vector<std::uint32_t>{3, 5}));
  EXPECT_EQ(d.changed, std::vector<std::uint32_t>{2});
  EXPECT_EQ(d.added, 2u);
}

TEST(View, WhatMustNotBeToldIsKept) {
  auto shared = page({{1, 0}, {2, 0}});
  View told({shared, page({{3, 0}, {4, 0}, {5, 0}}), page({{6, 0}})});
  View now({shared, page({{3, 1}, {5, 0}}), page({{7, 0}, {8, 0}})});
  auto kept = with_expunged_kept(told, now);
  EXPECT_EQ(text(*kept), "0:1 1:2 2:3 3:4 4:5 5:6 6:7 7:8 ");
  EXPECT_EQ(kept->at(2).flags, 1);
  auto later = diff(*kept, now);
  EXPECT_EQ(later.expunged, (std::vector<std::uint32_t>{3, 5}));
  EXPECT_TRUE(later.changed.empty());
  EXPECT_EQ(later.added, 0u);
  EXPECT_EQ(text(*with_expunged_kept(told, View())), text(told));
}

TEST(View, AnOwnChangeIsShownAndNoOther) {
  const auto with = [](std::vector<std::array<std::uint32_t, 4>> entries) {  // UID, flags, keywords, mod-sequence
    auto p = std::make_shared<Page>();
    for (const auto& [uid, flags, keywords, mod_seq] : entries) {
      Entry e;
      e.uid = Uid(uid);
      e.flags = static_cast<std::uint8_t>(flags);
      e.keywords = keywords;
      e.mod_seq = ModSeq(mod_seq);
      p->entries.push_back(e);
    }
    return p;
  };
  const auto shared = page({{1, 0}, {2, 0}});
  const View told({shared, with({{3, 0, 0, 1}, {4, 0, 0, 1}, {5, 0, 0, 1}})});
  // 3 has got flags from us, and keywords from somebody else; 4 flags from somebody else; 5 is gone; 6 is new.
  const View now({shared, with({{3, 1, 1, 3}, {4, 1, 0, 2}, {6, 0, 0, 2}})});
  const auto mine = with_own_change(told, now, {{Uid(3), Uid(3)}, {Uid(5), Uid(9)}}, EntryPart::flags);
  EXPECT_EQ(text(*mine), text(told));
  EXPECT_EQ(mine->at(2).flags, 1);
  EXPECT_EQ(mine->at(2).keywords, 0u);
  EXPECT_EQ(mine->at(3).flags, 0);
  EXPECT_EQ(mine->pages()[0], shared);
  const auto later = diff(*mine, now);
  EXPECT_EQ(later.changed, (std::vector<std::uint32_t>{2, 3}));
  // When all of it is ours, nothing is left to be told, and the page is one.
  const View next({shared, with({{3, 1, 0, 4}, {4, 0, 0, 1}, {5, 0, 0, 1}})});
  const auto same = with_own_change(told, next, {{Uid(3), Uid(3)}}, EntryPart::flags);
  EXPECT_EQ(same->pages()[1], next.pages()[1]);
  EXPECT_TRUE(diff(*same, next).changed.empty());
}

TEST(UidSet, IsAscendingAndMerged) {
  EXPECT_EQ(make_uid_set({{Uid(5), Uid(6)}, {Uid(1), Uid(2)}, {Uid(3), Uid(3)}, {Uid(6), Uid(9)}}),
            (UidSet{{Uid(1), Uid(3)}, {Uid(5), Uid(9)}}));
  UidSet set{{Uid(2), Uid(4)}, {Uid(8), Uid(8)}};
  EXPECT_TRUE(contains(set, Uid(4)));
  EXPECT_FALSE(contains(set, Uid(5)));
  EXPECT_FALSE(contains(set, Uid(1)));
  EXPECT_EQ(decode_uids(encode_uids(set)), set);
}

TEST(Rows, SurviveTheRoundTripAndDamageShows) {
  Entry e;
  e.uid = Uid(7);
  e.flags = kSeen;
  e.internal_date = {-5, -90};
  e.size = 123;
  e.message = MessageId(1ull << 60);
  e.keywords = 5;
  e.mod_seq = ModSeq(99);
  e.save_date = 1'700'000'000;
  auto row = encode_entry(e);
  auto got = decode_entry(Uid(7), row);
  ASSERT_TRUE(got);
  EXPECT_EQ(encode_entry(*got), row);
  EXPECT_EQ(got->internal_date, e.internal_date);
  for (std::size_t n = 0; n < row.size(); ++n) EXPECT_FALSE(decode_entry(Uid(7), std::string_view(row).substr(0, n)));
  MailboxState m;
  m.id = MailboxId(3);
  m.name = "Grüße";
  m.keywords = {"a", "b"};
  auto mailbox_row = encode_mailbox(m);
  EXPECT_EQ(encode_mailbox(*decode_mailbox(MailboxId(3), mailbox_row)), mailbox_row);
  for (std::size_t n = 0; n < mailbox_row.size(); ++n)
    EXPECT_FALSE(decode_mailbox(MailboxId(3), std::string_view(mailbox_row).substr(0, n)));
}

TEST(Rows, OfVersionOneAreRead) {
  MailboxState m;
  m.name = "a";
  m.messages = m.deleted = 2;
  m.keywords = {"k"};
  auto row = encode_mailbox(m);
  ASSERT_TRUE(row.ends_with(std::string("\1\0", 2)));  // bytes of deleted ones, no access control list
  row.resize(row.size() - 2);
  row[0] = 1;
  auto old = decode_mailbox(MailboxId(1), row);
  ASSERT_TRUE(old);
  EXPECT_EQ(old->keywords, m.keywords);
  EXPECT_EQ(old->deleted_bytes, std::nullopt);
  EXPECT_EQ(decode_mailbox(MailboxId(1), encode_mailbox(*old))->deleted_bytes, std::nullopt);
  const auto message = decode_message(MessageId(7), "\1summary");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->thread, ThreadId(7));
  EXPECT_EQ(message->summary, "summary");
  EXPECT_EQ(decode_message(MessageId(7), encode_message(ThreadId(5), "summary"))->thread, ThreadId(5));
  for (std::string damage : {"", "\2short", "\3summary..."}) EXPECT_FALSE(decode_message(MessageId(7), damage));
}

TEST(Pages, KnowWhatTheirEntriesHave) {
  auto made = [](std::vector<std::pair<std::uint32_t, std::uint8_t>> entries) { return make_page(Page(*page(std::move(entries)))); };
  View v({made({{1, kSeen}, {2, kSeen | kDeleted}}), made({{3, kSeen}, {4, kSeen}}), page({{5, 0}, {6, kSeen}}), made({{7, kFlagged}})});
  EXPECT_EQ(v.first_unseen(), 4u);
  EXPECT_EQ(View({made({{1, kSeen}})}).first_unseen(), std::nullopt);
  auto flagged = [&](std::uint8_t with, std::uint8_t without) {
    std::string out;
    v.for_each_flagged(with, without, [&](std::uint32_t i, const Entry& e) { out += std::to_string(i) + ":" + std::to_string(e.uid.value()) + " "; });
    return out;
  };
  EXPECT_EQ(flagged(kDeleted, 0), "1:2 ");
  EXPECT_EQ(flagged(0, kSeen), "4:5 6:7 ");
  EXPECT_EQ(flagged(kSeen, kDeleted), "0:1 2:3 3:4 5:6 ");
  EXPECT_EQ(flagged(kSeen | kFlagged, 0), "");
}

TEST(MailboxName, IsNormalised) {
  EXPECT_EQ(normal_mailbox_name("iNbOx"), "INBOX");
  EXPECT_EQ(normal_mailbox_name("inbox/a"), "INBOX/a");
  EXPECT_EQ(normal_mailbox_name("inboxes"), "inboxes");
  EXPECT_EQ(normal_mailbox_name("Entwu\xCC\x88rfe"), "Entw\xC3\xBCrfe");  // [RFC9051 5.1]
}

}  // namespace
}  // namespace posthorn::store
