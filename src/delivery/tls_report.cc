#include "delivery/tls_report.h"

#include <algorithm>
#include <utility>

#include "base/row_codec.h"
#include "text/date.h"
#include "text/utf8.h"

namespace posthorn::delivery {
namespace {

using Policy = TlsCounts::Policy;

std::string cut(std::string_view s) { return std::string(s.substr(0, TlsCounts::kMaxText)); }

ReportedPolicy bounded(const ReportedPolicy& p) {
  ReportedPolicy out{.type = p.type, .strings = {}, .mx_hosts = {}};
  for (const auto& s : p.strings)
    if (out.strings.size() < TlsCounts::kMaxStrings) out.strings.push_back(cut(s));
  for (const auto& s : p.mx_hosts)
    if (out.mx_hosts.size() < TlsCounts::kMaxStrings) out.mx_hosts.push_back(cut(s));
  return out;
}

Policy& policy_for(std::vector<Policy>& policies, const ReportedPolicy& wanted) {
  const auto small = bounded(wanted);
  const auto found = std::ranges::find(policies, small, &Policy::policy);
  if (found != policies.end()) return *found;
  if (policies.size() < TlsCounts::kMaxPolicies) policies.push_back({.policy = small, .details = {}});
  return policies.back();
}

void add_detail(Policy& to, const TlsFailure& failure, std::uint64_t n) {
  const auto found = to.details.find(failure);
  if (found != to.details.end()) found->second += n;
  else if (to.details.size() < TlsCounts::kMaxDetails) to.details.emplace(failure, n);
}

void put_list(std::string& out, const std::vector<std::string>& list) {
  put_varint(out, list.size());
  for (const auto& s : list) put_string(out, s);
}

std::vector<std::string> take_list(RowReader& in) {
  std::vector<std::string> out;
  for (auto n = in.varint(); in.ok() && n > 0; --n) out.emplace_back(in.string());
  return out;
}

void put_json(std::string& out, std::string_view raw) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text::repair_utf8(raw)) {
    if (c == '"' || c == '\\') (out += '\\') += c;
    else if (static_cast<unsigned char>(c) < ' ') ((out += "\\u00") += kHex[(c >> 4) & 15]) += kHex[c & 15];
    else out += c;
  }
  out += '"';
}

void put_member(std::string& out, std::string_view name, std::string_view value) {
  if (!out.ends_with('{')) out += ',';
  put_json(out, name);
  out += ':';
  put_json(out, value);
}

void put_array(std::string& out, std::string_view name, const std::vector<std::string>& values) {
  out += ',';
  put_json(out, name);
  out += ":[";
  for (const auto& v : values) {
    if (!out.ends_with('[')) out += ',';
    put_json(out, v);
  }
  out += ']';
}

std::string_view name_of(ReportedPolicy::Type type) {
  switch (type) {
    case ReportedPolicy::Type::none: return "no-policy-found";
    case ReportedPolicy::Type::tlsa: return "tlsa";
    case ReportedPolicy::Type::sts: return "sts";
  }
  return "no-policy-found";
}

void put_failure(std::string& out, const TlsFailure& f, std::uint64_t n) {
  if (!out.ends_with('[')) out += ',';
  out += '{';
  put_member(out, "result-type", f.result);
  if (!f.sending_ip.empty()) put_member(out, "sending-mta-ip", f.sending_ip);
  if (!f.mx_host.empty()) put_member(out, "receiving-mx-hostname", f.mx_host);
  if (!f.receiving_ip.empty()) put_member(out, "receiving-ip", f.receiving_ip);
  out += ",\"failed-session-count\":" + std::to_string(n);
  if (!f.reason.empty()) put_member(out, "failure-reason-code", f.reason);
  out += '}';
}

void put_policy(std::string& out, const Policy& p, std::string_view domain) {
  if (!out.ends_with('[')) out += ',';
  out += "{\"policy\":{";
  put_member(out, "policy-type", name_of(p.policy.type));
  if (!p.policy.strings.empty()) put_array(out, "policy-string", p.policy.strings);
  put_member(out, "policy-domain", domain);
  if (!p.policy.mx_hosts.empty()) put_array(out, "mx-host", p.policy.mx_hosts);
  out += "},\"summary\":{\"total-successful-session-count\":" + std::to_string(p.successes);
  out += ",\"total-failure-session-count\":" + std::to_string(p.failures) + '}';
  if (!p.details.empty()) {
    out += ",\"failure-details\":[";
    for (const auto& [failure, n] : p.details) put_failure(out, failure, n);
    out += ']';
  }
  out += '}';
}

}  // namespace

void TlsCounts::add(const ReportedPolicy& policy, const std::optional<TlsFailure>& failure) {
  auto& to = policy_for(policies, policy);
  if (!failure) {
    ++to.successes;
    return;
  }
  ++to.failures;
  add_detail(to, {cut(failure->result), cut(failure->sending_ip), cut(failure->mx_host), cut(failure->receiving_ip), cut(failure->reason)}, 1);
}

void TlsCounts::merge(const TlsCounts& other) {
  for (const auto& p : other.policies) {
    auto& to = policy_for(policies, p.policy);
    to.successes += p.successes;
    to.failures += p.failures;
    for (const auto& [failure, n] : p.details) add_detail(to, failure, n);
  }
}

std::string encode(const TlsReportRow& row) {
  std::string out;
  put_varint(out, 1);
  put_signed(out, row.end);
  put_signed(out, row.next_try);
  put_list(out, row.sent);
  put_varint(out, row.counts.policies.size());
  for (const auto& p : row.counts.policies) {
    put_varint(out, static_cast<std::uint64_t>(p.policy.type));
    put_list(out, p.policy.strings);
    put_list(out, p.policy.mx_hosts);
    put_varint(out, p.successes);
    put_varint(out, p.failures);
    put_varint(out, p.details.size());
    for (const auto& [f, n] : p.details) {
      put_list(out, {f.result, f.sending_ip, f.mx_host, f.receiving_ip, f.reason});
      put_varint(out, n);
    }
  }
  return out;
}

Result<TlsReportRow> decode_tls_report_row(std::string_view bytes) {
  const auto bad = [] { return fail(Errc::corrupt, "a row of the TLS reports is damaged"); };
  RowReader in(bytes);
  if (in.varint() != 1) return bad();
  TlsReportRow row;
  row.end = in.signed_varint();
  row.next_try = in.signed_varint();
  row.sent = take_list(in);
  for (auto n = in.varint(); in.ok() && n > 0; --n) {
    Policy p;
    const auto type = in.varint();
    if (type > static_cast<std::uint64_t>(ReportedPolicy::Type::sts)) return bad();
    p.policy.type = static_cast<ReportedPolicy::Type>(type);
    p.policy.strings = take_list(in);
    p.policy.mx_hosts = take_list(in);
    p.successes = in.varint();
    p.failures = in.varint();
    for (auto d = in.varint(); in.ok() && d > 0; --d) {
      auto texts = take_list(in);
      if (texts.size() != 5) return bad();
      p.details[{std::move(texts[0]), std::move(texts[1]), std::move(texts[2]), std::move(texts[3]), std::move(texts[4])}] += in.varint();
    }
    row.counts.policies.push_back(std::move(p));
  }
  if (!in.at_end()) return bad();
  return row;
}

std::string tls_report_json(const TlsReportHead& head, const TlsCounts& counts) {
  std::string out = "{";
  put_member(out, "organization-name", head.organization);
  out += ",\"date-range\":{";
  put_member(out, "start-datetime", text::format_rfc3339_utc(head.start));
  put_member(out, "end-datetime", text::format_rfc3339_utc(head.end - std::chrono::seconds(1)));
  out += '}';
  put_member(out, "contact-info", head.contact);
  put_member(out, "report-id", head.id);
  out += ",\"policies\":[";
  for (const auto& p : counts.policies) put_policy(out, p, head.domain);
  out += "]}";
  return out;
}

}  // namespace posthorn::delivery
