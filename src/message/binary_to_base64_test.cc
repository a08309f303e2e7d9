#include "message/binary_to_base64.h"

#include <gtest/gtest.h>

#include "message/parser.h"
#include "text/base64.h"

namespace posthorn::message {
namespace {

using namespace std::string_literals;

std::string convert(const std::string& message, std::size_t piece) {
  const auto summary = parse_message(message);
  BinaryToBase64 converter(summary);
  std::string out;
  for (std::size_t i = 0; i < message.size(); i += piece) converter.feed(std::string_view(message).substr(i, piece), out);
  converter.finish(out);
  return out;
}

void expect_converted(const std::string& message, const std::string& expected) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{60}, std::size_t{100'000}})
    EXPECT_EQ(convert(message, piece), expected) << "in pieces of " << piece;
}

TEST(BinaryToBase64, OnlyBinaryLeavesAreEncoded) {
  expect_converted(
      "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\npreamble\r\n"
      "--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xc3\xbc\r\n"
      "--b\r\nContent-transfer-ENCODING:\r\n Binary (x)\r\nContent-Type: image/png\r\n\r\nab\0\r\nc\n\r\n"
      "--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: binary\r\n\r\n"
      "Subject: in\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\r\n"
      "--b--\r\nepilogue"s,
      "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\npreamble\r\n"
      "--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xc3\xbc\r\n"
      "--b\r\nContent-Transfer-Encoding: base64\r\nContent-Type: image/png\r\n\r\nYWIADQpjCg==\r\n"
      "--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: binary\r\n\r\n"
      "Subject: in\r\nContent-Transfer-Encoding: base64\r\n\r\nAA==\r\n"
      "--b--\r\nepilogue");
  const auto plain = "Content-Type: text/plain\r\n\r\n\0"s;
  expect_converted(plain, plain);
  EXPECT_FALSE(BinaryToBase64(parse_message(plain)).is_needed());
}

TEST(BinaryToBase64, AWholeMessage) {
  const std::string header = "Content-Transfer-Encoding: binary\r\n\r\n", encoded = "Content-Transfer-Encoding: base64\r\n\r\n";
  expect_converted(header, encoded);
  expect_converted(header + "x", encoded + "eA==\r\n");
  expect_converted("Content-Transfer-Encoding: binary\r\n", "Content-Transfer-Encoding: base64\r\n");
  for (const std::size_t size : {56u, 57u, 58u, 114u, 1000u}) {
    const std::string body(size, '\0');
    const auto out = convert(header + body, 13);
    const auto summary = parse_message(out);
    EXPECT_EQ(summary.root().encoding, "base64");
    text::Base64Decoder decoder;
    std::string decoded;
    decoder.feed(std::string_view(out).substr(summary.root().body.offset), decoded);
    decoder.finish(decoded);
    EXPECT_EQ(decoded, body);
    EXPECT_TRUE(out.ends_with("\r\n"));
    EXPECT_EQ(out.find("\r\n\r\n", encoded.size() - 2), out.npos);
  }
}

}  // namespace
}  // namespace posthorn::message
