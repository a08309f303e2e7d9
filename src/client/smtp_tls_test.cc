// TLS and signing in, against scripted servers.
#include <gtest/gtest.h>

#include "client/smtp_dialogue_testing.h"
#include "net/certificate_testing.h"

namespace posthorn::client {
namespace {

using namespace std::chrono_literals;
using net::TlsTrust;

const std::string kHello = "S: 220 mx\nC: EHLO client.example\n";
const std::string kOffer = kHello + "S: 250-mx\nS: 250 STARTTLS\n";
const std::string kStart = kOffer + "C: STARTTLS\nS: 220 go\nTLS\n";
const std::string kAgain = "C: EHLO client.example\nS: 250 mx\n";
const std::string kQuit = "C: QUIT\nS: 221 bye\n";

struct World {
  net::TestAuthority authority;
  net::TestIdentity good = authority.issue({.names = {"mx.example.net"}});
  net::TestIdentity expired = authority.issue({.names = {"mx.example.net"}, .valid_from = -7200s, .valid_to = -3600s});
  net::TestIdentity elsewhere = authority.issue({.names = {"elsewhere.example"}});
  net::TestIdentity alone = net::make_self_signed_identity({.names = {"mx.example.net"}});
  std::shared_ptr<const net::TlsContext> client = net::test_client_context(authority);
};
const World& world() {
  static const World one;
  return one;
}

net::TlsPolicy by_name() { return {.trust = TlsTrust::ca_and_name, .server_name = "mx.example.net", .names = {"mx.example.net"}}; }
net::TlsPolicy by_dane(net::TlsaRecord record) {
  return {.trust = TlsTrust::dane, .server_name = "mx.example.net", .names = {"mx.example.net"}, .tlsa = {std::move(record)}};
}

Played meet(std::string script, TlsMode mode, net::TlsPolicy policy = {}, const net::TestIdentity& identity = world().good,
            std::function<void(Dialogue&)> change = {}) {
  auto dialogue = make_dialogue(std::move(script));
  dialogue.options.tls = mode;
  dialogue.options.tls_context = world().client;
  dialogue.options.tls_policy = std::move(policy);
  dialogue.script.tls = net::test_server_context(identity);
  dialogue.sends = 0;
  if (change) change(dialogue);
  auto played = play(std::move(dialogue));
  EXPECT_EQ(played.complaints, "");
  return played;
}

TEST(SmtpTls, ModesAndServers) {
  struct Case {
    std::string what, script;
    TlsMode mode;
    std::string outcome;
    bool on;
  };
  using enum TlsMode;
  const Case cases[] = {
      {"offered", kStart + kAgain + kQuit, opportunistic, "open", true},
      {"offered and required", kStart + kAgain + kQuit, required, "open", true},
      {"offered and not wanted", kOffer + kQuit, none, "open", false},
      {"not offered", kHello + "S: 250 mx\n" + kQuit, opportunistic, "open", false},
      {"not offered, but required", kHello + "S: 250 mx\nC: QUIT\n", required, "open: TLS not offered (STARTTLS)", false},
      {"refused", kOffer + "C: STARTTLS\nS: 454 4.7.0 later\n" + kQuit, opportunistic, "open", false},
      {"refused, but required", kOffer + "C: STARTTLS\nS: 454 4.7.0 later\nC: QUIT\n", required, "open: refused 454 (STARTTLS)", false},
      {"neither yes nor no", kOffer + "C: STARTTLS\nS: 250 ok\nC: QUIT\n", opportunistic, "open: bad reply (STARTTLS)", false},
      {"closing", kOffer + "C: STARTTLS\nS: 421 later\nCLOSE", opportunistic, "open: refused 421 (STARTTLS)", false},
      {"gone", kOffer + "C: STARTTLS\nCLOSE", opportunistic, "open: closed (STARTTLS)", false},
      {"gone behind 220", kOffer + "C: STARTTLS\nS: 220 go\nCLOSE", opportunistic, "open: TLS failed (TLS handshake)", false},
      {"no handshake", kOffer + "C: STARTTLS\nS: 220 go\nWAIT\nWAIT\nS: 250 ok\nHANG", opportunistic, "open: TLS failed (TLS handshake)",
       false},
      {"implicit", "TLS\n" + kHello + "S: 250 mx\n" + kQuit, implicit, "open", true},
      {"implicit, but the server speaks first", "S: 220 mx\nHANG", implicit, "open: TLS failed (TLS handshake)", false},
      {"gone at EHLO", kStart + "C: EHLO client.example\nCLOSE", required, "open: closed (EHLO)", true},
      {"HELO behind TLS", kStart + "C: EHLO client.example\nS: 500 what\nC: HELO client.example\nS: 250 mx\n" + kQuit, required, "open",
       true},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    const auto played = meet(c.script, c.mode);
    EXPECT_EQ(played.outcome, c.outcome);
    EXPECT_EQ(played.tls.is_on(), c.on);
  }
  EXPECT_EQ(meet(kOffer + "C: STARTTLS\nS: 454 4.7.0 later\n" + kQuit, opportunistic).tls.refusal->code, 454);
  const auto silent = meet("HANG", implicit, {}, world().good, [](Dialogue& d) { d.options.timeouts.tls = 150ms; });
  EXPECT_EQ(silent.outcome, "open: TLS failed (TLS handshake)");
}

// Somebody between may put words behind the 220, which would be read as the server's answers under TLS.
TEST(SmtpTls, NothingFromBeforeTlsIsHeardBehindIt) {
  for (const std::string injected : {"250 ok\\r\\n", "2", "\\r\\n", "\\x16"}) {
    const auto played = meet(kOffer + "C: STARTTLS\ns: 220 go\\r\\n" + injected + "\nHANG", TlsMode::opportunistic);
    EXPECT_EQ(played.outcome, "open: TLS injection (STARTTLS)") << injected;
  }
  // What was offered before does not count.
  const auto played =
      meet(kHello + "S: 250-mx\nS: 250-AUTH PLAIN\nS: 250-SIZE 5\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS\n" + kAgain + "C: QUIT\n",
           TlsMode::required, {}, world().good,
           [](Dialogue& d) { d.options.credentials = Credentials{.user = "user", .authorize_as = {}, .password = "pencil", .token = {}}; });
  EXPECT_EQ(played.outcome, "open: no mechanism (AUTH)");
}

TEST(SmtpTls, CertificatesAreJudgedAsThePolicySays) {
  const auto& w = world();
  struct Case {
    std::string what;
    const net::TestIdentity& identity;
    net::TlsPolicy policy;
    net::TlsProblem problem;
    std::string_view tlsrpt;
  };
  using enum net::TlsProblem;
  const Case cases[] = {
      {"good", w.good, by_name(), none, ""},
      {"expired", w.expired, by_name(), expired, "certificate-expired"},
      {"name", w.elsewhere, by_name(), name_mismatch, "certificate-host-mismatch"},
      {"self-signed", w.alone, by_name(), self_signed, "certificate-not-trusted"},
      {"3 1 1", w.alone, by_dane(w.alone.tlsa(3, 1, 1)), none, ""},
      {"3 1 1 of another", w.alone, by_dane(w.good.tlsa(3, 1, 1)), no_matching_tlsa, "validation-failure"},
      {"2 1 1", w.good, by_dane(w.authority.identity().tlsa(2, 1, 1)), none, ""},
      {"2 1 1 of another", w.alone, by_dane(w.authority.identity().tlsa(2, 1, 1)), no_matching_tlsa, "validation-failure"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    const bool good = c.problem == none;
    const auto strict = meet(good ? kStart + kAgain + kQuit : kStart, TlsMode::required, c.policy, c.identity);
    EXPECT_EQ(strict.outcome, good ? "open" : "open: TLS failed (TLS handshake)");
    if (good) EXPECT_TRUE(strict.tls.verdict.verified);
    auto lenient = c.policy;
    lenient.on_mistrust = net::OnMistrust::report;
    const auto reported = meet(kStart + kAgain + kQuit, TlsMode::required, lenient, c.identity);
    EXPECT_EQ(reported.outcome, "open");
    EXPECT_EQ(reported.tls.verdict.problem, c.problem);
    EXPECT_EQ(tlsrpt_result(reported.tls.verdict.problem), c.tlsrpt);
  }
  const auto bare = meet(kStart, TlsMode::required, by_name(), w.expired);
  EXPECT_NE(bare.failures.at(0).find("the certificate of mx.example.net expired at"), std::string::npos) << bare.failures.at(0);
}

TEST(SmtpTls, RequireTlsWantsAServerThatIsKnown) {  // [RFC8689 4.2.1]
  const std::string offered = kStart + "C: EHLO client.example\nS: 250-mx\nS: 250 REQUIRETLS\n";
  const auto send = [](Dialogue& d) {
    d.sends = 1;
    d.mail.require_tls = true;
  };
  EXPECT_EQ(
      meet(offered + "C: MAIL FROM:<me@example.org> REQUIRETLS\nS: 550 no\n" + kQuit, TlsMode::required, by_name(), world().good, send)
          .outcome,
      "refused 550 (MAIL)");
  EXPECT_EQ(meet(offered + kQuit, TlsMode::required, {}, world().good, send).outcome, "not tried | no REQUIRETLS (MAIL)");
}

Credentials by_password(bool allow_plaintext = true) {
  return {.user = "user", .authorize_as = {}, .password = "pencil", .token = {}, .allow_plaintext = allow_plaintext};
}

// In clear text, where the words can be read.
Played sign_in(std::string offer, std::string script, Credentials who = by_password()) {
  auto dialogue = make_dialogue(kHello + "S: 250-mx\nS: 250 AUTH " + offer + "\n" + script);
  dialogue.options.credentials = std::move(who);
  dialogue.sends = 0;
  auto played = play(std::move(dialogue));
  EXPECT_EQ(played.complaints, "");
  for (const auto& line : played.transcript)
    for (const std::string secret : {"pencil", "cGVuY2ls", "AHVzZXIAcGVuY2ls", "dXNlcg==", "t0ken", "dDBrZW4"})
      EXPECT_EQ(line.find(secret), std::string::npos) << line;
  return played;
}

TEST(SmtpAuth, Dialogues) {
  struct Case {
    std::string what, offer, script, outcome, mechanism;
    Credentials who = by_password();
  };
  const Credentials token{
      .user = "user", .authorize_as = {}, .password = {}, .token = "t0ken" + std::string(600, 'x'), .allow_plaintext = true};
  const Credentials external{.user = {}, .authorize_as = {}, .password = {}, .token = {}, .external = true};
  const Case cases[] = {
      {"PLAIN", "PLAIN LOGIN", "C: AUTH PLAIN AHVzZXIAcGVuY2ls\nS: 235 2.7.0 welcome\n" + kQuit, "open", "PLAIN"},
      {"LOGIN", "LOGIN", "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dXNlcg==\nS: 334 UGFzc3dvcmQ6\nC: cGVuY2ls\nS: 235 ok\n" + kQuit, "open",
       "LOGIN"},
      {"LOGIN in clear questions", "LOGIN",
       "C: AUTH LOGIN\nS: 334 Username:\nC: dXNlcg==\nS: 334 Password:\nC: cGVuY2ls\nS: 235 ok\n" + kQuit, "open", "LOGIN"},
      {"EXTERNAL", "EXTERNAL", "C: AUTH EXTERNAL =\nS: 235 ok\n" + kQuit, "open", "EXTERNAL", external},
      {"token too long for the line", "XOAUTH2", "C: AUTH XOAUTH2\nS: 334\nC: dXNlcj11c2VyAWF1dGg9QmVhcmVyIHQwa2Vu*\nS: 235 ok\n" + kQuit,
       "open", "XOAUTH2", token},
      {"bad token", "XOAUTH2", "C: AUTH XOAUTH2\nS: 334\nC: dXNl*\nS: 334 e30=\nC:\nS: 535 no\nC: QUIT", "open: refused 535 (AUTH)", "",
       token},
      {"wrong", "PLAIN", "C: AUTH PLAIN *\nS: 535 5.7.8 no\nC: QUIT", "open: refused 535 (AUTH)", ""},
      {"not now", "SCRAM-SHA-256 PLAIN", "C: AUTH SCRAM-SHA-256 *\nS: 454 4.7.0 later\nC: QUIT", "open: refused 454 (AUTH)", ""},
      {"keys that are not there", "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN",
       "C: AUTH SCRAM-SHA-256 *\nS: 535 no\nC: AUTH PLAIN *\nS: 235 ok\n" + kQuit, "open", "PLAIN"},
      {"wrong in both ways", "SCRAM-SHA-256 PLAIN LOGIN", "C: AUTH SCRAM-SHA-256 *\nS: 535 no\nC: AUTH PLAIN *\nS: 535 no\nC: QUIT",
       "open: refused 535 (AUTH)", ""},
      {"only one way", "SCRAM-SHA-256 PLAIN", "C: AUTH SCRAM-SHA-256 *\nS: 535 no\nC: QUIT", "open: refused 535 (AUTH)", "",
       by_password(false)},
      {"nothing for clear text", "PLAIN LOGIN", "C: QUIT", "open: no mechanism (AUTH)", "", by_password(false)},
      {"nothing known", "GSSAPI", "C: QUIT", "open: no mechanism (AUTH)", ""},
      {"no proof", "SCRAM-SHA-256", "C: AUTH SCRAM-SHA-256 *\nS: 235 welcome\n", "open: server unproven (AUTH)", ""},
      {"not our nonce", "SCRAM-SHA-256",
       "C: AUTH SCRAM-SHA-256 *\nS: 334 cj1vdGhlcixzPVFTWENSK1E2c2VrOGJmOTIsaT00MDk2\nC: *\nS: 501 cancelled\n",
       "open: server unproven (AUTH)", ""},
      {"nonsense", "SCRAM-SHA-256", "C: AUTH SCRAM-SHA-256 *\nS: 334 !\nC: *\nS: 501 cancelled\nC: QUIT", "open: bad reply (AUTH)", ""},
      {"a question too many", "PLAIN", "C: AUTH PLAIN *\nS: 334\nC: *\nS: 501 cancelled\nC: QUIT", "open: bad reply (AUTH)", ""},
      {"endless questions", "XOAUTH2",
       "C: AUTH XOAUTH2\nS: 334\nC: *\nS: 334\nC:\nS: 334\nC:\nS: 334\nC:\nS: 334\nC:\nS: 334\nC:\nS: 334\nC:\nS: 334\nC:\nS: 334\nC: "
       "*\nS: 501 ok\nC: QUIT",
       "open: bad reply (AUTH)", "", token},
      {"closing", "PLAIN", "C: AUTH PLAIN *\nS: 421 later\nCLOSE", "open: refused 421 (AUTH)", ""},
      {"gone", "PLAIN", "C: AUTH PLAIN *\nCLOSE", "open: closed (AUTH)", ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    const auto played = sign_in(c.offer, c.script, c.who);
    EXPECT_EQ(played.outcome, c.outcome);
    EXPECT_EQ(played.signed_in_by, c.mechanism);
  }
}

TEST(SmtpAuth, ANormalPasswordWantsTls) {
  const auto played =
      meet(kStart + "C: EHLO client.example\nS: 250-mx\nS: 250 AUTH PLAIN\nC: AUTH PLAIN AHVzZXIAcGVuY2ls\nS: 235 ok\n" + kQuit,
           TlsMode::required, by_name(), world().good, [](Dialogue& d) { d.options.credentials = by_password(false); });
  EXPECT_EQ(played.outcome, "open");
  EXPECT_EQ(played.signed_in_by, "PLAIN");
}

TEST(SmtpTranscript, TellsAllButSecretsAndTheMessage) {
  auto dialogue = make_dialogue(kHello +
                                "S: 250-mx\nS: 250-AUTH PLAIN LOGIN\nS: 250 PIPELINING\nC: AUTH PLAIN *\nS: 235 ok\nC: MAIL "
                                "FROM:<me@example.org>\nC: RCPT TO:<you@example.net>\nC: DATA\n"
                                "S: 250 ok\nS: 250 ok\nS: 354 go\nC: Subject: x\nC:\nC: hello\nC: .\ns: 250 qu\\x1bued\\r\\n\n" +
                                kQuit);
  dialogue.options.credentials = by_password();
  const auto played = play(std::move(dialogue));
  EXPECT_EQ(played.outcome, "accepted 250");
  const std::vector<std::string> expected = {"- connected to unix",
                                             "< 220 mx",
                                             "> EHLO client.example",
                                             "< 250-mx",
                                             "< 250-AUTH PLAIN LOGIN",
                                             "< 250 PIPELINING",
                                             "> AUTH PLAIN (masked)",
                                             "< 235 ok",
                                             "> MAIL FROM:<me@example.org>",
                                             "> RCPT TO:<you@example.net>",
                                             "> DATA",
                                             "< 250 ok",
                                             "< 250 ok",
                                             "< 354 go",
                                             "> (21 bytes)",
                                             "> .",
                                             "< 250 qu?ued",
                                             "> QUIT",
                                             "< 221 bye"};
  EXPECT_EQ(played.transcript, expected);
}

}  // namespace
}  // namespace posthorn::client
