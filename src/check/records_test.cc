// SPF, DMARC, DKIM, MTA-STS, TLSRPT: what is said of which record.
#include <gtest/gtest.h>

#include "async/reactor.h"
#include "check/dkim_keys.h"
#include "check/dmarc.h"
#include "check/spf.h"
#include "check/transport.h"
#include "crypto/signing_key.h"
#include "dns/fake_zone.h"
#include "mailauth/dkim/key_record.h"

namespace posthorn::check {
namespace {

// "error: ... | ok: ...", so that a table can say what is looked for.
std::string said(const Findings& all) {
  std::string out;
  for (const auto& f : all.all) out += std::string(out.empty() ? "" : " | ") + std::string(to_string(f.level)) + ": " + f.text;
  return out;
}

::testing::AssertionResult says(const Findings& all, const std::string& begins, const std::string& part) {
  const auto text = said(all);
  if (!text.starts_with(begins) || text.find(part) == text.npos) return ::testing::AssertionFailure() << text;
  for (const auto& f : all.all)
    if (f.level >= Level::warning && f.advice.empty()) return ::testing::AssertionFailure() << "no advice: " << f.text;
  return ::testing::AssertionSuccess();
}

class Zone {
 public:
  explicit Zone(std::string_view text) : zone_(text) {}
  World& world() { return world_; }

 private:
  dns::FakeZone zone_;
  WorkerPool workers_{1};
  World world_{.resolver = zone_, .workers = workers_, .system_names = false, .probe = {}};
};

const dns::Name kDomain = *dns::Name::parse("example.org");

TEST(Spf, TermsAreReadOrRefused) {
  for (const char* good :
       {"v=spf1", "v=spf1 -all", "V=SPF1 MX ~ALL",
        "v=spf1 a:x.example/24 mx//64 ip4:192.0.2.0/24 ip6:2001:db8::/32 ?exists:%{i}.x.example  include:x.example redirect=y.example",
        "v=spf1 a/24 a//64 mx/24//64 a:x.example//128 -all", "v=spf1 exp=why.example unknown=x:y -all"})
    EXPECT_TRUE(parse_spf(good)) << good;
  for (const char* bad : {"v=spf10 -all", "spf1", "v=spf1 -al", "v=spf1 ip4:192.0.2.300", "v=spf1 ip4:2001:db8::1",
                          "v=spf1 ip4:192.0.2.0/33", "v=spf1 ip6:192.0.2.1", "v=spf1 include", "v=spf1 include:", "v=spf1 all:x",
                          "v=spf1 redirect=", "v=spf1 redirect=a redirect=b", "v=spf1 - all", "v=spf1 ip4:192.0.2.0/", "v=spf1 +",
                          "v=spf1 a: -all", "v=spf1 mx:/24", "v=spf1 a/33", "v=spf1 a/24/64", "v=spf1 mx//129", "v=spf1 mx/x"})
    EXPECT_FALSE(parse_spf(bad)) << bad;
}

TEST(Spf, Judged) {
  const struct {
    std::string zone, begins, part;
  } cases[] = {
      {"example.org MX 10 mx.example.org", "warning", "there is no record"},
      {"example.org TXT \"v=spf1 mx -all\"\nexample.org MX 10 mx.example.org", "ok", "1 look-up)"},
      {"example.org TXT \"v=spf1 mx -all\"", "warning", "mx:example.org leads nowhere"},
      {"example.org TXT \"v=spf1 a:x.example a:y.example/24 exists:z.example %{i}.w.example -all\"", "error", "%{i}"},
      {"example.org TXT \"v=spf1 a:x.example a:y.example/24 exists:z.example exists:%{i}.w.example -all\"", "error",
       "a:x.example, a:y.example, exists:z.example lead nowhere, and receivers stop after two"},
      {"example.org TXT \"v=spf1 a:six.example -all\"\nsix.example AAAA 2001:db8::1", "ok", "1 look-up)"},
      {"example.org TXT \"v=spf1 a:x.example -all\"\nfail x.example A servfail", "ok", "1 look-up)"},
      {"example.org TXT \"v=spf1 -all include:a.example\"", "warning", "behind \"all\" is not looked at: include"},
      {"example.org TXT \"v=spf1 -all\"\nexample.org TXT \"v=spf1 ~all\"", "error", "2 records"},
      {"example.org TXT \"v=spf1 ip4:nowhere -all\"", "error", "ip4:nowhere"},
      {"example.org TXT \"v=spf1 +all\"", "error", "whole world"},
      {"example.org TXT \"v=spf1 all\"", "error", "whole world"},
      {"example.org TXT \"v=spf1 ?all\"", "warning", "nothing of other hosts"},
      {"example.org TXT \"v=spf1 mx\"", "warning", "does not end"},
      {"example.org TXT \"v=spf1 ptr -all\"", "warning", "ptr"},
      {"example.org TXT \"v=spf1 redirect=a.example\"\na.example TXT \"v=spf1 a -all\"\na.example A 192.0.2.1", "ok", "2 look-ups"},
      {"example.org TXT \"v=spf1 include:a.example -all\"", "error", "include a.example: there is no SPF record"},
      {"example.org TXT \"v=spf1 include:a.example -all\"\na.example TXT \"v=spf1 x\"", "error", "cannot be read"},
      {"example.org TXT \"v=spf1 include:example.org -all\"", "error", "circles"},
      {"example.org TXT \"v=spf1 include:a.example -all\"\nfail a.example TXT servfail", "error", "servfail"},
      {"example.org A 192.0.2.1\nexample.org MX 10 example.org\nexample.org TXT \"v=spf1 a a a a a a a a a a mx -all\"", "error",
       "11 look-ups"},
      {"example.org TXT \"v=spf1 include:a.example include:a.example include:a.example -all\"\na.example TXT \"v=spf1 a mx "
       "include:b.example -all\"\nb.example TXT \"v=spf1 a a a -all\"",
       "error", "21 look-ups"},
      {"fail example.org TXT servfail", "warning", "no answer"},
  };
  for (const auto& c : cases) {
    Zone zone(c.zone);
    EXPECT_TRUE(says(run_task(check_spf(zone.world(), kDomain)), c.begins, c.part)) << c.zone;
  }
  Zone slow("example.org TXT \"v=spf1 include:a.example -all\"");
  slow.world().dns_timeout = std::chrono::milliseconds(0);
  EXPECT_TRUE(says(run_task(check_spf(slow.world(), kDomain)), "warning", "receivers may give up"));
}

TEST(Dmarc, Judged) {
  const struct {
    std::string zone, begins, part;
  } cases[] = {
      {"example.org MX 10 mx.example.org", "warning", "there is no record"},
      {"_dmarc.example.org TXT \"v=DMARC1; p=reject; rua=mailto:d@example.org\"", "ok", "p=reject"},
      {"_dmarc.example.org TXT \"v=DMARC1; p=none; rua=mailto:d@example.org\"", "ok", "delivered all the same"},
      {"_dmarc.example.org TXT \"v=DMARC1; p=reject\"\n_dmarc.example.org TXT \"v=DMARC1; p=none\"", "error", "2 records"},
      {"_dmarc.example.org TXT \"v=DMARC1; rua=mailto:d@example.org\"", "error", "p= does not follow"},
      {"_dmarc.example.org TXT \"v=DMARC1; p=refuse\"", "error", "p=refuse is none of"},
      {"_dmarc.example.org TXT \"v=DMARC1; p=none; P=reject\"", "error", "'p=' is there twice"},
      {"_dmarc.example.org TXT \"v=DMARC1; p=none; sp=x\"", "error", "sp=x"},
      {"_dmarc.example.org TXT \"v=DMARC1; p\"", "error", "cannot be read"},
      {"_dmarc.example.org TXT \"v=DMARC1; p=reject; rua=d@example.org\"", "error", "no mailto:"},
      {"_dmarc.example.org TXT \"v=DMARC1; p=reject; pct=200; rua=mailto:d@example.org\"", "warning", "no percentage"},
      {"_dmarc.example.org TXT \"v=DMARC1; p=reject; pct=50; rua=mailto:d@example.org\"", "ok", "part of the mail"},
      {"_dmarc.example.org TXT \"v=DMARC1; p=reject; aspf=x; rua=mailto:d@example.org\"", "warning", "neither r nor s"},
      {"_dmarc.example.org TXT \"v=DMARC1; p=reject; rua=mailto:d@reports.example\"", "ok", "reports.example does not say"},
      {"_dmarc.example.org TXT \"v=DMARC1; p=reject; rua=mailto:d@reports.example!10m\"\nexample.org._report._dmarc.reports.example TXT "
       "\"v=DMARC1\"",
       "ok", "reports.example"},
      {"fail _dmarc.example.org TXT servfail", "warning", "no answer"},
  };
  for (const auto& c : cases) {
    Zone zone(c.zone);
    EXPECT_TRUE(says(run_task(check_dmarc(zone.world(), kDomain)), c.begins, c.part)) << c.zone;
  }
  Zone above("_dmarc.example.org TXT \"v=DMARC1; p=reject; sp=none; rua=mailto:d@example.org\"");
  EXPECT_TRUE(says(run_task(check_dmarc(above.world(), *dns::Name::parse("sub.example.org"))), "ok", "sp=none: forged mail"));
}

TEST(Dkim, Judged) {
  const auto rsa = crypto::SigningKey::generate(crypto::KeyAlgorithm::rsa);
  const auto ed = crypto::SigningKey::generate(crypto::KeyAlgorithm::ed25519);
  const auto good = mailauth::dkim::key_record(crypto::KeyAlgorithm::rsa, rsa->public_key());
  const auto small =
      "v=DKIM1; "
      "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/"
      "RtdC2UzJ1lWT947qR+Rcac2gbto/"
      "NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";  // [RFC6376 C.2]
  const struct {
    std::vector<std::string> texts;
    std::string begins, part;
  } cases[] = {
      {{good}, "ok", "2048 bits"},
      {{small}, "warning", "1024 bits"},
      {{mailauth::dkim::key_record(crypto::KeyAlgorithm::ed25519, ed->public_key())}, "ok", "Ed25519"},
      {{good + "; t=y"}, "ok", "this is a test"},
      {{good + "; h=sha1"}, "ok", "does not allow sha256"},
      {{good + "; s=web"}, "ok", "does not allow mail"},
      {{"v=DKIM1; p="}, "note", "revoked"},
      {{"v=DKIM1"}, "error", "no p="},
      {{"k=rsa; v=DKIM1; p=AAAA"}, "error", "first tag"},
      {{"v=DKIM1; p=!!"}, "error", "no base64"},
      {{"v=DKIM1; p=AAAA"}, "error", "no RSA key"},
      {{good.substr(0, good.size() - 40)}, "error", "p="},
      {{"v=DKIM1; k=ed25519; p=AAAA"}, "error", "32 octets"},
      {{"v=DKIM1; k=dsa; p=AAAA"}, "warning", "neither"},
      {{good, small}, "error", "several records"},
  };
  for (const auto& c : cases) EXPECT_TRUE(says(judge_dkim_key(c.texts, "s1"), c.begins, c.part)) << c.texts.front();

  Zone none("example.org MX 10 mx.example.org"), some("x._domainkey.example.org TXT \"v=DKIM1; p=\""),
      usual("default._domainkey.example.org TXT \"" + good.substr(0, 250) + "\" \"" + good.substr(250) + "\"");
  EXPECT_TRUE(says(run_task(check_dkim(none.world(), kDomain, {})), "warning", "no keys at all"));
  EXPECT_TRUE(says(run_task(check_dkim(some.world(), kDomain, {})), "note", "nobody can list"));
  Zone silent("fail _domainkey.example.org TXT servfail");
  EXPECT_TRUE(says(run_task(check_dkim(silent.world(), kDomain, {})), "warning", "no answer: servfail"));
  Zone every("default._domainkey.example.org TXT \"v=spf1 -all\"");
  EXPECT_TRUE(says(run_task(check_dkim(every.world(), kDomain, {})), "note", "nobody can list"));
  EXPECT_TRUE(says(run_task(check_dkim(some.world(), kDomain, {"y"})), "error", "no key at y._domainkey.example.org"));
  EXPECT_TRUE(says(run_task(check_dkim(some.world(), kDomain, {"x"})), "note", "revoked"));
  EXPECT_TRUE(says(run_task(check_dkim(usual.world(), kDomain, {})), "ok", "2048 bits"));
}

TEST(Sts, PolicyAgainstHosts) {
  const auto policy = [](const std::string& mode, const std::string& mx, int age) {
    return *delivery::parse_sts_policy("version: STSv1\nmode: " + mode + "\nmx: " + mx + "\nmax_age: " + std::to_string(age) + "\n");
  };
  const std::vector<std::string> hosts{"mx.example.org"};
  PortReport seen;
  seen.target = {.service = Service::smtp, .host = "mx.example.org", .port = 25, .expected = Security::starttls};
  seen.reached = Reached::yes;
  seen.spoke = Spoke::clear;
  const auto judge = [&](const delivery::StsPolicy& p, const PortReport& r) { return judge_sts_policy(p, hosts, std::span(&r, 1)); };
  EXPECT_TRUE(says(judge(policy("enforce", "mx.example.org", 1209600), seen), "error", "speaks no TLS"));
  seen.tls = true;
  EXPECT_TRUE(says(judge(policy("enforce", "*.example.org", 1209600), seen), "ok", "14 days"));
  EXPECT_TRUE(says(judge(policy("enforce", "other.example.org", 1209600), seen), "error", "does not allow mx.example.org"));
  EXPECT_TRUE(says(judge(policy("testing", "other.example.org", 1209600), seen), "warning", "does not allow"));
  EXPECT_TRUE(says(judge(policy("testing", "mx.example.org", 1209600), seen), "ok", "mode is testing"));
  EXPECT_TRUE(says(judge(policy("enforce", "mx.example.org", 600), seen), "warning", "less than a day"));
  EXPECT_TRUE(says(judge(policy("none", "mx.example.org", 86400), seen), "note", "asks for nothing"));
  seen.verdict = {.verified = false, .problem = net::TlsProblem::expired, .text = "the certificate expired"};
  EXPECT_TRUE(says(judge(policy("enforce", "mx.example.org", 1209600), seen), "error", "expired"));
}

TEST(Tlsrpt, Judged) {
  EXPECT_TRUE(says(judge_tlsrpt({}, "example.org"), "note", "no record"));
  EXPECT_TRUE(says(judge_tlsrpt({"v=TLSRPTv1; rua=mailto:a@example.org"}, "example.org"), "ok", "mailto"));
  EXPECT_TRUE(says(judge_tlsrpt({"v=TLSRPTv1; rua=a@example.org"}, "example.org"), "error", "no place"));
  EXPECT_TRUE(says(judge_tlsrpt({"v=TLSRPTv1; rua=https://x", "v=TLSRPTv1; rua=https://y"}, "example.org"), "error", "2 records"));
}

}  // namespace
}  // namespace posthorn::check
