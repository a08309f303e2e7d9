#include "delivery/tls_outcome.h"

#include <gtest/gtest.h>

namespace posthorn::delivery {
namespace {

using client::Cause;
using client::Stage;
using net::TlsProblem;

Target target() {
  Target t{.address = {.host = "192.0.2.9", .port = 25, .unix_path = {}}, .host = "mx.example.org", .tls = {}, .source = "192.0.2.1"};
  t.policy = std::make_shared<ReportedPolicy>();
  return t;
}

// What is counted: "nothing", "success", or the type of the failure.
std::string outline(const std::optional<TlsResult>& r) {
  if (!r) return "nothing";
  EXPECT_EQ(r->domain, "example.org");
  if (!r->failure) return "success";
  EXPECT_EQ(r->failure->mx_host, "mx.example.org");
  EXPECT_EQ(r->failure->sending_ip, "192.0.2.1");
  EXPECT_EQ(r->failure->receiving_ip, "192.0.2.9");
  return r->failure->result;
}

client::TlsState on(TlsProblem problem = TlsProblem::none) {
  client::TlsState state;
  state.version = "TLSv1.3";
  state.verdict.problem = problem;
  return state;
}

TEST(TlsOutcome, OfConnectionsThatWereMade) {
  EXPECT_EQ(outline(outcome_of(target(), "example.org", on(), nullptr)), "success");
  EXPECT_EQ(outline(outcome_of(target(), "example.org", {}, nullptr)), "starttls-not-supported");
  EXPECT_EQ(outline(outcome_of(target(), "example.org", on(TlsProblem::expired), nullptr)), "certificate-expired") << "while a policy is tested";
  auto elsewhere = target();
  elsewhere.named_by_sts = false;
  EXPECT_EQ(outline(outcome_of(elsewhere, "example.org", on(), nullptr)), "validation-failure");
  auto untold = target();
  untold.policy.reset();
  EXPECT_EQ(outline(outcome_of(untold, "example.org", on(), nullptr)), "nothing");
  auto clear = target();
  clear.tls.mode = client::TlsMode::none;
  EXPECT_EQ(outline(outcome_of(clear, "example.org", {}, nullptr)), "nothing") << "it has been counted before we fell back";
}

TEST(TlsOutcome, OfConnectionsThatWereNot) {
  struct Case {
    Stage stage;
    Cause cause;
    TlsProblem problem;
    std::string result;
  };
  const Case cases[] = {
      {Stage::start_tls, Cause::tls_not_offered, TlsProblem::none, "starttls-not-supported"},
      {Stage::start_tls, Cause::refused, TlsProblem::none, "starttls-not-supported"},
      {Stage::start_tls, Cause::tls_injection, TlsProblem::none, "validation-failure"},
      {Stage::tls, Cause::tls_failed, TlsProblem::expired, "certificate-expired"},
      {Stage::tls, Cause::tls_failed, TlsProblem::name_mismatch, "certificate-host-mismatch"},
      {Stage::tls, Cause::tls_failed, TlsProblem::self_signed, "certificate-not-trusted"},
      {Stage::tls, Cause::tls_failed, TlsProblem::no_matching_tlsa, "validation-failure"},
      {Stage::tls, Cause::tls_failed, TlsProblem::none, "validation-failure"},
      {Stage::tls, Cause::timed_out, TlsProblem::none, "validation-failure"},
      {Stage::connect, Cause::unreachable, TlsProblem::none, "nothing"},
      {Stage::greeting, Cause::refused, TlsProblem::none, "nothing"},
      {Stage::hello, Cause::closed, TlsProblem::none, "nothing"},
      {Stage::tls, Cause::cancelled, TlsProblem::none, "nothing"},
  };
  for (const auto& c : cases) {
    client::Failure failure;
    failure.stage = c.stage;
    failure.cause = c.cause;
    failure.tls.problem = c.problem;
    EXPECT_EQ(outline(outcome_of(target(), "example.org", {}, &failure)), c.result) << to_string(c.stage) << ' ' << to_string(c.cause);
  }
}

TEST(TlsOutcome, PoliciesAndForbiddenHosts) {
  Way way{.kind = Way::Kind::domain, .domain = "example.org"};
  TlsQuestion q{.way = &way, .host = "mx.example.org", .domain = "example.org", .mx_is_secure = false, .dane = {}, .sts = {}};
  EXPECT_EQ(reported_policy(q)->type, ReportedPolicy::Type::none);
  q.sts = StsPolicy{.mode = StsPolicy::Mode::enforce, .mx = {"mx.elsewhere.org"}, .max_age = std::chrono::seconds(60)};
  EXPECT_EQ(*reported_policy(q), (ReportedPolicy{ReportedPolicy::Type::sts, {"version: STSv1", "mode: enforce", "mx: mx.elsewhere.org", "max_age: 60"}, {"mx.elsewhere.org"}}));
  EXPECT_EQ(failure_of(q, decide_tls(q))->result, "validation-failure");
  q.dane = {.state = Dane::State::usable, .records = {{3, 1, 1, "\x01\xff"}}, .base_domain = "mx.example.org", .why = {}};
  EXPECT_EQ(*reported_policy(q), (ReportedPolicy{ReportedPolicy::Type::tlsa, {"3 1 1 01ff"}, {}}));
  q.dane = {.state = Dane::State::failed, .records = {}, .base_domain = {}, .why = "bogus"};
  EXPECT_EQ(failure_of(q, decide_tls(q))->result, "dnssec-invalid");
  way.tls_optional = true;
  EXPECT_EQ(reported_policy(q), nullptr) << "a report says so of itself";
  way.tls_optional = false;
  way.kind = Way::Kind::relay;
  EXPECT_EQ(reported_policy(q), nullptr);
}

}  // namespace
}  // namespace posthorn::delivery
