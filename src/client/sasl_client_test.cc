#include "client/sasl_client.h"

#include <gtest/gtest.h>

#include "client/line_ends.h"
#include "client/sasl_scram.h"
#include "crypto/scram.h"
#include "text/base64.h"

namespace posthorn::client {
namespace {

using Names = std::vector<std::string>;

Credentials by_password(bool allow_plaintext = false) {
  return {.user = "user", .authorize_as = {}, .password = "pencil", .token = {}, .allow_plaintext = allow_plaintext};
}
Credentials by_token() { return {.user = "user", .authorize_as = {}, .password = {}, .token = "t0ken"}; }
const ChannelState kClear{};
const ChannelState kTls{.encrypted = true, .binding_type = {}, .binding_data = {}, .host = "mx.example.org", .port = 587};
const ChannelState kBound{.encrypted = true, .binding_type = "tls-exporter", .binding_data = "0123", .host = {}, .port = 0};

TEST(SaslClient, ChoosesWhatFits) {
  struct Case {
    std::string what;
    Credentials who;
    Names offered;
    ChannelState channel;
    Names fitting;
  };
  const Names all = {"LOGIN",    "PLAIN",   "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS",
                     "CRAM-MD5", "XOAUTH2", "OAUTHBEARER", "EXTERNAL"};
  auto with_nul = by_password();
  with_nul.password = std::string("a\0b", 3);
  auto bad_token = by_token();
  bad_token.token = "a\x01z";
  const Case cases[] = {
      {"bound", by_password(), all, kBound, {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"}},
      {"TLS", by_password(), all, kTls, {"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"}},
      {"clear", by_password(), all, kClear, {"SCRAM-SHA-256", "SCRAM-SHA-1"}},
      {"clear, and nothing that hides it", by_password(), {"PLAIN", "LOGIN"}, kClear, {}},
      {"clear, by name", by_password(true), {"PLAIN", "LOGIN"}, kClear, {"PLAIN", "LOGIN"}},
      {"any case", by_password(), {"plain"}, kTls, {"PLAIN"}},
      {"unknown only", by_password(), {"CRAM-MD5", "GSSAPI"}, kTls, {}},
      {"token", by_token(), all, kTls, {"OAUTHBEARER", "XOAUTH2"}},
      {"token in clear", by_token(), all, kClear, {}},
      {"certificate", {.user = {}, .authorize_as = {}, .password = {}, .token = {}, .external = true}, all, kTls, {"EXTERNAL"}},
      {"NUL", with_nul, all, kTls, {}},
      {"a token that separates", bad_token, all, kTls, {}},
  };
  for (const auto& c : cases) EXPECT_EQ(fitting_mechanisms(c.who, c.offered, c.channel), c.fitting) << c.what;
  EXPECT_EQ(why_none_fits(by_password(), Names{"PLAIN"}, kClear),
            "without TLS the server offers only mechanisms that would show the password or token");
  EXPECT_EQ(why_none_fits(by_password(), Names{}, kTls), "the server does not offer AUTH here");
  EXPECT_EQ(why_none_fits(by_password(), Names{"GSSAPI"}, kTls), "the server offers no mechanism for what we sign in by, only GSSAPI");
  EXPECT_TRUE(shows_secret("PLAIN") && shows_secret("XOAUTH2") && !shows_secret("SCRAM-SHA-1") && !shows_secret("EXTERNAL"));
}

TEST(SaslClient, SaysWhatTheStandardsSay) {
  using namespace std::string_literals;
  auto who = by_password();
  who.authorize_as = "other";
  EXPECT_EQ(make_sasl_client("PLAIN", who, Names{}, kTls)->initial_response(), "other\0user\0pencil"s);  // [RFC4616 2]
  const auto login = make_sasl_client("LOGIN", who, Names{}, kTls);
  EXPECT_EQ(login->initial_response(), std::nullopt);
  EXPECT_EQ(login->respond("Username:").value(), "user");
  EXPECT_EQ(login->respond("Password:").value(), "pencil");
  EXPECT_FALSE(login->respond("And?"));
  const auto external =
      make_sasl_client("EXTERNAL", {.user = {}, .authorize_as = {}, .password = {}, .token = {}, .external = true}, Names{}, kTls);
  EXPECT_EQ(external->initial_response(), "");
  // [RFC7628 4.1] as the example
  auto token = by_token();
  token.user = "user@example.com";
  token.token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";
  ChannelState server = kTls;
  server.host = "server.example.com";
  server.port = 143;
  const auto bearer = make_sasl_client("OAUTHBEARER", token, Names{}, server);
  EXPECT_EQ(bearer->initial_response(),
            "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01"
            "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01");
  EXPECT_EQ(bearer->respond("{\"status\":\"invalid_token\"}").value(), "\x01");
  const auto old = make_sasl_client("XOAUTH2", token, Names{}, server);
  EXPECT_EQ(old->initial_response(),
            "user=user@example.com\x01"
            "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01");
  EXPECT_EQ(old->respond("{}").value(), "");
}

ScramClient scram(crypto::ScramHash hash, std::string nonce) {
  return ScramClient(
      {.hash = hash, .user = "user", .password = "pencil", .authorize_as = {}, .binding_data = {}, .nonce = std::move(nonce)});
}

TEST(ScramClient, FollowsTheExamples) {
  // [RFC5802 5]
  auto sha1 = scram(crypto::ScramHash::sha1, "fyko+d2lbbFgONRv9qkxdawL");
  EXPECT_EQ(sha1.initial_response(), "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
  EXPECT_EQ(sha1.respond("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096").value(),
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
  EXPECT_FALSE(sha1.succeeded());  // the server has proved nothing yet
  EXPECT_EQ(sha1.respond("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=").value(), "");
  EXPECT_TRUE(sha1.succeeded());
  // [RFC7677 3]
  auto sha256 = scram(crypto::ScramHash::sha256, "rOprNGfwEbeRWgbNEkqO");
  EXPECT_EQ(sha256.initial_response(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  EXPECT_EQ(sha256.respond("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096").value(),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  EXPECT_EQ(sha256.respond("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").value(), "");
  EXPECT_TRUE(sha256.succeeded());
}

TEST(ScramClient, RefusesWhatIsNoServer) {
  struct Case {
    std::string server_first;
    Errc code;
  };
  const Case cases[] = {
      {"r=other,s=QSXCR+Q6sek8bf92,i=4096", Errc::denied},
      {"r=mine,s=QSXCR+Q6sek8bf92,i=4096", Errc::denied},  // nothing of its own
      {"r=mine2,s=QSXCR+Q6sek8bf92,i=4095", Errc::limit},
      {"r=mine2,s=QSXCR+Q6sek8bf92,i=4000000000", Errc::limit},
      {"r=mine2,s=QSXCR+Q6sek8bf92,i=99999999999", Errc::syntax},
      {"r=mine2,s=QSXCR+Q6sek8bf92,i=-1", Errc::syntax},
      {"r=mine2,s=QSXCR+Q6sek8bf92,i=4096x", Errc::syntax},
      {"r=mine2,s=,i=4096", Errc::syntax},
      {"r=mine2,s=!,i=4096", Errc::syntax},
      {"r=mine2,i=4096", Errc::syntax},
      {"m=ext,r=mine2,s=QSXCR+Q6sek8bf92,i=4096", Errc::syntax},
      {"", Errc::syntax},
      {std::string(5000, 'x'), Errc::syntax},
  };
  for (const auto& c : cases) {
    auto client = scram(crypto::ScramHash::sha1, "mine");
    const auto got = client.respond(c.server_first);
    ASSERT_FALSE(got) << c.server_first;
    EXPECT_EQ(got.error().code, c.code) << c.server_first << ": " << got.error().text;
  }
  for (const std::string final : {"v=AAAA", "v=", "v=rmF9pqV8S7suAoZWja4dJRkFsKR=", "e=other-error", "x", ""}) {
    auto client = scram(crypto::ScramHash::sha1, "mine");
    ASSERT_TRUE(client.respond("r=mine2,s=QSXCR+Q6sek8bf92,i=4096"));
    EXPECT_FALSE(client.respond(final)) << final;
    EXPECT_FALSE(client.succeeded());
  }
}

TEST(ScramClient, TellsWhetherItCouldBind) {
  const Names with = {"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"}, without = {"SCRAM-SHA-256"};
  const auto header = [](std::string_view mechanism, const Names& offered, const ChannelState& channel) {
    const auto first = *make_sasl_client(mechanism, by_password(), offered, channel)->initial_response();
    return first.substr(0, first.find("n=user"));
  };
  EXPECT_EQ(header("SCRAM-SHA-256-PLUS", with, kBound), "p=tls-exporter,,");
  EXPECT_EQ(header("SCRAM-SHA-256", without, kBound), "y,,");  // [RFC5802 6] somebody may have taken the offer away
  EXPECT_EQ(header("SCRAM-SHA-256", with, kBound), "n,,");
  EXPECT_EQ(header("SCRAM-SHA-256", without, kTls), "n,,");
  auto strange = by_password();
  strange.user = "a,b=c";
  strange.authorize_as = "d,e";
  EXPECT_TRUE(make_sasl_client("SCRAM-SHA-256", strange, without, kTls)->initial_response()->starts_with("n,a=d=2Ce,n=a=2Cb=3Dc,r="));
}

TEST(LineEnds, AreCrlfWhereverTheTextIsCut) {
  struct Case {
    std::string text, out;
  };
  const Case cases[] = {
      {"", ""},
      {"a", "a\r\n"},
      {"a\r\n", "a\r\n"},
      {"a\nb\n", "a\r\nb\r\n"},
      {"a\rb", "a\r\nb\r\n"},
      {"a\r", "a\r\n"},
      {"\n", "\r\n"},
      {"\r\r\n", "\r\n\r\n"},
      {"\n\r", "\r\n\r\n"},
      {"\r\n\r\n", "\r\n\r\n"},
      {"a\n\nb", "a\r\n\r\nb\r\n"},
      {".\n.", ".\r\n.\r\n"},
  };
  for (const auto& c : cases)
    for (std::size_t i = 0; i <= c.text.size(); ++i)
      for (std::size_t j = i; j <= c.text.size(); ++j) {
        LineEnds ends;
        std::string out;
        ends.put(out, std::string_view(c.text).substr(0, i));
        ends.put(out, std::string_view(c.text).substr(i, j - i));
        ends.put(out, std::string_view(c.text).substr(j));
        ends.finish(out);
        EXPECT_EQ(out, c.out) << testing::PrintToString(c.text) << " " << i << " " << j;
      }
}

}  // namespace
}  // namespace posthorn::client
