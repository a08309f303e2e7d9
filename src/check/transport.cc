#include "check/transport.h"

#include <algorithm>

#include "check/judge.h"
#include "check/tags.h"
#include "text/ascii.h"

namespace posthorn::check {
namespace {

using Mode = delivery::StsPolicy::Mode;

std::string joined(const std::vector<std::string>& all) {
  std::string out;
  for (const auto& one : all) out += (out.empty() ? "" : ", ") + one;
  return out;
}

}  // namespace

Findings judge_sts_policy(const delivery::StsPolicy& policy, std::span<const std::string> hosts, std::span<const PortReport> ports) {
  Findings out;
  const bool enforced = policy.mode == Mode::enforce;
  const auto complain = [&](std::string text, std::string advice) {
    if (enforced)
      out.error("MTA-STS", std::move(text), std::move(advice));
    else
      out.warn("MTA-STS", std::move(text), std::move(advice));
  };
  if (policy.mode == Mode::none) {
    out.note("MTA-STS", "the policy's mode is none: it asks for nothing");
    return out;
  }
  for (const auto& host : hosts) {
    if (!policy.allows(host))
      complain(
          "the policy does not allow " + host + ", an MX host: mail does not go there (mode " + std::string(to_string(policy.mode)) + ')',
          "add \"mx: " + host + "\" to the policy, and change the record's id");
    for (const auto& p : ports) {
      if (p.target.host != host || p.target.port != 25 || p.reached != Reached::yes || p.rejected) continue;
      if (!p.tls)
        complain(host + " speaks no TLS, which the policy asks for", "turn on STARTTLS with a certificate of a known authority");
      else if (!is_believed(p))
        complain(host + ": " + in_quotes(p.verdict.text) + "; the policy asks for a certificate that can be verified",
                 "get a certificate that names " + host);
    }
  }
  if (policy.max_age < std::chrono::hours(24))
    out.warn("MTA-STS", "max_age is less than a day: it protects hardly anybody [RFC8461 3.2]", "say some weeks: max_age: 1209600");
  if (policy.mode == Mode::testing)
    out.note("MTA-STS", "the policy's mode is testing: mail goes out all the same",
             "say enforce when the reports (TLSRPT) show no failures");
  const bool fine = std::ranges::none_of(out.all, [](const Finding& f) { return f.level >= Level::warning; });
  if (fine)
    out.all.insert(out.all.begin(), {Level::ok,
                                     "MTA-STS",
                                     "mode " + std::string(to_string(policy.mode)) + ", mx " + in_quotes(joined(policy.mx)) + ", max_age " +
                                         std::to_string(policy.max_age.count() / 86400) + " days",
                                     {}});
  return out;
}

Task<Findings> check_sts(World& world, dns::Name domain, std::vector<std::string> hosts, std::span<const PortReport> ports) {
  Findings out;
  const auto at = domain.below("_mta-sts");
  if (!at) co_return out;
  const auto answer = co_await world.resolver.txt(*at, world.dns_deadline());
  std::vector<std::string> texts;
  for (const auto& t : answer.records) texts.push_back(t.text);
  const auto id = delivery::sts_id(texts);
  if (!answer.definite()) {
    out.warn("MTA-STS", "the DNS gives no answer: " + std::string(dns::to_string(answer.status)), "look at the zone and its name servers");
    co_return out;
  }
  if (!id && id.error().code == Errc::not_found) {
    out.note("MTA-STS", "there is none: whoever stands between servers can turn off TLS, unless there is DANE",
             "see _mta-sts and the policy at mta-sts." + domain.text());
    co_return out;
  }
  if (!id) {
    out.error("MTA-STS", id.error().text, "publish one record, as \"v=STSv1; id=20260101\"");
    co_return out;
  }
  // [RFC8461 3.3] No redirect is followed.
  const auto url = http::parse_url("https://mta-sts." + domain.text() + "/.well-known/mta-sts.txt");
  if (!url) co_return out;
  const auto got = co_await fetch_directly(world, *url, after(3 * world.probe.timeout));
  if (!got) {
    out.error("MTA-STS", "there is a record, but the policy cannot be fetched: " + in_quotes(got.error().text),
              "serve it at " + url->text() + " with a certificate for that host, without a redirect");
    co_return out;
  }
  if (!text::istarts_with(got->response.content_type, "text/plain"))
    out.warn("MTA-STS", "the policy comes as " + in_quotes(got->response.content_type) + ", not as text/plain [RFC8461 3.3]",
             "let the web server say Content-Type: text/plain");
  const auto policy = delivery::parse_sts_policy(got->response.body);
  if (!policy) {
    out.error("MTA-STS", "the policy at " + url->text() + " cannot be read: " + policy.error().text,
              "correct it, and change the record's id");
    co_return out;
  }
  out.add(judge_sts_policy(*policy, hosts, ports));
  co_return out;
}

Findings judge_tlsrpt(const std::vector<std::string>& texts, const std::string& domain) {
  Findings out;
  if (texts.empty()) {
    out.note("TLSRPT", "there is no record: nobody tells you when mail to you fails for its TLS",
             "publish a TXT record at _smtp._tls." + domain + ", as \"v=TLSRPTv1; rua=mailto:postmaster@" + domain + "\"");
    return out;
  }
  if (texts.size() > 1) {
    out.error("TLSRPT", "there are " + std::to_string(texts.size()) + " records: nobody takes any of them [RFC8460 3]", "leave one");
    return out;
  }
  const auto tags = parse_tags(texts.front());
  const auto rua = tags ? tags->value("rua") : std::string_view();
  const bool good = text::istarts_with(rua, "mailto:") || text::istarts_with(rua, "https:");
  if (!good)
    out.error("TLSRPT", "the record names no place for reports (rua=mailto:... or https:...)", "add one");
  else
    out.ok("TLSRPT", in_quotes(texts.front()));
  return out;
}

Task<Findings> check_tlsrpt(World& world, dns::Name domain) {
  Findings out;
  const auto at = domain.below("_smtp._tls");
  if (!at) co_return out;
  const auto answer = co_await world.resolver.txt(*at, world.dns_deadline());
  if (!answer.definite()) {
    out.warn("TLSRPT", "the DNS gives no answer: " + std::string(dns::to_string(answer.status)), "look at the zone and its name servers");
    co_return out;
  }
  std::vector<std::string> texts;
  for (const auto& t : answer.records)
    if (is_version(t.text, "TLSRPTv1")) texts.push_back(t.text);
  co_return judge_tlsrpt(texts, domain.text());
}

}  // namespace posthorn::check
