// Where the servers of a domain are found.
#include "check/discovery.h"

#include <gtest/gtest.h>

#include "async/reactor.h"
#include "check/mail_hosts.h"
#include "dns/fake_zone.h"

namespace posthorn::check {
namespace {

struct Asked {
  Discovery found;
  std::string candidates, findings;
};

Asked ask(std::string_view text, const char* domain = "example.org") {
  dns::FakeZone zone(text);
  WorkerPool workers(1);
  World world{.resolver = zone, .workers = workers, .system_names = false, .probe = {}};
  Asked out{.found = run_task(discover(world, {domain, "joe@example.org", false}))};
  for (const auto& c : out.found.candidates)
    out.candidates += std::string(to_string(c.source)) + ' ' + std::string(to_string(c.service)) + ' ' + c.host + ':' +
                      std::to_string(c.port) + ' ' + std::string(to_string(c.security)) + '\n';
  for (const auto& f : out.found.findings.all) out.findings += std::string(to_string(f.level)) + ' ' + f.about + ": " + f.text + '\n';
  return out;
}

TEST(Discovery, SrvInTheOrderOfItsPriorities) {
  const auto asked =
      ask("_imaps._tcp.example.org SRV 20 1 993 b.example.org\n_imaps._tcp.example.org SRV 10 1 993 a.example.org\n_imaps._tcp.example.org "
          "SRV 10 9 993 heavy.example.org\n"
          "_submissions._tcp.example.org SRV 0 1 465 a.example.org\n_pop3s._tcp.example.org SRV 0 0 0 .\nexample.org MX 10 mx.example.org");
  EXPECT_EQ(asked.candidates,
            "SRV submission a.example.org:465 TLS\nSRV IMAP heavy.example.org:993 TLS\nSRV IMAP a.example.org:993 TLS\nSRV IMAP "
            "b.example.org:993 TLS\n"
            "MX SMTP mx.example.org:25 STARTTLS\nguess POP3 pop.example.org:0 TLS\nguess POP3 mail.example.org:0 TLS\nguess POP3 "
            "mx.example.org:0 TLS\n");
  EXPECT_EQ(asked.findings, "");
}

// [RFC6186 6]
TEST(Discovery, WhoMayBeBelieved) {
  const auto believed = [](const char* state) {
    const auto asked = ask(std::string("zone example.org ") + state +
                           "\n_imaps._tcp.example.org SRV 0 1 993 mail.provider.net\n_imaps._tcp.example.org SRV 1 1 993 "
                           "in.example.org\nexample.org MX 10 mx.provider.net");
    std::string out;
    for (const auto& c : asked.found.candidates)
      if (c.vouched) out += c.host + ' ';
    return out;
  };
  EXPECT_EQ(believed("insecure"), "in.example.org smtp.example.org mail.example.org pop.example.org mail.example.org ");
  EXPECT_EQ(believed("secure"),
            "mail.provider.net in.example.org smtp.example.org mail.example.org pop.example.org mail.example.org mx.provider.net "
            "mx.provider.net ");
}

TEST(Discovery, TroubleWithTheDnsIsTold) {
  const auto asked = ask("fail _imaps._tcp.example.org SRV servfail\nexample.org MX 10 mx.example.org");
  EXPECT_NE(asked.findings.find("warning SRV _imaps._tcp.example.org: the DNS gives no answer"), std::string::npos) << asked.findings;
}

TEST(Discovery, Contradictions) {
  const Candidate srv{Service::imap, "a.example", 993, Security::implicit, Source::srv, "x"};
  auto same = srv, other = srv;
  same.source = other.source = Source::autoconfig;
  other.port = 143;
  other.security = Security::starttls;
  EXPECT_TRUE(contradictions({srv, same}).all.empty());
  EXPECT_TRUE(contradictions({srv, other, same}).all.empty());
  EXPECT_TRUE(contradictions({srv}).all.empty());
  ASSERT_EQ(contradictions({srv, other}).all.size(), 1u);
  EXPECT_EQ(contradictions({srv, other}).all[0].text,
            "the SRV records name a.example:993 (TLS), autoconfig names a.example:143 (STARTTLS)");
}

// --- the hosts of MX records
std::string judged(std::string_view text) {
  dns::FakeZone zone(text);
  WorkerPool workers(1);
  World world{.resolver = zone, .workers = workers, .system_names = false, .probe = {}};
  const auto found = run_task(discover(world, {"example.org", "", false}));
  const auto hosts = run_task(look_at_mail_hosts(world, found.mx));
  std::string out;
  for (const auto& f : judge_mx(found, hosts, "example.org").all) out += std::string(to_string(f.level)) + ": " + f.text + '\n';
  return out;
}

TEST(MailHosts, Judged) {
  const struct {
    const char *zone, *begins, *part;
  } cases[] = {
      {"example.org MX 10 mx.example.org\nmx.example.org A 192.0.2.1\n1.2.0.192.in-addr.arpa PTR mx.example.org",
       "ok: 10 mx.example.org\nok", "lead back"},
      {"example.org MX 10 mx.example.org\nmx.example.org A 192.0.2.1\n1.2.0.192.in-addr.arpa PTR x.example.org\nx.example.org A 192.0.2.2",
       "ok", "called x.example.org, which does not lead back"},
      {"example.org MX 10 mx.example.org\nmx.example.org A 192.0.2.1", "ok", "192.0.2.1 has no name"},
      {"example.org MX 10 mx.example.org", "error", "there is no such host"},
      {"example.org MX 10 192.0.2.1", "error", "is an address"},
      {"example.org MX 10 mx.example.org\nmx.example.org CNAME y.example.org\ny.example.org A 192.0.2.1", "warning",
       "alias of y.example.org"},
      {"example.org MX 10 mx.example.org\nmx.example.org A 10.0.0.1", "warning", "10.0.0.1, which others cannot reach"},
      {"example.org MX 0 .", "note", "null MX"},
      {"example.org MX 0 .\nexample.org MX 10 mx.example.org\nmx.example.org A 192.0.2.1", "error", "beside other records"},
      {"example.org A 192.0.2.1", "warning", "the address of example.org itself"},
      {"example.org TXT \"x\"", "error", "it takes no mail"},
      {"example.net A 192.0.2.1", "error", "there is no domain example.org"},
      {"fail example.org MX servfail", "error", "no answer"},
  };
  for (const auto& c : cases) {
    const auto text = judged(c.zone);
    EXPECT_TRUE(text.starts_with(c.begins)) << c.zone << "\n" << text;
    EXPECT_NE(text.find(c.part), text.npos) << c.zone << "\n" << text;
  }
}

TEST(MailHosts, Dane) {
  MailHost h{.mx = {10, *dns::Name::parse("mx.example.org")}};
  h.lookup.addresses = {*IpAddress::parse("192.0.2.1")};
  h.lookup.secure = true;
  h.tlsa.status = dns::Status::nodata;
  const auto said = [&](dns::Dnssec of_mx) {
    const auto all = judge_dane(std::span(&h, 1), of_mx).all;
    return all.empty() ? std::string() : std::string(to_string(all.front().level)) + ": " + all.front().text;
  };
  using enum dns::Dnssec;
  EXPECT_EQ(said(secure), "");
  h.tlsa.status = dns::Status::servfail;
  EXPECT_TRUE(said(secure).starts_with("error: the DNS gives no answer"));
  h.tlsa.status = dns::Status::ok;
  h.tlsa.records.resize(1);
  h.tlsa.dnssec = insecure;
  EXPECT_TRUE(said(secure).starts_with("note: without effect: its zone"));
  h.tlsa.dnssec = secure;
  EXPECT_TRUE(said(insecure).starts_with("note: without effect: the domain's zone"));
  EXPECT_TRUE(said(secure).starts_with("note: there are records; the host could not be reached"));
  h.dane.emplace();
  h.dane->reached = Reached::yes;
  EXPECT_TRUE(said(secure).starts_with("error: there are records, but the server offers no STARTTLS"));
  h.dane->before.start_tls = true;
  h.dane->verdict.text = "no TLSA record matches the certificate";
  EXPECT_TRUE(said(secure).starts_with("error: no TLSA record matches"));
  h.dane->verdict.verified = true;
  EXPECT_TRUE(said(secure).starts_with("ok"));
}

}  // namespace
}  // namespace posthorn::check
