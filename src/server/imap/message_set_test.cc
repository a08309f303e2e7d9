#include "server/imap/message_set.h"

#include <gtest/gtest.h>

#include "proto/imap/parser.h"

namespace posthorn::imap {
namespace {

store::ViewPtr view_of(std::initializer_list<std::uint32_t> uids) {
  auto page = std::make_shared<store::Page>();
  for (const auto uid : uids) page->entries.push_back({.uid = Uid(uid)});
  std::vector<store::PagePtr> pages;
  if (!page->entries.empty()) pages.push_back(page);
  return std::make_shared<store::View>(std::move(pages));
}

Selected selected_of(store::ViewPtr view, store::UidSet saved = {}) { return {.told = std::move(view), .saved = std::move(saved)}; }

std::string text_of(const Result<IndexRanges>& ranges) {
  if (!ranges) return std::string(to_string(ranges.error().code));
  std::string out;
  for (const auto& r : *ranges) out += std::to_string(r.from) + "-" + std::to_string(r.to) + " ";
  return out;
}

TEST(MessageSet, Resolves) {
  struct Case {
    const char* set;
    Numbers numbers;
    const char* indexes;
  };
  const auto selected = selected_of(view_of({2, 3, 7, 9}));
  const auto bad = std::string(to_string(Errc::syntax));
  const Case cases[] = {
      {"1", Numbers::sequence, "0-1 "},
      {"2:4", Numbers::sequence, "1-4 "},
      {"4:2", Numbers::sequence, "1-4 "},
      {"*", Numbers::sequence, "3-4 "},
      {"1:*", Numbers::sequence, "0-4 "},
      {"1,3", Numbers::sequence, "0-1 2-3 "},
      {"5", Numbers::sequence, bad.c_str()},
      {"1:5", Numbers::sequence, bad.c_str()},
      {"1", Numbers::uid, ""},
      {"2:3,9", Numbers::uid, "0-2 3-4 "},
      {"*", Numbers::uid, "3-4 "},
      {"500:*", Numbers::uid, "3-4 "},  // [RFC3501 6.4.8] includes the last one
      {"4:6", Numbers::uid, ""},
      {"1:4294967295", Numbers::uid, "0-4 "},
  };
  for (const auto& c : cases) EXPECT_EQ(text_of(resolve(*parse_sequence_set(c.set), c.numbers, selected)), c.indexes) << c.set;
}

TEST(MessageSet, NothingInAnEmptyMailbox) {
  const auto selected = selected_of(view_of({}));
  EXPECT_FALSE(resolve(*parse_sequence_set("1:*"), Numbers::sequence, selected));
  EXPECT_FALSE(resolve(*parse_sequence_set("*"), Numbers::sequence, selected));
  EXPECT_EQ(text_of(resolve(*parse_sequence_set("1:*"), Numbers::uid, selected)), "");
}

// [RFC5182 2.1] Expunged messages drop out.
TEST(MessageSet, SavedResult) {
  const auto view = view_of({2, 3, 7, 9});
  const auto saved = SequenceSet::saved_result();
  for (const auto numbers : {Numbers::sequence, Numbers::uid}) {
    EXPECT_EQ(text_of(resolve(saved, numbers, selected_of(view))), "");
    EXPECT_EQ(text_of(resolve(saved, numbers, selected_of(view, {{Uid(1), Uid(3)}, {Uid(5), Uid(6)}, {Uid(9), Uid(12)}}))), "0-2 3-4 ");
    EXPECT_EQ(text_of(resolve(saved, numbers, selected_of(view_of({}), {{Uid(1), Uid(3)}}))), "");
  }
}

TEST(MessageSet, CountsWhatIsGone) {
  const auto told = view_of({2, 3, 7, 9}), now = view_of({2, 9, 12});
  const IndexRanges all{{0, 4}}, first{{0, 1}}, middle{{1, 2}, {2, 3}};
  EXPECT_EQ(count_gone(all, *told, *now), 2u);
  EXPECT_EQ(count_gone(first, *told, *now), 0u);
  EXPECT_EQ(count_gone(middle, *told, *now), 2u);
  EXPECT_EQ(count(all), 4u);
}

}  // namespace
}  // namespace posthorn::imap
