#include "base/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

namespace posthorn {
namespace {

std::string line_of(log::Value v) { return log::format_line({}, log::Level::info, "e", {{"k", v}}); }

TEST(Log, WritesLogfmt) {
  EXPECT_EQ(log::format_line("T", log::Level::warning, "smtp.accepted",
                             {{"session", "ab"},
                              {"n", 7},
                              {"big", std::uint64_t{18446744073709551615u}},
                              {"low", std::int64_t{-3}},
                              {"ok", true},
                              {"r", 0.5},
                              {"id", Uid(9)}}),
            "T warning smtp.accepted session=ab n=7 big=18446744073709551615 low=-3 ok=true r=0.5 id=9");
}

TEST(Log, HostileValuesCannotBreakTheLine) {
  struct Case {
    std::string_view value, out;
  };
  using namespace std::string_view_literals;
  for (const auto& c :
       {Case{"", "\"\""}, Case{"two words", "\"two words\""}, Case{"a=b", "\"a=b\""},
        Case{"x\r\nevil level=error", R"("x\r\nevil level=error")"}, Case{"\"\\", R"("\"\\")"},
        Case{"nul\0bell\a\x7f"sv, R"("nul\x00bell\x07\x7f")"}, Case{"\x1b[31m", R"("\x1b[31m")"},
        Case{"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\""}, Case{"\xff\xc3", R"("\xff\xc3")"},
        Case{"\xc0\xaf", R"("\xc0\xaf")"},          // overlong
        Case{"\xed\xa0\x80", R"("\xed\xa0\x80")"},  // surrogate
        Case{"\xc2\x85", R"("\xc2\x85")"},          // next line
        Case{"\xe2\x80\xa8", R"("\xe2\x80\xa8")"},  // line separator
        Case{"\xe2\x80\xae", R"("\xe2\x80\xae")"},  // right-to-left override
        Case{"\xf0\x9f\x93\xaf", "\"\xf0\x9f\x93\xaf\""}})
    EXPECT_EQ(line_of(c.value), "info e k=" + std::string(c.out));
}

TEST(Log, KeysAndEventsAreCleaned) {
  EXPECT_EQ(log::format_line({}, log::Level::info, "a b\n", {{"k =\"", 1}}), "info a_b_ k___=1");
}

TEST(Log, LongValuesAndLinesAreCut) {
  const std::string long_value(100'000, 'x');
  const std::string line = line_of(long_value);
  EXPECT_LT(line.size(), log::kMaxValue + 40);
  EXPECT_TRUE(line.ends_with("...\""));
  const std::string raw(log::kMaxValue, '\1');  // four characters each
  const auto many = log::format_line({}, log::Level::info, "e", {{"a", raw}, {"b", raw}, {"c", raw}});
  EXPECT_LE(many.size(), log::kMaxLine);
  EXPECT_TRUE(many.ends_with("\" ..."));
}

TEST(Log, LevelsAndCapture) {
  log::Capture capture(log::Level::warning);
  log::info("quiet");
  log::warning("loud", {{"n", 1}});
  EXPECT_EQ(capture.lines(), std::vector<std::string>{"warning loud n=1"});
  log::set_level(log::Level::off);
  log::error("silent");
  EXPECT_TRUE(capture.has("loud"));
  EXPECT_FALSE(capture.has("silent"));
}

TEST(Log, WritesAFileFromSeveralThreadsAndReopensIt) {
  const auto path =
      std::filesystem::temp_directory_path() / ("posthorn-log-test-" + std::to_string(::getpid()));
  ASSERT_TRUE(log::start(path.string()).has_value());
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([t] {
        for (int i = 0; i < 200; ++i) log::error("test.line", {{"thread", t}, {"i", i}});
      });
  }
  log::stop();
  std::ifstream in(path);
  int count = 0;
  for (std::string line; std::getline(in, line); ++count)
    EXPECT_NE(line.find("Z error test.line thread="), std::string::npos) << line;
  EXPECT_EQ(count, 800);

  ASSERT_TRUE(log::start(path.string()).has_value());
  std::filesystem::remove(path);
  ASSERT_TRUE(log::reopen().has_value());
  log::error("after.rotation");
  log::stop();
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_NE(text.str().find("after.rotation"), std::string::npos);
  std::filesystem::remove(path);
  EXPECT_EQ(log::start("/nonexistent/dir/log").error().code, Errc::io);
}

TEST(SessionId, IsShortAndUnique) {
  std::set<std::string> seen;
  for (int i = 0; i < 5000; ++i) {
    const auto id = new_session_id();
    EXPECT_LE(id.size(), 15u);
    EXPECT_TRUE(seen.insert(id).second);
  }
}

}  // namespace
}  // namespace posthorn
