#include "base/log_json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace posthorn::log {
namespace {

std::string json(std::string_view value) {
  const auto line = format_json_line({}, Level::info, "e", {{"v", value}});
  const std::string head = R"({"level":"info","event":"e","v":)";
  EXPECT_TRUE(line.starts_with(head) && line.ends_with("}")) << line;
  return line.substr(head.size(), line.size() - head.size() - 1);
}

TEST(LogJson, OneObjectWithTheSameFields) {
  EXPECT_EQ(format_json_line("2026-11-22T07:43:36.123Z", Level::warning, "smtp.accepted",
                             {{"session", "k3f9"}, {"size", 10240u}, {"offset", -5}, {"tls", true}, {"took", 0.5}}),
            R"({"time":"2026-11-22T07:43:36.123Z","level":"warning","event":"smtp.accepted","session":"k3f9","size":10240,"offset":-5,"tls":true,"took":0.5})");
}

TEST(LogJson, NoValueBreaksIt) {
  struct Case {
    std::string_view value, json;
  };
  const Case cases[] = {
      {"", R"("")"},
      {"plain text", R"("plain text")"},
      {"\"}\n{\"level\":\"error\"", R"("\"}\n{\"level\":\"error\"")"},
      {"back\\slash", R"("back\\slash")"},
      {std::string_view("\0\x01\x1f\x7f\t\r", 6), R"("\u0000\u0001\u001f\u007f\t\r")"},
      {"gr\xc3\xbc\xc3\x9f \xf0\x9f\x93\xae", "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x93\xae\""},
      {"\xff\xc3", R"("\\xff\\xc3")"},
      {"\xed\xa0\x80", R"("\\xed\\xa0\\x80")"},
      {"\xc2\x9b", R"("\u009b")"},
      {"\xe2\x80\xa8 \xe2\x80\xae \xe2\x81\xa9", R"("\u2028 \u202e \u2069")"},
  };
  for (const auto& c : cases) EXPECT_EQ(json(c.value), c.json);
}

TEST(LogJson, CutBetweenCharacters) {
  const std::string long_value = std::string(kMaxValue - 1, 'x') + "\xc3\xbc" + "end";
  EXPECT_EQ(json(long_value), '"' + std::string(kMaxValue - 1, 'x') + "...\"");
  EXPECT_EQ(json(std::string(kMaxValue, 'x')), '"' + std::string(kMaxValue, 'x') + '"');
  const std::string value(kMaxValue, '\x01');
  const auto line = format_json_line({}, Level::info, "e", {{"a", value}, {"b", value}, {"c", 1}});
  EXPECT_LE(line.size(), kMaxLine);
  EXPECT_TRUE(line.ends_with(",\"cut\":true}")) << line.substr(line.size() - 60);
}

TEST(LogJson, KeysAreOnce) {
  EXPECT_EQ(format_json_line({}, Level::info, "a b", {{"level", 1}, {"x y", 2}, {"x_y", 3}, {"", 4}}),
            R"({"level":"info","event":"a_b","level_":1,"x_y":2,"x_y_":3,"":4})");
}

TEST(LogJson, NumbersThatJsonDoesNotHave) {
  EXPECT_EQ(format_json_line({}, Level::info, "e", {{"a", std::nan("")}, {"b", std::numeric_limits<double>::infinity()}}),
            R"({"level":"info","event":"e","a":null,"b":null})");
}

}  // namespace
}  // namespace posthorn::log
