#include "client/progress_line.h"

#include <gtest/gtest.h>

#include "text/columns.h"

namespace posthorn::client {
namespace {

using namespace std::chrono_literals;

const ProgressState kFetch{.what = "posthorn fetch", .done = 512, .total = 1000, .bytes = 12'900'000};

TEST(ProgressLine, HasWhatThereIsRoomFor) {
  EXPECT_EQ(progress_line(kFetch, 400ms, 80), "posthorn fetch: [####################....................] 512/1,000  12.3 MiB");
  EXPECT_EQ(progress_line(kFetch, 2s, 80), "posthorn fetch: [############............] 512/1,000  12.3 MiB  256/s  0:02 left");
  EXPECT_EQ(progress_line(kFetch, 2s, 40), "posthorn fetch: [######......] 512/1,000");
  EXPECT_EQ(progress_line(kFetch, 2s, 32), "posthorn fetch: [#####.....] 51%");
  EXPECT_EQ(progress_line(kFetch, 2s, 20), "posthorn fetch: 51%");
  EXPECT_EQ(progress_line(kFetch, 2s, 10), "posthorn f");
  EXPECT_EQ(progress_line(kFetch, 2s, 0), "");
}

TEST(ProgressLine, BytesAndUnknownTotals) {
  const ProgressState send{.what = "posthorn send", .done = 5 << 20, .total = 10 << 20, .unit = ProgressUnit::bytes};
  EXPECT_EQ(progress_line(send, 5s, 80), "posthorn send: [############............] 5.0 MiB/10.0 MiB  1.0 MiB/s  0:05 left");
  EXPECT_EQ(progress_line({.what = "x", .done = 1'234'567}, 0ms, 80), "x: 1,234,567");
  EXPECT_EQ(progress_line({.what = "x", .done = 3, .total = 2}, 0ms, 20), "x: [###########] 3/2");
}

TEST(ProgressLine, NeverIsWiderThanItMayBe) {
  const ProgressState state{.what = "posthorn fetch: \u65e5\u672c\u8a9e Entw\u00fcrfe", .done = 1, .total = 3, .bytes = 5000};
  for (std::size_t width = 0; width < 150; ++width) {
    const auto line = progress_line(state, 3s, width);
    EXPECT_LE(text::columns_of(line), width);
    EXPECT_FALSE(line.contains("\xef\xbf\xbd"));
  }
}

TEST(ProgressLine, Numbers) {
  EXPECT_EQ(size_text(0), "0 B");
  EXPECT_EQ(size_text(1023), "1023 B");
  EXPECT_EQ(size_text(1024), "1.0 KiB");
  EXPECT_EQ(size_text((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(clock_text(59s), "0:59");
  EXPECT_EQ(clock_text(3600s), "1:00:00");
}

}  // namespace
}  // namespace posthorn::client
