#include "crypto/digest.h"

#include <gtest/gtest.h>

#include <set>

#include "crypto/base64.h"
#include "crypto/random.h"

namespace posthorn::crypto {
namespace internal {
std::uint32_t crc32c_by_table(std::string_view data, std::uint32_t so_far);
}
namespace {

std::string hex256(std::string_view data) { return to_hex(view(sha256(data))); }

TEST(Digest, KnownAnswers) {  // FIPS 180-4 examples
  EXPECT_EQ(hex256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hex256(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(to_hex(view(sha1("abc"))), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(to_hex(view(sha1(""))), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

TEST(Digest, Md5KnownAnswers) {  // [RFC1939 7]
  EXPECT_EQ(to_hex(view(md5("<1896.697170952@dbc.mtview.ca.us>tanstaaf"))), "c4c9334bac560ecc979e58001b3e22fb");
  EXPECT_EQ(to_hex(view(md5(""))), "d41d8cd98f00b204e9800998ecf8427e");
}

TEST(Digest, Sha256InPieces) {
  Sha256 hash;
  for (int round = 0; round < 2; ++round) {  // finish() begins anew
    hash.update("a");
    hash.update("");
    hash.update("bc");
    EXPECT_EQ(hash.finish(), sha256("abc"));
  }
}

TEST(Digest, HmacKnownAnswers) {  // [RFC4231 4.2 4.3 4.7]
  EXPECT_EQ(to_hex(view(hmac_sha256(std::string(20, '\x0b'), "Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(view(hmac_sha256("Jefe", "what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(view(hmac_sha256(std::string(131, '\xaa'),
                                    "Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(to_hex(view(hmac_sha256({}, {}))),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  // HMAC-SHA-1
  EXPECT_EQ(to_hex(view(hmac_sha1("Jefe", "what do ya want for nothing?"))), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(to_hex(view(hmac_sha1(std::string(80, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"))),
            "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

TEST(Crc32c, KnownAnswers) {  // [RFC3720 B.4]
  std::string rising;
  for (int i = 0; i < 32; ++i) rising += static_cast<char>(i);
  struct Case {
    std::string data;
    std::uint32_t crc;
  };
  for (const auto& c :
       {Case{"", 0u}, Case{"123456789", 0xe3069283u}, Case{std::string(32, '\0'), 0x8a9136aau},
        Case{std::string(32, '\xff'), 0x62a8ab43u}, Case{rising, 0x46dd794eu}}) {
    EXPECT_EQ(crc32c(c.data), c.crc);
    EXPECT_EQ(internal::crc32c_by_table(c.data, 0), c.crc);
  }
}

TEST(Crc32c, IsTheSameInPiecesAndByTable) {
  const std::string data = random_bytes(301);
  for (std::size_t cut = 0; cut <= data.size(); ++cut) {
    const std::string_view whole(data);
    EXPECT_EQ(crc32c(whole.substr(cut), crc32c(whole.substr(0, cut))), crc32c(whole));
    EXPECT_EQ(internal::crc32c_by_table(whole.substr(cut), 0), crc32c(whole.substr(cut)));
  }
}

TEST(Digest, ConstantTimeEqual) {
  EXPECT_TRUE(constant_time_equal("", {}));
  EXPECT_TRUE(constant_time_equal("abc", "abc"));
  EXPECT_FALSE(constant_time_equal("abc", "abd"));
  EXPECT_FALSE(constant_time_equal("abc", "ab"));
}

TEST(Hex, RoundTripAndErrors) {
  const std::string bytes("\0\xff\x10z", 4);
  EXPECT_EQ(to_hex(bytes), "00ff107a");
  EXPECT_EQ(from_hex("00FF107a").value(), bytes);
  EXPECT_EQ(from_hex("0").error().code, Errc::syntax);
  EXPECT_EQ(from_hex("0g").error().code, Errc::syntax);
}

TEST(Base64, KnownAnswersAndErrors) {  // [RFC4648 10]
  const std::pair<std::string_view, std::string_view> kCases[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}};
  for (const auto& [plain, coded] : kCases) {
    EXPECT_EQ(encode_base64(plain, Padding::equals), coded);
    EXPECT_EQ(decode_base64(coded, Padding::equals).value(), plain);
    EXPECT_EQ(decode_base64(encode_base64(plain, Padding::none), Padding::none).value(), plain);
  }
  for (const auto bad : {"Zg", "Zh==", "Z===", "Zg==Zg==", "Z g=", "===="})
    EXPECT_FALSE(decode_base64(bad, Padding::equals)) << bad;
  for (const auto bad : {"Z", "Zg==", "Zh", "Zm9v\n"}) EXPECT_FALSE(decode_base64(bad, Padding::none)) << bad;
}

TEST(Random, Differs) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(seen.insert(random_bytes(16)).second);
  EXPECT_EQ(random_bytes(0), "");
  EXPECT_NE(random_u64(), random_u64());
}

}  // namespace
}  // namespace posthorn::crypto
