#include "proto/smtp/data_decoder.h"

#include <gtest/gtest.h>

#include <string>

#include "proto/dot_stuffer.h"

namespace posthorn::smtp {
namespace {

struct Decoded {
  std::string text;
  std::string rest;
  bool done = false;
  bool bare_newline = false;
  friend bool operator==(const Decoded&, const Decoded&) = default;
};

Decoded decode(std::string_view stream, std::size_t cut1, std::size_t cut2) {
  DataDecoder decoder;
  Decoded out;
  for (auto chunk : {stream.substr(0, cut1), stream.substr(cut1, cut2 - cut1), stream.substr(cut2)}) {
    for (std::string_view piece; !(piece = decoder.next(chunk)).empty();) out.text += piece;
    out.rest += chunk;
  }
  EXPECT_EQ(decoder.size(), out.text.size());
  out.done = decoder.done();
  out.bare_newline = decoder.bare_newline();
  return out;
}

struct Case {
  std::string_view stream;
  Decoded expected;
};

TEST(SmtpData, DecodesTheSameAtEverySplit) {
  const Case cases[] = {
      {".\r\n", {"", "", true, false}},
      {"a\r\n.\r\nQUIT\r\n", {"a\r\n", "QUIT\r\n", true, false}},
      {"a\r\n..\r\n...b\r\n.\r\n", {"a\r\n.\r\n..b\r\n", "", true, false}},
      {"..\r\n.c\r\n.\r\n.\r\n", {".\r\nc\r\n", ".\r\n", true, false}},
      {"\r\n\r\n.\r\n", {"\r\n\r\n", "", true, false}},
      {"a\r\nb", {"a\r\nb", "", false, false}},
      // Smuggling: none of these ends the message, all are reported.
      {"a\n.\n", {"a\n.\n", "", false, true}},
      {"a\n.\r\nMAIL\r\n.\r\n", {"a\n.\r\nMAIL\r\n", "", true, true}},
      {"a\r\n.\nMAIL\r\n.\r\n", {"a\r\n\nMAIL\r\n", "", true, true}},
      {"a\r\n.\rMAIL\r\n.\r\n", {"a\r\n\rMAIL\r\n", "", true, true}},
      {"a\r.\r\nb\r\n.\r\n", {"a\r.\r\nb\r\n", "", true, true}},
      {"a\r\r\n.\r\n", {"a\r\r\n", "", true, true}},
      {"a\n\r\n.\r\n", {"a\n\r\n", "", true, true}},
      {"a\r\n\r.\r\n.\r\n", {"a\r\n\r.\r\n", "", true, true}},
      {".\r.\r\n.\r\n", {"\r.\r\n", "", true, true}},
      {".\r\r\n.\r\n", {"\r\r\n", "", true, true}},
      {"\r", {"\r", "", false, false}},  // may still become CRLF
  };
  for (const auto& c : cases)
    for (std::size_t i = 0; i <= c.stream.size(); ++i)
      for (std::size_t j = i; j <= c.stream.size(); ++j)
        EXPECT_EQ(decode(c.stream, i, j), c.expected)
            << testing::PrintToString(c.stream) << " " << i << " " << j;
}

std::string stuff(std::string_view text, std::size_t cut1, std::size_t cut2, proto::DotStuffer::BareCr bare) {
  proto::DotStuffer stuffer(bare);
  std::string out;
  stuffer.put(out, text.substr(0, cut1));
  stuffer.put(out, text.substr(cut1, cut2 - cut1));
  stuffer.put(out, text.substr(cut2));
  out += stuffer.finish();
  return out;
}

TEST(DotStuffer, WritesTheSameAtEverySplit) {
  struct StuffCase {
    std::string_view text, kept, converted;  // with bare CR kept and made CRLF
  };
  const StuffCase cases[] = {
      {"", ".\r\n", ".\r\n"},
      {"a", "a\r\n.\r\n", "a\r\n.\r\n"},
      {"a\r\n", "a\r\n.\r\n", "a\r\n.\r\n"},
      {".\r\n.a\r\n..\r\na.\r\n", "..\r\n..a\r\n...\r\na.\r\n.\r\n", "..\r\n..a\r\n...\r\na.\r\n.\r\n"},
      {"a\n.b\n\nc", "a\r\n..b\r\n\r\nc\r\n.\r\n", "a\r\n..b\r\n\r\nc\r\n.\r\n"},
      {"\n", "\r\n.\r\n", "\r\n.\r\n"},
      {"\n.\n", "\r\n..\r\n.\r\n", "\r\n..\r\n.\r\n"},
      {"a\rb\r\r\n.\r", "a\rb\r\r\n..\r\n.\r\n", "a\r\nb\r\n\r\n..\r\n.\r\n"},
      {"a\r.b", "a\r.b\r\n.\r\n", "a\r\n..b\r\n.\r\n"},
      {".", "..\r\n.\r\n", "..\r\n.\r\n"},
  };
  using enum proto::DotStuffer::BareCr;
  for (const auto& c : cases)
    for (std::size_t i = 0; i <= c.text.size(); ++i)
      for (std::size_t j = i; j <= c.text.size(); ++j) {
        EXPECT_EQ(stuff(c.text, i, j, keep), c.kept)
            << testing::PrintToString(c.text) << " " << i << " " << j;
        EXPECT_EQ(stuff(c.text, i, j, to_crlf), c.converted)
            << testing::PrintToString(c.text) << " " << i << " " << j;
      }
}

TEST(DotStuffer, TheDecoderUndoesIt) {
  for (std::string_view text : {"", ".\r\n", "..\r\n.\r\na\r\n\r\n", "Subject: x\r\n\r\n.hidden\r\n"}) {
    const auto got = decode(stuff(text, 0, 0, proto::DotStuffer::BareCr::keep), 0, 0);
    EXPECT_EQ(got, (Decoded{std::string(text), "", true, false}));
  }
}

}  // namespace
}  // namespace posthorn::smtp
