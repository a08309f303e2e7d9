// What is said of a port, and which settings come of several.
#include "check/judge.h"

#include <gtest/gtest.h>

#include "check/plan.h"
#include "check/settings.h"

namespace posthorn::check {
namespace {

using namespace std::chrono_literals;
const SysTime kNow{std::chrono::sys_days(std::chrono::year(2026) / 11 / 23)};

// One that nothing is wrong with.
PortReport good(Service service, std::uint16_t port, Security expected) {
  PortReport r;
  r.target = {.service = service, .host = "mail.example.org", .port = port, .expected = expected};
  r.address = "192.0.2.7";
  r.reached = Reached::yes;
  r.spoke = expected == Security::implicit ? Spoke::tls : Spoke::clear;
  r.before.seen = r.before.start_tls = expected == Security::starttls;
  r.behind.seen = true;
  r.behind.mechanisms = service == Service::smtp ? std::vector<std::string>{} : std::vector<std::string>{"SCRAM-SHA-256", "PLAIN"};
  r.tls = true;
  r.tls_version = "TLSv1.3";
  r.verdict.verified = true;
  r.certificate = net::PeerCertificate{.not_after = kNow + std::chrono::days(60), .key_type = "EC", .key_bits = 256};
  return r;
}

std::string said(const PortReport& r) {
  std::string out;
  for (const auto& f : judge_port(r, kNow).all) {
    out += std::string(to_string(f.level)) + ": " + f.text + '\n';
    EXPECT_TRUE(f.level < Level::warning || !f.advice.empty()) << f.text;
    EXPECT_EQ(f.about, "mail.example.org:" + std::to_string(r.target.port));
  }
  return out;
}

TEST(Judge, NothingIsSaidOfGoodPorts) {
  for (const auto& p : standard_ports()) EXPECT_EQ(said(good(p.service, p.port, p.security)), "") << p.port;
  auto modern = good(Service::imap, 993, Security::implicit);
  modern.old_version = "";
  EXPECT_EQ(said(modern), "");
}

TEST(Judge, WhatIsWrong) {
  const struct {
    Service service;
    Security expected;
    void (*spoil)(PortReport&);
    const char* level;
    const char* text;
  } cases[] = {
      {Service::imap, Security::implicit, [](PortReport& r) { r.spoke = Spoke::clear, r.tls = false, r.behind = {}; }, "error",
       "speaks clear text, where TLS"},
      {Service::imap, Security::starttls, [](PortReport& r) { r.spoke = Spoke::tls; }, "error", "speaks TLS from the first byte"},
      {Service::imap, Security::implicit,
       [](PortReport& r) {
         r.spoke = Spoke::nothing, r.tls = false, r.verdict = {.problem = net::TlsProblem::handshake, .text = "no common version"};
       },
       "error", "handshake fails: no common version"},
      {Service::imap, Security::starttls,
       [](PortReport& r) { r.spoke = Spoke::nothing, r.trouble = "no answer in time", r.before = r.behind = {}, r.tls = false; }, "error",
       "speaks no IMAP: no answer in time"},
      {Service::imap, Security::starttls, [](PortReport& r) { r.before.start_tls = false, r.tls = false; }, "error", "no STARTTLS"},
      {Service::pop3, Security::starttls, [](PortReport& r) { r.before.start_tls = false, r.tls = false; }, "error", "no STLS"},
      {Service::smtp, Security::starttls, [](PortReport& r) { r.before.start_tls = false, r.tls = false; }, "warning", "no STARTTLS"},
      {Service::submission, Security::starttls, [](PortReport& r) { r.before.mechanisms = {"LOGIN"}; }, "warning", "offered before TLS"},
      {Service::imap, Security::starttls, [](PortReport& r) { r.before.clear_login = true; }, "warning", "LOGIN may be used before TLS"},
      {Service::pop3, Security::starttls, [](PortReport& r) { r.before.clear_login = true; }, "warning", "USER and PASS may be used"},
      {Service::submission, Security::starttls, [](PortReport& r) { r.injected = true; }, "error", "in clear text"},
      {Service::submission, Security::starttls, [](PortReport& r) { r.start_tls_trouble = "454 not now", r.tls = false; }, "error",
       "then fails: 454 not now"},
      {Service::submission, Security::starttls,
       [](PortReport& r) { r.tls = false, r.verdict = {.problem = net::TlsProblem::handshake, .text = "alert"}; }, "error",
       "handshake fails: alert"},
      {Service::imap, Security::implicit, [](PortReport& r) { r.verdict = {.problem = net::TlsProblem::expired, .text = "it expired"}; },
       "error", "it expired"},
      {Service::smtp, Security::starttls,
       [](PortReport& r) { r.verdict = {.problem = net::TlsProblem::name_mismatch, .text = "other name"}; }, "warning", "other name"},
      {Service::imap, Security::implicit, [](PortReport& r) { r.certificate->not_after = kNow + std::chrono::days(13); }, "warning",
       "ends on 2026-12-06"},
      {Service::imap, Security::implicit, [](PortReport& r) { r.certificate->not_after = kNow - std::chrono::days(1); }, "warning",
       "ended on 2026-11-22"},
      {Service::imap, Security::implicit, [](PortReport& r) { r.old_version = "TLSv1.1"; }, "warning", "TLS 1.1 is still taken"},
      {Service::smtp, Security::starttls, [](PortReport& r) { r.old_version = "TLSv1"; }, "note", "TLS 1.0 is still taken"},
      {Service::smtp, Security::starttls, [](PortReport& r) { r.relays = true, r.relay_answer = "250 ok"; }, "error",
       "an open relay): 250 ok"},
      {Service::smtp, Security::starttls, [](PortReport& r) { r.relays = false, r.relay_answer = "550 no"; }, "note", "does not relay"},
      {Service::imap, Security::implicit, [](PortReport& r) { r.greeting = "PREAUTH welcome joe"; }, "error", "for signed in"},
      {Service::imap, Security::implicit, [](PortReport& r) { r.certificate->key_type = "RSA", r.certificate->key_bits = 1024; }, "warning",
       "1024 bits"},
      {Service::imap, Security::implicit, [](PortReport& r) { r.tls_version = "TLSv1.2"; }, "note", "only TLSv1.2"},
      {Service::imap, Security::implicit, [](PortReport& r) { r.behind.mechanisms = {}; }, "error", "nobody can sign in"},
      {Service::smtp, Security::starttls, [](PortReport& r) { r.behind.mechanisms = {"PLAIN"}; }, "note", "for other servers"},
      {Service::imap, Security::implicit, [](PortReport& r) { r.rejected = true, r.greeting = "* BYE go away"; }, "error",
       "refuses to talk to us: * BYE go away"},
      {Service::imap, Security::implicit, [](PortReport& r) { r.trouble = "an endless answer"; }, "error", "an endless answer"},
      {Service::imap, Security::implicit, [](PortReport& r) { r.greeted = 8s; }, "note", "greeting took 8 s"},
      {Service::imap, Security::implicit, [](PortReport& r) { r.reached = Reached::refused, r.target.named_by = {"SRV x"}; }, "error",
       "SRV x names this port, but the host refuses"},
      {Service::smtp, Security::starttls, [](PortReport& r) { r.reached = Reached::no_answer, r.target.named_by = {"MX x"}; }, "warning",
       "nobody answers there"},
      {Service::imap, Security::implicit, [](PortReport& r) { r.reached = Reached::no_way; }, "note", "no way to 192.0.2.7"},
  };
  for (const auto& c : cases) {
    auto r = good(c.service, c.expected == Security::implicit ? 993 : 143, c.expected);
    c.spoil(r);
    const auto text = said(r);
    EXPECT_TRUE(text.starts_with(c.level)) << c.text << "\n" << text;
    EXPECT_NE(text.find(c.text), text.npos) << c.text << "\n" << text;
  }
}

TEST(Judge, NobodyMissesAClosedPortThatNobodyPromised) {
  auto r = good(Service::pop3, 995, Security::implicit);
  r.reached = Reached::refused;
  EXPECT_EQ(said(r), "");
}

TEST(Judge, EqualFindingsAreOne) {
  const Finding a{Level::note, "mail.example.org:465", "text", "do"}, b{Level::note, "mail.example.org:993", "text", "do"},
      other{Level::note, "mx.example.org:25", "text", "do"}, bad{Level::error, "mail.example.org:25", "text", "do"};
  const auto all = folded({a, b, other, bad});
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].level, Level::error);
  EXPECT_EQ(all[1].about, "mail.example.org:465, :993, mx.example.org:25");
}

// --- settings
std::string shown(const std::vector<Setting>& all) {
  std::string out;
  for (const auto& s : all)
    out += std::string(to_string(s.service)) + ' ' + s.host + ':' + std::to_string(s.port) + ' ' + s.user + ' ' + s.mechanism +
           (s.verified ? "\n" : " unverified\n");
  return out;
}

TEST(Settings, TheBestOfEach) {
  std::vector<PortReport> ports{good(Service::smtp, 25, Security::starttls),        good(Service::submission, 587, Security::starttls),
                                good(Service::submission, 465, Security::implicit), good(Service::imap, 143, Security::starttls),
                                good(Service::imap, 993, Security::implicit),       good(Service::pop3, 110, Security::starttls)};
  EXPECT_EQ(shown(choose_settings(ports, {}, "joe@example.org")),
            "IMAP mail.example.org:993 joe@example.org SCRAM-SHA-256\nPOP3 mail.example.org:110 joe@example.org SCRAM-SHA-256\n"
            "submission mail.example.org:465 joe@example.org SCRAM-SHA-256\n");
  // What the domain promises comes before what is better by itself.
  ports[1].target.named_by = {"SRV _submission._tcp.example.org"};
  EXPECT_NE(shown(choose_settings(ports, {}, "")).find("submission mail.example.org:587"), std::string::npos);
  // A certificate that is not believed comes last, and is told; clear text and what nobody can sign in to is no setting.
  ports[4].verdict = {.problem = net::TlsProblem::expired};
  EXPECT_NE(shown(choose_settings(ports, {}, "")).find("IMAP mail.example.org:143"), std::string::npos);
  ports[3].tls = false;
  EXPECT_NE(shown(choose_settings(ports, {}, "")).find("IMAP mail.example.org:993  SCRAM-SHA-256 unverified"), std::string::npos);
  ports[5].behind.mechanisms = {};
  EXPECT_EQ(shown(choose_settings(ports, {}, "")).find("POP3"), std::string::npos);
}

TEST(Settings, TheUserAsAutoconfigHasIt) {
  const std::vector<PortReport> ports{good(Service::imap, 993, Security::implicit)};
  const std::vector<Candidate> candidates{
      {Service::imap, "mail.example.org", 993, Security::implicit, Source::autoconfig, "u", false, "%EMAILLOCALPART%"}};
  EXPECT_EQ(shown(choose_settings(ports, candidates, "joe@example.org")), "IMAP mail.example.org:993 joe SCRAM-SHA-256\n");
  EXPECT_EQ(user_by_form("x-%emaildomain%-%EMAILADDRESS%%", "joe@example.org"), "x-example.org-joe@example.org%");
}

// --- plan
TEST(Plan, WhatIsPromisedAndTheStandardPortsBesideIt) {
  const std::vector<Candidate> candidates{
      {Service::imap, "imap.example.org", 1993, Security::implicit, Source::srv, "_imaps._tcp.example.org"},
      {Service::imap, "imap.example.org", 1993, Security::implicit, Source::autoconfig, "https://x"},
      {Service::smtp, "mx.example.org", 25, Security::starttls, Source::mx, "example.org"},
      {Service::submission, "smtp.example.org", 0, Security::implicit, Source::guess, "the usual name"}};
  std::string all;
  for (const auto& t : plan_targets(candidates, {})) {
    all += t.host + ':' + std::to_string(t.port);
    for (const auto& name : t.named_by) all += " [" + name + ']';
    all += '\n';
  }
  EXPECT_EQ(all,
            "imap.example.org:993\nimap.example.org:1993 [SRV _imaps._tcp.example.org] [autoconfig https://x]\nimap.example.org:143\n"
            "mx.example.org:25 [MX example.org]\nsmtp.example.org:465\nsmtp.example.org:587\nsmtp.example.org:2525\n");
  EXPECT_EQ(plan_targets(candidates, {Service::smtp}).size(), 1u);
  EXPECT_EQ(plan_targets(candidates_of_host("h"), {}).size(), 8u);
}

TEST(Plan, IsBounded) {
  std::vector<Candidate> candidates;
  for (int i = 0; i < 1000; ++i) candidates.push_back({Service::imap, "h" + std::to_string(i), 993, Security::implicit, Source::srv, "x"});
  for (int i = 1; i < 1000; ++i)
    candidates.push_back({Service::imap, "h0", static_cast<std::uint16_t>(i), Security::implicit, Source::srv, "x"});
  EXPECT_EQ(plan_targets(candidates, {}).size(), kTargets);
}

}  // namespace
}  // namespace posthorn::check
