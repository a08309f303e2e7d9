// Each kind of damage is seen.
#include "queue/check.h"

#include <gtest/gtest.h>

#include "queue/queue_testing.h"

namespace posthorn::queue {
namespace {

using namespace std::chrono_literals;
using kv::Space;

class CheckTest : public ::testing::Test {
 protected:
  CheckTest() {
    id = f.add(to_all({"bob@example.org"}));
    entry_row = *run_task(f.kv->get(Space::queue, kPartition, entry_key(id), {})).value();
    group_row = *run_task(f.kv->get(Space::queue, kPartition, group_key({id, 0}), {})).value();
    group = decode_group(group_row).value();
  }
  // What is said after this was done to a sound queue.
  std::string after(const std::function<void(kv::Batch&)>& damage) {
    kv::Batch batch;
    damage(batch);
    EXPECT_TRUE(run_task(f.kv->commit(std::move(batch))));
    std::string out;
    for (const auto& p : f.check().problems) out += p + "\n";
    return out;
  }
  void erase(kv::Batch& b, std::string key) { b.erase(Space::queue, kPartition, std::move(key)); }
  void put(kv::Batch& b, std::string key, std::string value = "") { b.put(Space::queue, kPartition, std::move(key), std::move(value)); }

  QueueFixture f;
  EntryId id;
  std::string entry_row, group_row;
  Group group;
};
#define EXPECT_SAYS(text, words) EXPECT_NE((text).find(words), std::string::npos) << (text)

TEST_F(CheckTest, ASoundQueueIsSound) {
  const auto report = f.expect_clean();
  EXPECT_EQ(report.entries, 1u);
  EXPECT_EQ(report.groups, 1u);
  EXPECT_EQ(report.recipients, 1u);
}
TEST_F(CheckTest, AnEntryWithoutGroups) {
  EXPECT_SAYS(after([&](auto& b) { erase(b, group_key({id, 0})); }), "an entry without groups");
}
TEST_F(CheckTest, AGroupWithoutItsEntry) {
  const auto said = after([&](auto& b) { erase(b, entry_key(id)); });
  EXPECT_SAYS(said, "a group without its entry");
  EXPECT_SAYS(said, "is linked to the queue, but not in it");
}
TEST_F(CheckTest, AGroupThatNothingLeadsTo) {
  EXPECT_SAYS(after([&](auto& b) { erase(b, due_key(group.due, {id, 0})); }), "is not where its index should have it");
}
TEST_F(CheckTest, AnIndexRowTooMany) {
  EXPECT_SAYS(after([&](auto& b) { put(b, due_key(group.due, {EntryId(77), 0}), encode(DueRow{false, {}, 0, "x"})); }),
              "2 index rows for 1 groups");
  EXPECT_SAYS(after([&](auto& b) { put(b, held_key({id, 0})); }), "is not where its index should have it");
}
TEST_F(CheckTest, AnIndexRowThatIsWrong) {
  EXPECT_SAYS(after([&](auto& b) { put(b, due_key(group.due, {id, 0}), encode(DueRow{false, {}, 5, "example.org"})); }), "is wrong");
}
TEST_F(CheckTest, ABacklogThatNothingLeadsTo) {
  EXPECT_SAYS(after([&](auto& b) {
                erase(b, due_key(group.due, {id, 0}));
                put(b, backlog_key("example.org", 0, group.due, {id, 0}));
              }),
              "nothing leads to the backlog of example.org");
  EXPECT_EQ(after([&](auto& b) { put(b, backlog_mark_key(group.due, "example.org"), encode_mark(now())); }), "");
}
TEST_F(CheckTest, MissingBytesAndLinks) {
  EXPECT_SAYS(after([&](auto& b) { blob::Blobs::erase_link(b, id, blob::kQueueOwner); }), "not linked to the queue");
  EXPECT_SAYS(after([&](auto& b) { blob::Blobs::put_removal(b, {id, kMessage.size()}, blob::kQueueOwner); }), "bytes are missing");
}
TEST_F(CheckTest, ALinkOfNobody) {
  EXPECT_SAYS(after([&](auto& b) { blob::Blobs::put_link(b, EntryId(99), blob::kQueueOwner); }), "blob 99 is linked to the queue");
}
TEST_F(CheckTest, DamagedRows) {
  EXPECT_SAYS(after([&](auto& b) { put(b, group_key({id, 0}), group_row.substr(0, 5)); }), "damaged row");
  EXPECT_SAYS(after([&](auto& b) { put(b, entry_key(id), "\x07"); }), "unknown version");
  EXPECT_SAYS(after([&](auto& b) { put(b, "d123"); }), "damaged key");
}

// What cannot be read is not lost, and does not stop the others.
TEST_F(CheckTest, UnreadableOnesAreLeftAlone) {
  after([&](auto& b) { put(b, group_key({id, 0}), "\x07"); });
  f.add(to_all({"carol@example.net"}));
  f.restart();
  int unreadable = 0;
  for (bool found = false; !found;) {
    auto work = run_task(f.queue->next());
    if (!work) {
      EXPECT_EQ(work.error().code, Errc::corrupt);
      ++unreadable;
      continue;
    }
    EXPECT_EQ(work->destination(), "example.net");
    found = true;
  }
  EXPECT_LE(unreadable, 1);
  EXPECT_EQ(f.rows(kEntryRow), 4u);
}

// An index row of a group that is not there goes.
TEST_F(CheckTest, DanglingIndexRowsGo) {
  after([&](auto& b) { put(b, due_key(now() - 1s, {EntryId(77), 0}), encode(DueRow{false, {}, 0, "gone.test"})); });
  f.restart();
  Work work = f.next();
  EXPECT_EQ(work.destination(), "example.org");
  EXPECT_TRUE(f.eventually([&] { return f.check().problems.empty(); }));
}

}  // namespace
}  // namespace posthorn::queue
