#include "auth/scram_message.h"

#include <gtest/gtest.h>

#include "text/base64.h"

namespace posthorn::auth::scram {
namespace {

using namespace std::string_literals;

struct Example {
  crypto::ScramHash hash;
  std::string first, nonce, salt, server_first, final, signature;
};
const Example kExamples[] = {
    {crypto::ScramHash::sha1, "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",  // [RFC5802 5]
     "fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j", "QSXCR+Q6sek8bf92",
     "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
     "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {crypto::ScramHash::sha256, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",  // [RFC7677 3]
     "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", "W22ZaJ0SNY7soEsUEjb6gQ==",
     "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
     "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
     "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="}};

TEST(ScramMessage, ExamplesOfTheStandards) {
  for (const auto& e : kExamples) {
    const auto first = parse_client_first(e.first);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->binding, 'n');
    EXPECT_EQ(first->user, "user");
    EXPECT_EQ(first->gs2_header, "n,,");
    EXPECT_TRUE(e.nonce.starts_with(first->nonce));
    const auto keys = crypto::derive_scram_keys(e.hash, "pencil", text::base64_decode(e.salt).value(), 4096);
    EXPECT_EQ(server_first(e.nonce, keys), e.server_first);
    const auto final = parse_client_final(e.final);
    ASSERT_TRUE(final);
    EXPECT_EQ(final->binding, "n,,");
    EXPECT_EQ(final->nonce, e.nonce);
    const auto auth_message = first->bare + "," + e.server_first + "," + final->without_proof;
    EXPECT_TRUE(crypto::verify_client_proof(keys, auth_message, final->proof));
    EXPECT_EQ(server_final(crypto::server_signature(keys, auth_message)), e.signature);
  }
}

TEST(ScramMessage, ClientFirst) {
  struct Case {
    std::string message;
    char binding;
    std::string type, authorize_as, user;
  };
  for (const auto& c : {Case{"y,,n=u,r=x", 'y', "", "", "u"}, Case{"n,a=,n=u,r=x", 'n', "", "", "u"}, Case{"p=tls-exporter,,n=u,r=x", 'p', "tls-exporter", "", "u"},
                        Case{"p=tls-server-end-point,a=b=2Cc,n=u=3D=2C,r=x", 'p', "tls-server-end-point", "b,c", "u=,"},
                        Case{"n,,n=j\xc3\xb6,r=x,a=1,z=2", 'n', "", "", "j\xc3\xb6"}}) {
    const auto r = parse_client_first(c.message);
    ASSERT_TRUE(r) << c.message;
    EXPECT_EQ(r->binding, c.binding);
    EXPECT_EQ(r->binding_type, c.type);
    EXPECT_EQ(r->authorize_as, c.authorize_as);
    EXPECT_EQ(r->user, c.user);
    EXPECT_EQ(r->nonce, "x");
    EXPECT_EQ(r->gs2_header + r->bare, c.message);
  }
  for (const auto& bad :
       {""s, ","s, "n"s, "n,"s, "n,,"s, "n,,n=u"s, "n,,r=x,n=u"s, "n,,n=,r=x"s, "n,,n=u,r="s, "n,,n=u,r=a b"s, "n,,n=u,r=\xc3\xb6"s,
        "n,,n=u,r=x,"s, "n,,n=u,r=x,m=1"s, "n,,n=u,r=x,1=1"s, "n,,n=u,r=x,a"s, "n,,m=1,n=u,r=x"s, "n,,n=u=,r=x"s, "n,,n=u=2c,r=x"s,
        "n,,n=u=41,r=x"s, "N,,n=u,r=x"s, "p,,n=u,r=x"s, "p=,,n=u,r=x"s, "p=a/b,,n=u,r=x"s, "F,n,,n=u,r=x"s, "n,b,n=u,r=x"s,
        "n,,n=\xff,r=x"s, "n,,n=u\0,r=x"s, "n,,n=u,r="s + std::string(5000, 'x'), "c=biws,r=x,p=AAAA"s})
    EXPECT_EQ(parse_client_first(bad).error().code, Errc::syntax) << bad;
}

TEST(ScramMessage, ClientFinal) {
  const auto r = parse_client_final("c=biws,r=x,a=1,b=,p=2,p=AAAA");
  EXPECT_FALSE(r) << "an extension without a value";
  const auto with = parse_client_final("c=biws,r=x,a=1,p=AAAA");
  ASSERT_TRUE(with);
  EXPECT_EQ(with->without_proof, "c=biws,r=x,a=1");
  EXPECT_EQ(with->proof, "\0\0\0"s);
  for (const auto& bad : {""s, "p=AAAA"s, ",p=AAAA"s, "c=biws,p=AAAA"s, "r=x,c=biws,p=AAAA"s, "c=biws,r=x"s, "c=biws,r=x,p="s,
                          "c=biws,r=x,p=AAA"s, "c=biws,r=x,p=AAAA "s, "c=bi*s,r=x,p=AAAA"s, "c=,r=x,p=AAAA"s, "c=biws,r=,p=AAAA"s,
                          "c=biws,r=x,m=1,p=AAAA"s, "c=biws,r=x,p=AAAA,a=1"s, "n,,n=user,r=x"s})
    EXPECT_EQ(parse_client_final(bad).error().code, Errc::syntax) << bad;
}

}  // namespace
}  // namespace posthorn::auth::scram
