// PREVIEW, and the undoing of transfer encodings.
#include "message/preview.h"

#include <gtest/gtest.h>

#include "message/binary.h"
#include "message/parser.h"

namespace posthorn::message {
namespace {

// "|" stands for a line end.
std::string lines(std::string_view text) {
  std::string out;
  for (const char c : text) c == '|' ? out += "\r\n" : out += c;
  return out;
}

std::string preview_of(std::string_view text) {
  const std::string message = lines(text);
  const Summary summary = parse_message(message);
  const PartIndex part = find_preview_part(summary);
  if (part == kNoPart) return "(none)";
  const Range body = summary.parts[part].body;
  return preview(summary.parts[part], std::string_view(message).substr(body.offset, body.size));
}

TEST(Preview, Table) {
  const std::pair<std::string_view, std::string> cases[] = {
      {"Subject: x||Hello,||  this is\ttext. |", "Hello, this is text."},
      {"Subject: x||", ""},
      {"Content-Type: text/plain; charset=iso-8859-1|Content-Transfer-Encoding: quoted-printable||caf=E9 au=| lait", "caf\u00e9 au lait"},
      {"Content-Type: text/plain; charset=utf-8|Content-Transfer-Encoding: base64||w6TDtsO8|", "\u00e4\u00f6\u00fc"},
      {"Content-Transfer-Encoding: x-zip||PK", ""},
      {"Content-Type: application/pdf||%PDF", "(none)"},
      // plain before html, wherever it is
      {"Content-Type: multipart/alternative; boundary=b||--b|Content-Type: text/html||<p>html</p>|--b|Content-Type: text/plain||plain|--b--|", "plain"},
      {"Content-Type: text/html||<html><head><title>T</title><style>p > a {}</style></head><body><!-- <b>no</b> --><p class=\"a>b\">One&nbsp;&amp; "
       "two</p>three &#8364; &#x41;&bogus; <SCRIPT>if (a</b) x()</script>4 < 5</body></html>",
       "One & two three \u20ac A&bogus; 4 < 5"},
      {"Content-Type: text/html||<p>open <a href=", "open"},
      // not what is attached or embedded
      {"Content-Type: multipart/mixed; boundary=b||--b|Content-Disposition: attachment||file|--b|Content-Type: message/rfc822||"
       "Subject: y||inner|--b|Content-Type: text/html||<i>own</i>|--b--|",
       "own"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(preview_of(text), expected) << text;
}

TEST(Preview, AtMost200Characters) {
  std::string text = "Content-Type: text/plain; charset=utf-8||";
  for (int i = 0; i < 300; ++i) text += "\u00e4";
  EXPECT_EQ(preview_of(text).size(), 400u);
  std::string words = "Subject: x||" + std::string(199, 'a') + " b";
  EXPECT_EQ(preview_of(words), std::string(199, 'a'));
}

TEST(TransferDecoder, OfParts) {
  Part part;
  EXPECT_TRUE(TransferDecoder::of(part)->is_identity());
  part.encoding = "x-uuencode";
  EXPECT_FALSE(TransferDecoder::of(part));
  part.encoding = "base64";
  auto decoder = TransferDecoder::of(part);
  std::string out;
  decoder->feed("AAE", out);
  decoder->feed("C", out);
  decoder->finish(out);
  EXPECT_EQ(out, std::string("\0\1\2", 3));
  part.type = "multipart";  // [RFC2045 6.4]
  EXPECT_TRUE(TransferDecoder::of(part)->is_identity());
}

}  // namespace
}  // namespace posthorn::message
