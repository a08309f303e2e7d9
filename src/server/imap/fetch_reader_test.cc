// A batch is bounded by what it may hold, not by the number of its messages.
#include "server/imap/fetch_reader.h"

#include <gtest/gtest.h>

#include "store/store_testing.h"

namespace posthorn::imap {
namespace {

constexpr std::uint32_t kMessages = 31;  // few enough to be read without columns

class FetchReaderTest : public store::StoreTest {
 protected:
  // The sizes of the batches, for messages that say they have so many bytes.
  std::vector<std::size_t> batches(std::uint32_t size, FetchNeeds needs) {
    auto page = std::make_shared<store::Page>();
    for (std::uint32_t uid = 1; uid <= kMessages; ++uid) page->entries.push_back({.uid = Uid(uid), .size = size, .message = message});
    const auto view = std::make_shared<store::View>(std::vector<store::PagePtr>{page});
    FetchReader reader(account, mailbox("INBOX"), view, {{0, kMessages}}, needs);
    return run_task(read_all(reader));
  }
  static Task<std::vector<std::size_t>> read_all(FetchReader& reader) {
    std::vector<std::size_t> sizes;
    for (;;) {
      const auto batch = co_await reader.next();
      EXPECT_TRUE(batch);
      if (!batch || batch->rows.empty()) break;
      for (const auto& row : batch->rows) EXPECT_FALSE(row.summary.empty());
      sizes.push_back(batch->rows.size());
    }
    co_await reader.close();
    co_return sizes;
  }
  void SetUp() override {
    make_account();
    append();
    message = view()->at(0).message;
  }

  MessageId message{0};
};

TEST_F(FetchReaderTest, SummariesThatMayBeLongComeInSmallerBatches) {
  using Sizes = std::vector<std::size_t>;
  const FetchNeeds summaries{.summaries = true};
  EXPECT_EQ(batches(100, summaries), Sizes{kMessages});
  EXPECT_EQ(batches(1 << 20, summaries), (Sizes{16, 15}));  // 16 MiB of them
  EXPECT_EQ(batches(0xFFFFFFFF, summaries), (Sizes{16, 15}));  // the summary of a longer message is no longer
}

TEST_F(FetchReaderTest, WithTheBytesABatchIsAMebibyte) {
  using Sizes = std::vector<std::size_t>;
  const FetchNeeds both{.summaries = true, .bytes = true};
  EXPECT_EQ(batches(100, both), Sizes{kMessages});
  EXPECT_EQ(batches(64 << 10, both), (Sizes{16, 15}));
}

}  // namespace
}  // namespace posthorn::imap
