#include <gtest/gtest.h>

#include <memory>

#include "text/base64.h"
#include "text/quoted_printable.h"
#include "text/splits.h"

namespace posthorn::text {
namespace {

using namespace std::string_view_literals;

TEST(Base64, EncodesAndDecodesStrictly) {
  // [RFC4648 10]
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"},
                                                                   {"\0\xFF\xFE"sv, "AP/+"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(base64_encode(plain), encoded);
    ASSERT_TRUE(base64_decode(encoded)) << encoded;
    EXPECT_EQ(*base64_decode(encoded), plain);
  }
}

TEST(Base64, StrictRefusesWhatIsNotCanonical) {
  for (const auto bad : {"Zg", "Zg=", "Zg==\r\n", "Z===", "====", "Zm9v=", "Zh==", "Zm9=", "Zm 9v",
                         "Zg==Zg==", "Zm-v", "=Zm9"})
    EXPECT_FALSE(base64_decode(bad)) << bad;
}

TEST(Base64, LenientDecodesWhatMailContains) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""},
      {"Zm9v\r\nYmFy\r\n", "foobar"},
      {"Zm9vYg", "foob"},          // no padding
      {"Zg==Zg==", "ff"},          // two encodings, one after the other
      {"Z!m@9#v ", "foo"},         // junk between
      {"Zm9v====YmFy", "foobar"},  // too much padding
      {"Zm9vY", "foo"},            // a cut group of one digit means nothing
      {"Zm9vY===Zm8=", "foofo"},
  };
  for (const auto& [in, out] : cases)
    expect_same_at_every_split([] { return std::make_unique<Base64Decoder>(); }, in, out);
}

TEST(QuotedPrintable, DecodesLeniently) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""},
      {"plain text\r\n", "plain text\r\n"},
      {"caf=C3=A9 =3D=3d", "caf\xC3\xA9 =="},
      {"soft=\r\nbreak=\nhere", "softbreakhere"},
      {"soft=  \t\r\nwhite", "softwhite"},
      {"trailing  \t\r\nwhite \nx", "trailing\r\nwhite\nx"},
      {"kept=20\r\nspace", "kept \r\nspace"},
      {"bad =XY =4 =", "bad =XY =4 "},
      {"cr\ralone \rkept", "cr\ralone \rkept"},
      {"= not\r\n", "= not\r\n"},
      {"==41", "=A"},
      {"=\rx", "=\rx"},
      {"end ", "end"},
      {"end =", "end "},
      {"end=4", "end=4"},
      {"a=  b", "a=  b"},
  };
  for (const auto& [in, out] : cases)
    expect_same_at_every_split([] { return std::make_unique<QuotedPrintableDecoder>(); }, in, out);
}

TEST(QuotedPrintable, HoldsLittle) {
  // White space without end is text: it comes out before the line end is known.
  QuotedPrintableDecoder decoder;
  std::string out;
  decoder.feed(std::string(100'000, ' '), out);
  EXPECT_GT(out.size(), 98'000U);
  decoder.feed("x", out);
  EXPECT_EQ(out.size(), 100'001U);
}

}  // namespace
}  // namespace posthorn::text
