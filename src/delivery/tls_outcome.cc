#include "delivery/tls_outcome.h"

#include "crypto/digest.h"
#include "net/usual_source.h"

namespace posthorn::delivery {
namespace {

constexpr std::string_view kNoStarttls = "starttls-not-supported", kOther = "validation-failure";
constexpr std::string_view kNotNamed = "the MTA-STS policy does not name this host";

using Type = ReportedPolicy::Type;

std::string result_of(const net::TlsVerdict& verdict) {
  const auto word = net::tlsrpt_result(verdict.problem);
  return std::string(word.empty() ? kOther : word);
}

// What a failed connection says; empty: nothing about TLS.
std::string result_of(const client::Failure& f) {
  using client::Cause;
  switch (f.cause) {
    case Cause::tls_not_offered: return std::string(kNoStarttls);
    case Cause::tls_failed: return result_of(f.tls);
    case Cause::tls_injection: return std::string(kOther);
    case Cause::refused: return f.stage == client::Stage::start_tls ? std::string(kNoStarttls) : std::string();
    case Cause::closed:
    case Cause::timed_out: return f.stage == client::Stage::tls ? std::string(kOther) : std::string();
    default: return {};
  }
}

}  // namespace

std::shared_ptr<const ReportedPolicy> reported_policy(const TlsQuestion& q) {
  if (q.way->kind != Way::Kind::domain || (q.way->relay && q.way->relay->says_tls) || q.way->tls_optional) return {};
  auto out = std::make_shared<ReportedPolicy>();
  if (q.dane.state != Dane::State::off && q.dane.state != Dane::State::none) {
    out->type = Type::tlsa;
    for (const auto& r : q.dane.records)
      out->strings.push_back(std::to_string(r.usage) + ' ' + std::to_string(r.selector) + ' ' + std::to_string(r.matching_type) + ' ' + crypto::to_hex(r.data));
  } else if (q.sts && q.sts->mode != StsPolicy::Mode::none) {
    out->type = Type::sts;
    out->strings = q.sts->lines();
    out->mx_hosts = q.sts->mx;
  }
  return out;
}

std::optional<TlsFailure> failure_of(const TlsQuestion& q, const TlsDecision& d) {
  TlsFailure out{.result = std::string(kOther), .sending_ip = {}, .mx_host = q.host, .receiving_ip = {}, .reason = d.reason};
  if (q.dane.state == Dane::State::failed) {
    out.result = "dnssec-invalid";
    return out;
  }
  if (q.sts && q.sts->mode == StsPolicy::Mode::enforce && !q.sts->allows(q.host)) {
    out.reason = kNotNamed;
    return out;
  }
  return {};
}

std::optional<TlsResult> outcome_of(const Target& target, const std::string& domain, const client::TlsState& tls, const client::Failure* failure) {
  if (!target.policy || target.tls.mode == client::TlsMode::none) return {};
  TlsResult out{.domain = domain, .policy = target.policy, .failure = {}};
  TlsFailure why{.result = {}, .sending_ip = {}, .mx_host = target.host, .receiving_ip = target.address.host, .reason = {}};
  if (failure) {
    why.result = result_of(*failure);
    why.reason = failure->cause == client::Cause::tls_failed ? failure->tls.text : std::string();
    if (why.result.empty()) return {};
  } else if (!tls.is_on()) {
    why.result = kNoStarttls;
  } else if (tls.verdict.problem != net::TlsProblem::none) {
    why.result = result_of(tls.verdict);
    why.reason = tls.verdict.text;
  } else if (!target.named_by_sts) {
    why.result = kOther;
    why.reason = kNotNamed;
  } else {
    return out;
  }
  why.sending_ip = target.source.empty() ? net::usual_source(target.address) : target.source;
  out.failure = std::move(why);
  return out;
}

}  // namespace posthorn::delivery
