#include "message/content.h"

#include <gtest/gtest.h>

#include <string>

#include "message/transfer_encoder.h"
#include "text/base64.h"
#include "text/quoted_printable.h"

namespace posthorn::message {
namespace {

using namespace std::string_literals;

ContentOfBytes measure(std::string_view bytes, std::size_t piece) {
  ContentMeter meter;
  for (std::size_t at = 0; at < bytes.size(); at += piece) meter.feed(bytes.substr(at, piece));
  return meter.result();
}

TEST(ContentMeter, SaysWhatBytesAskFor) {
  struct Case {
    std::string bytes;
    ContentOfBytes expected;
  };
  const Case cases[] = {
      {"", {}},
      {"a\r\nbc\r\n", {.longest_line = 2}},
      {"abc", {.longest_line = 3}},
      {"\xC3\xBC\r\n", {.content = Content::eight_bit, .has_8bit = true, .longest_line = 2, .escapes = 2}},
      {"a=b\t\x7F\x01\r\n", {.longest_line = 6, .escapes = 3}},
      {"a\0b\r\n"s, {.content = Content::binary, .longest_line = 3, .escapes = 1}},
      {"a\nb\r\n", {.content = Content::binary, .longest_line = 1, .escapes = 1}},
      {"a\rb\r\n", {.content = Content::binary, .longest_line = 3, .escapes = 1}},
      {"a\r\r\n", {.content = Content::binary, .longest_line = 2, .escapes = 1}},
      {"a\r", {.content = Content::binary, .longest_line = 2, .escapes = 1}},
      {"\n\xFF", {.content = Content::binary, .has_8bit = true, .longest_line = 1, .escapes = 2}},
      {std::string(300, 'x') + "\r\n" + std::string(200, '\xE4'),
       {.content = Content::eight_bit, .has_8bit = true, .longest_line = 300, .escapes = 200}},
  };
  for (const auto& c : cases)
    for (const std::size_t piece : {1u, 2u, 3u, 127u, 1000u}) EXPECT_EQ(measure(c.bytes, piece), c.expected) << c.bytes << piece;
}

std::string encode(TransferEncoder::Encoding encoding, std::string_view bytes, std::size_t piece, bool line = false) {
  TransferEncoder encoder(encoding);
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += piece) encoder.feed(bytes.substr(at, piece), out);
  line ? encoder.finish_line(out) : encoder.finish(out);
  return out;
}

std::string decode(TransferEncoder::Encoding encoding, std::string_view text) {
  std::string out;
  if (encoding == TransferEncoder::Encoding::base64) {
    text::Base64Decoder decoder;
    decoder.feed(text, out);
    decoder.finish(out);
  } else {
    text::QuotedPrintableDecoder decoder;
    decoder.feed(text, out);
    decoder.finish(out);
  }
  return out;
}

TEST(TransferEncoder, WritesQuotedPrintable) {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},
      {"plain text\r\n", "plain text\r\n"},
      {"caf\xC3\xA9 = 1", "caf=C3=A9 =3D 1"},
      {"blank \r\ntab\t\r\nx ", "blank=20\r\ntab=09\r\nx=20"},
      {"two  \r\n", "two =20\r\n"},
      {"a\rb\nc\r\r\n", "a=0Db=0Ac=0D\r\n"},
      {" \r", "=20=0D"},
      {"\r", "=0D"},
      {"- a\r\n-- \r\nb-", "=2D a\r\n=2D-=20\r\nb-"},
      {std::string(75, 'x') + "\r\n", std::string(75, 'x') + "\r\n"},
      {std::string(76, 'x') + "\r\n", std::string(75, 'x') + "=\r\nx\r\n"},
      {std::string(73, 'x') + "\xE4", std::string(73, 'x') + "=\r\n=E4"},
      {std::string(75, 'x') + "--b", std::string(75, 'x') + "=\r\n=2D-b"},
      {std::string(74, 'x') + " \r\n", std::string(74, 'x') + "=\r\n=20\r\n"},
  };
  constexpr auto kEncoding = TransferEncoder::Encoding::quoted_printable;
  for (const auto& [in, out] : cases)
    for (const std::size_t piece : {1u, 2u, 3u, 1000u}) EXPECT_EQ(encode(kEncoding, in, piece), out);
  EXPECT_EQ(encode(kEncoding, "ab", 9, true), "ab=\r\n");
  EXPECT_EQ(encode(kEncoding, "ab\r\n", 9, true), "ab\r\n");
  EXPECT_EQ(encode(kEncoding, "", 9, true), "");
}

TEST(TransferEncoder, WritesBase64) {
  constexpr auto kEncoding = TransferEncoder::Encoding::base64;
  EXPECT_EQ(encode(kEncoding, "", 1), "");
  EXPECT_EQ(encode(kEncoding, "f", 1), "Zg==");
  EXPECT_EQ(encode(kEncoding, "foo", 2, true), "Zm9v\r\n");
  const std::string line(57, 'x');
  EXPECT_EQ(encode(kEncoding, line, 5), text::base64_encode(line));
  EXPECT_EQ(encode(kEncoding, line + line + "y", 5), text::base64_encode(line) + "\r\n" + text::base64_encode(line) + "\r\neQ==");
  EXPECT_EQ(encode(kEncoding, line, 5, true), text::base64_encode(line) + "\r\n");
}

TEST(TransferEncoder, DecodesToTheSameAndIsFitForAnyHost) {
  std::string bytes;
  for (unsigned i = 0, random = 1; i < 3000; ++i, random = random * 1664525 + 1013904223)
    bytes += "\r\n \t-=\0ab\xC3\xA9."[(random >> 24) % 12];
  for (const auto encoding : {TransferEncoder::Encoding::base64, TransferEncoder::Encoding::quoted_printable})
    for (std::size_t size = 0; size < bytes.size(); size = size * 3 / 2 + 1) {
      const auto text = encode(encoding, std::string_view(bytes).substr(0, size), 1 + size % 7);
      EXPECT_EQ(text, encode(encoding, std::string_view(bytes).substr(0, size), 4000));
      EXPECT_EQ(decode(encoding, text), bytes.substr(0, size));
      const auto content = measure(text, 1000);
      EXPECT_TRUE(content.content == Content::seven_bit && content.longest_line <= 76);
      EXPECT_EQ(("\n" + text).find("\n-"), std::string::npos);
    }
}

}  // namespace
}  // namespace posthorn::message
