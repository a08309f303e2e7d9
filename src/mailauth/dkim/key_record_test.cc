#include "mailauth/dkim/key_record.h"

#include <gtest/gtest.h>

#include "mailauth/dkim/testing_keys.h"

namespace posthorn::mailauth::dkim {
namespace {

std::string record_of(std::string_view pem) {
  const auto key = key_of("", pem).key;
  return key_record(key->algorithm(), key->public_key());
}

TEST(DkimKeyRecord, AsTheStandardShowsThem) {  // [RFC8463 A.2]
  EXPECT_EQ(key_record_name("brisbane", "football.example.com"), "brisbane._domainkey.football.example.com");
  EXPECT_EQ(record_of(kEd25519KeyOf8463), "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
  EXPECT_EQ(record_of(kRsaKeyOf8463),
            "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3"
            "W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB");
}

TEST(DkimKeyRecord, LongTextsAreCutForZoneFiles) {
  const auto run = [](std::size_t n) { return std::string(n, 'x'); };
  for (const auto& [text, strings] : {std::pair{std::string(), std::string("\"\"")},
                                      {run(255), '"' + run(255) + '"'},
                                      {run(256), '"' + run(255) + "\" \"x\""},
                                      {run(511), '"' + run(255) + "\" \"" + run(255) + "\" \"x\""},
                                      {R"(a"b\c)", R"("a\"b\\c")"}})
    EXPECT_EQ(txt_zone_line("s._domainkey.example.test", text), "s._domainkey.example.test. IN TXT " + strings);
}

}  // namespace
}  // namespace posthorn::mailauth::dkim
