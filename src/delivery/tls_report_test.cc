#include "delivery/tls_report.h"

#include <gtest/gtest.h>

#include "delivery/tls_report_target.h"
#include "message/parser.h"

namespace posthorn::delivery {
namespace {

using Type = ReportedPolicy::Type;

const ReportedPolicy kSts{Type::sts, {"version: STSv1", "mode: testing", "mx: *.example.org", "max_age: 86400"}, {"*.example.org"}};
const ReportedPolicy kNone{};

TlsFailure expired(std::string host = "mx.example.org") { return {"certificate-expired", "192.0.2.1", std::move(host), "192.0.2.2", "it \"expired\""}; }

TlsCounts example() {
  TlsCounts counts;
  counts.add(kSts, {});
  counts.add(kSts, {});
  counts.add(kSts, expired());
  counts.add(kSts, expired());
  counts.add(kSts, TlsFailure{.result = "starttls-not-supported", .sending_ip = {}, .mx_host = "mx2.example.org", .receiving_ip = {}, .reason = {}});
  counts.add(kNone, {});
  return counts;
}

TlsReportHead head() {
  return {.organization = "example.net", .contact = "postmaster@example.net", .id = "1.2@mail.example.net", .domain = "example.org",
          .start = std::chrono::sys_seconds(std::chrono::seconds(1767225600)), .end = std::chrono::sys_seconds(std::chrono::seconds(1767312000))};
}

TEST(TlsReport, Json) {
  EXPECT_EQ(tls_report_json(head(), example()),
            R"({"organization-name":"example.net","date-range":{"start-datetime":"2026-01-01T00:00:00Z","end-datetime":"2026-01-01T23:59:59Z"},)"
            R"("contact-info":"postmaster@example.net","report-id":"1.2@mail.example.net","policies":[)"
            R"({"policy":{"policy-type":"sts","policy-string":["version: STSv1","mode: testing","mx: *.example.org","max_age: 86400"],"policy-domain":"example.org",)"
            R"("mx-host":["*.example.org"]},"summary":{"total-successful-session-count":2,"total-failure-session-count":3},"failure-details":[)"
            R"({"result-type":"certificate-expired","sending-mta-ip":"192.0.2.1","receiving-mx-hostname":"mx.example.org","receiving-ip":"192.0.2.2",)"
            R"("failed-session-count":2,"failure-reason-code":"it \"expired\""},)"
            R"({"result-type":"starttls-not-supported","receiving-mx-hostname":"mx2.example.org","failed-session-count":1}]},)"
            R"({"policy":{"policy-type":"no-policy-found","policy-domain":"example.org"},"summary":{"total-successful-session-count":1,"total-failure-session-count":0}}]})");
}

TEST(TlsReport, RowsComeBack) {
  TlsReportRow row{.end = 1767312000, .next_try = 5, .sent = {"mailto:a@example.org"}, .counts = example()};
  const auto bytes = encode(row);
  EXPECT_EQ(decode_tls_report_row(bytes).value(), row);
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_tls_report_row(bytes.substr(0, n))) << n;
  EXPECT_FALSE(decode_tls_report_row(bytes + "x"));
}

TEST(TlsReport, CountsMergeAndAreBounded) {
  auto twice = example();
  twice.merge(example());
  ASSERT_EQ(twice.policies.size(), 2u);
  EXPECT_EQ(twice.policies[0].successes, 4u);
  EXPECT_EQ(twice.policies[0].failures, 6u);
  EXPECT_EQ(twice.policies[0].details.at(expired()), 4u);

  TlsCounts many;
  for (int i = 0; i < 1000; ++i) {
    many.add(kSts, expired("mx" + std::to_string(i)));
    many.add({Type::tlsa, {"3 1 1 " + std::to_string(i) + std::string(10'000, 'x')}, {}}, {});
  }
  EXPECT_EQ(many.policies.size(), TlsCounts::kMaxPolicies);
  EXPECT_EQ(many.policies[0].failures, 1000u) << "counted all the same";
  EXPECT_EQ(many.policies[0].details.size(), TlsCounts::kMaxDetails);
  EXPECT_LT(encode({.end = 0, .next_try = 0, .sent = {}, .counts = many}).size(), 100'000u);
}

TEST(TlsReportRecord, WhoWantsReports) {
  struct Case {
    std::vector<std::string> records;
    std::vector<std::string> targets;  // none: not found, or damaged
  };
  const Case cases[] = {
      {{"v=TLSRPTv1;rua=mailto:reports@example.com"}, {"reports@example.com"}},
      {{"v=TLSRPTv1; rua=https://r.example.com/v1?x=y ;"}, {"https://r.example.com/v1?x=y"}},
      {{"v=TLSRPTv1; rua=mailto:a@example.com,\thttps://r.example.com/ , mailto:b%2Bc@example.com?subject=x"},
       {"a@example.com", "https://r.example.com/", "b+c@example.com"}},
      {{"v=spf1 -all", "v=TLSRPTv1; other=x; rua=mailto:a@example.com"}, {"a@example.com"}},
      {{"v=TLSRPTv1; rua=ftp://x/,mailto:a@example.com,http://x/"}, {"a@example.com"}},
      {{}, {}},
      {{"v=TLSRPTv1"}, {}},
      {{"v=TLSRPTv2; rua=mailto:a@example.com"}, {}},
      {{"v=TLSRPTv1; rua=mailto:a@example.com", "v=TLSRPTv1; rua=mailto:b@example.com"}, {}},
      {{"v=TLSRPTv1; rua="}, {}},
      {{"v=TLSRPTv1; rua=mailto:a@example.com%0d%0aRCPT"}, {}},
      {{"v=TLSRPTv1; rua=mailto:nobody"}, {}},
      {{"v=TLSRPTv1; rua=mailto:a%4"}, {}},
      {{"v=TLSRPTv1; rua=mailto:a@example.com>"}, {}},
  };
  for (const auto& c : cases) {
    const auto targets = tls_report_targets(c.records);
    std::vector<std::string> got;
    if (targets)
      for (const auto& t : *targets) got.push_back(t.mailbox.empty() ? t.url.text() : t.mailbox);
    EXPECT_EQ(got, c.targets) << (c.records.empty() ? "" : c.records[0]);
  }
  std::string many = "v=TLSRPTv1; rua=mailto:a@example.com";
  for (int i = 0; i < 100; ++i) many += ",mailto:a" + std::to_string(i) + "@example.com";
  EXPECT_EQ(tls_report_targets(std::vector{many}).value().size(), kMaxReportTargets);
}

TEST(TlsReportMail, IsAReport) {
  const auto report = gzip(tls_report_json(head(), example()));
  EXPECT_TRUE(report.starts_with("\x1f\x8b"));
  const auto text = compose_tls_report({.from = "postmaster@example.net", .submitter = "example.net", .to = {"a@example.org", "b@example.org"}, .unique = "u1", .date = {}},
                                       head(), report);
  for (const std::string& part :
       std::vector<std::string>{"From: Posthorn TLS reports <postmaster@example.net>\r\n", "To: <a@example.org>, <b@example.org>\r\n", "TLS-Report-Domain: example.org\r\n",
        "TLS-Report-Submitter: example.net\r\n", "TLS-Required: No\r\n", "report-type=\"tlsrpt\"", "application/tlsrpt+gzip",
        "example.net!example.org!1767225600!1767311999!001.json.gz"})
    EXPECT_NE(text.find(part), std::string::npos) << part << text;
  message::Parser parser;
  parser.feed(text);
  const auto summary = parser.finish();
  EXPECT_EQ(summary.envelope().subject, "Report Domain: example.org Submitter: example.net Report-ID: <1.2@mail.example.net>");
  for (std::size_t at = 0, end = 0; at < text.size(); at = end + 2) {
    end = text.find("\r\n", at);
    ASSERT_NE(end, text.npos);
    EXPECT_LE(end - at, 998u);
  }
}

}  // namespace
}  // namespace posthorn::delivery
