#include "proto/smap/upload.h"

#include <gtest/gtest.h>

namespace posthorn::smap {
namespace {

using Event = UploadDecoder::Event;

struct Outcome {
  std::string content;
  std::size_t left = 0;  // bytes behind the upload
  Event event = Event::need_more;
  bool too_large = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome decode(std::string_view form, std::string_view in, std::size_t step, UploadDecoder::Limits limits) {
  UploadDecoder decoder(parse_upload_form(form).value(), limits);
  Outcome out;
  while (!in.empty() && out.event == Event::need_more) {
    auto piece = in.substr(0, step);
    in.remove_prefix(piece.size());
    out.event = decoder.feed(piece, out.content);
    out.left = piece.size() + in.size();
  }
  out.too_large = decoder.too_large();
  return out;
}

// The network may cut anywhere.
Outcome decode_at_every_split(std::string_view form, std::string_view in, UploadDecoder::Limits limits = {.size = 1000}) {
  const auto whole = decode(form, in, in.size() + 1, limits);
  for (std::size_t step = 1; step <= in.size(); ++step) EXPECT_EQ(decode(form, in, step, limits), whole) << in << " by " << step;
  return whole;
}

TEST(UploadForm, HasOneOfTwoForms) {
  EXPECT_FALSE(parse_upload_form("{.12}")->binary);
  EXPECT_EQ(parse_upload_form("{.12}")->size, 12u);
  const auto binary = parse_upload_form("{3/12}");
  EXPECT_TRUE(binary && binary->binary && binary->chunk == 3 && binary->size == 12);
  for (const std::string_view bad : {"", "{}", "{.}", "{/}", "{1}", "{1/}", "{/1}", "{-1/1}", "{1/1", "{1/2/3}", "{.1x}", "{ .1}", "{9999999999999999999/1}"})
    EXPECT_FALSE(parse_upload_form(bad)) << bad;
}

TEST(Upload, DotStuffed) {
  struct Case {
    std::string_view in, content;
    std::size_t left = 0;
  };
  const Case cases[] = {
      {"a\r\nb\n.\nNOOP\n", "a\r\nb\r\n", 5},
      {"..a\n..\n.\r\n", ".a\r\n.\r\n"},
      {".a\n. \n", "a\r\n"},   // a dot that was not doubled goes
      {".\n", "\r\n"},         // nothing is one empty line
      {"a\r\r\nb\rc\n.\n", "a\r\nbc\r\n"},
      {". x\n.\n", " x\r\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(decode_at_every_split("{.5}", c.in), (Outcome{std::string(c.content), c.left, Event::done})) << c.in;
}

TEST(Upload, Binary) {
  struct Case {
    std::string_view form, in, content;
    std::size_t left = 0;
  };
  const Case cases[] = {
      {"{3/3}", "abc\nNOOP\n", "abc\r\n", 5},
      {"{2/3}", "a\n\r\n", "a\r\n"},
      {"{2/9}", "ab 3 \r\n.c\n \n", "ab.c\r\n"},
      {"{0/0}", "\n", "\r\n"},
      {"{0/5}", "2\nab\n", ""},
      {"{4/4}", "\r\n\r\n\n", "\r\n\r\n"},
  };
  for (const auto& c : cases) {
    auto expected = Outcome{std::string(c.content), c.left, Event::done};
    if (c.content.empty()) expected = {"ab\r\n", 0, Event::done};
    EXPECT_EQ(decode_at_every_split(c.form, c.in), expected) << c.in;
  }
}

TEST(Upload, IsCutOffAnywhere) {
  EXPECT_EQ(decode_at_every_split("{5/5}", "abc").event, Event::need_more);
  EXPECT_EQ(decode_at_every_split("{3/5}", "abc12").event, Event::need_more);
  EXPECT_EQ(decode_at_every_split("{.5}", "abc\n.").event, Event::need_more);
}

TEST(Upload, IsLostWhenItsFramingIs) {
  EXPECT_EQ(decode("{3/3}", "abcdef\n", 3, {.size = 100}).event, Event::lost);
  EXPECT_EQ(decode("{3/3}", "abc-1\n", 3, {.size = 100}).event, Event::lost);
  EXPECT_EQ(decode("{3/3}", "abc99999999999999999999\n", 3, {.size = 100}).event, Event::lost);
  EXPECT_EQ(decode("{3/3}", "abc" + std::string(200, ' '), 3, {.size = 100}).event, Event::lost);
}

TEST(Upload, BeyondItsLimitIsReadOverAndNotKept) {
  const UploadDecoder::Limits limits{.size = 10, .skip = 100};
  const auto large = decode("{.5}", std::string(50, 'x') + "\n.\n", 7, limits);
  EXPECT_EQ(large.event, Event::done);
  EXPECT_TRUE(large.too_large);
  const auto cut = decode_at_every_split("{12/12}", "0123456789ab\n", {.size = 5});
  EXPECT_TRUE(cut.too_large);
  EXPECT_EQ(cut.content, "01234");
  EXPECT_LE(large.content.size(), 10u);
  EXPECT_EQ(decode("{.5}", std::string(200, 'x'), 7, limits).event, Event::lost);
  EXPECT_EQ(decode("{.5}", std::string(200, '\r'), 7, limits).event, Event::lost);
  EXPECT_EQ(decode("{999999999999/5}", "x", 7, limits).event, Event::lost);
  std::string zeros;
  for (int i = 0; i < 100; ++i) zeros += "0\n";
  EXPECT_EQ(decode("{0/0}", zeros, 7, limits).event, Event::lost);
}

}  // namespace
}  // namespace posthorn::smap
