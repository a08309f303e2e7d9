#include "base/settings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "base/clock.h"
#include "base/metrics.h"

namespace posthorn {
namespace {

using namespace std::chrono_literals;
enum class Colour { red, green, blue };
constexpr std::string_view kColours[] = {"red", "green", "blue"};

const Setting<bool> kFlag{"test.flag", true, "A flag."};
const Setting<std::int64_t> kCount{"test.count", 5, 1, 10, "A count."};
const Setting<Bytes> kSize{"test.size", 1_MiB, 1_KiB, 1_GiB, "A size."};
const Setting<std::chrono::seconds> kTime{"test.time", 35min, 30min, 24h, "A time."};
const Setting<std::chrono::milliseconds> kShort{"test.short", 20ms, 0ms, 5s, "A short time."};
const Setting<std::string> kText{"test.text", "abc", "A text."};
constexpr TextForm kShortForm{[](std::string_view s) -> Result<void> {
                                if (s.size() > 3) return fail(Errc::invalid, "is too long");
                                return {};
                              },
                              "at most three letters"};
const Setting<std::string> kWord{"test.word", "abc", kShortForm, "A word."};
const Setting<Colour> kColour{"test.colour", Colour::green, kColours, "A colour."};

TEST(Settings, HaveTheirDefaults) {
  EXPECT_TRUE(kFlag.get());
  EXPECT_EQ(kCount.get(), 5);
  EXPECT_EQ(kSize.get(), 1 << 20);
  EXPECT_EQ(kTime.get(), 35min);
  EXPECT_EQ(kShort.get(), 20ms);
  EXPECT_EQ(kText.get(), "abc");
  EXPECT_EQ(kColour.get(), Colour::green);
}

TEST(Settings, TakeWhatTheFileSays) {
  struct Case {
    const SettingBase* setting;
    SettingValue value;
    std::string now;  // empty: refused
  };
  const auto text = [](const char* s) { return SettingValue(std::string(s)); };
  for (const auto& c : std::initializer_list<Case>{{&kFlag, false, "false"},
                                                   {&kFlag, text("yes"), ""},
                                                   {&kFlag, std::int64_t{1}, ""},
                                                   {&kCount, std::int64_t{10}, "10"},
                                                   {&kCount, std::int64_t{11}, ""},
                                                   {&kCount, std::int64_t{-1}, ""},
                                                   {&kCount, 3.0, ""},
                                                   {&kCount, text("3"), ""},
                                                   {&kSize, std::int64_t{2048}, "\"2 KiB\""},
                                                   {&kSize, std::int64_t{2049}, "\"2049 B\""},
                                                   {&kSize, text("10 MiB"), "\"10 MiB\""},
                                                   {&kSize, text("10MB"), "\"10 MiB\""},
                                                   {&kSize, text("1.5 m"), "\"1536 KiB\""},
                                                   {&kSize, text("10 parsecs"), ""},
                                                   {&kSize, text("2 GiB"), ""},
                                                   {&kSize, text(""), ""},
                                                   {&kSize, text("-5 MiB"), ""},
                                                   {&kSize, text("1e300 TiB"), ""},
                                                   {&kSize, text("nan"), ""},
                                                   {&kTime, std::int64_t{3600}, "\"1 h\""},
                                                   {&kTime, std::int64_t{60}, ""},
                                                   {&kTime, std::int64_t{9223372036854775807}, ""},
                                                   {&kTime, text("90 minutes"), "\"90 min\""},
                                                   {&kTime, text("2 d"), ""},
                                                   {&kTime, true, ""},
                                                   {&kShort, 0.25, "\"250 ms\""},
                                                   {&kShort, text("0"), "\"0 s\""},
                                                   {&kText, text("say \"x\""), "\"say \\\"x\\\"\""},
                                                   {&kText, std::int64_t{1}, ""},
                                                   {&kWord, text("xyz"), "\"xyz\""},
                                                   {&kWord, text("wxyz"), ""},
                                                   {&kWord, true, ""},
                                                   {&kColour, text("blue"), "\"blue\""},
                                                   {&kColour, text("Blue"), ""},
                                                   {&kColour, std::int64_t{1}, ""}}) {
    c.setting->reset();
    const std::string before = c.setting->current_text();
    const auto done = c.setting->set(c.value);
    EXPECT_EQ(done.has_value(), !c.now.empty()) << c.setting->name() << " " << c.now;
    EXPECT_EQ(c.setting->current_text(), done ? c.now : before);
    EXPECT_EQ(c.setting->check(c.value).has_value(), done.has_value());
    c.setting->reset();
    EXPECT_EQ(c.setting->current_text(), c.setting->default_text());
  }
}

TEST(Settings, SayWhatIsAllowed) {
  EXPECT_EQ(kTime.allowed_text(), "\"30 min\" to \"1 d\"");
  EXPECT_EQ(kColour.allowed_text(), "\"red\", \"green\" or \"blue\"");
  EXPECT_EQ(kText.allowed_text(), "text");
  EXPECT_EQ(kWord.allowed_text(), "at most three letters");
  EXPECT_EQ(kWord.set(std::string("word")).error().text, "is too long");
  const auto bad = kCount.set(std::int64_t{99});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().text, "is out of range: allowed is 1 to 10");
}

TEST(Settings, AreFoundByName) {
  EXPECT_EQ(find_setting("test.colour"), &kColour);
  EXPECT_EQ(find_setting("test.nothing"), nullptr);
  const auto all = all_settings();
  EXPECT_TRUE(std::ranges::is_sorted(all, {}, &SettingBase::name));
}

TEST(Settings, TextIsReadWhileItChanges) {
  std::jthread writer([] {
    for (int i = 0; i < 1000; ++i) (void)kText.set(std::string(i % 2 ? "one" : "two"));
  });
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(kText.get().size(), 3u);
  writer.join();
  kText.reset();
}

Counter test_counter{"test.counter", "Counted by the test."};
Gauge test_gauge{"test.gauge", "Set by the test."};

TEST(Metrics, SnapshotShowsEveryMetric) {
  const auto value = [](std::string_view name) -> std::int64_t {
    for (const auto& [n, v] : metrics_snapshot())
      if (n == name) return v;
    return -1;
  };
  test_counter.add();
  test_counter.add(2);
  EXPECT_EQ(value("test.counter"), 3);
  {
    GaugeHold one(test_gauge);
    GaugeHold other(std::move(one));
    EXPECT_EQ(value("test.gauge"), 1);
    const MetricSource source("test.source", "Read by the test.", [] { return 42; });
    EXPECT_EQ(value("test.source"), 42);
  }
  EXPECT_EQ(value("test.gauge"), 0);
  EXPECT_EQ(value("test.source"), -1);
}

TEST(Clock, StandsStillUnderManualClock) {
  const SysTime start{1'700'000'000'000ms};
  {
    ManualClock clock(start);
    const auto steady = steady_now();
    clock.advance(1500ms);
    EXPECT_EQ(now(), start + 1500ms);
    EXPECT_EQ(steady_now() - steady, 1500ms);
  }
  EXPECT_GT(now(), start);
}

}  // namespace
}  // namespace posthorn
