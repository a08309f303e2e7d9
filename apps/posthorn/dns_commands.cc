// posthorn domain dns, posthorn dns check: what belongs into the DNS, and what is there.
#include <algorithm>

#include "app/dns_records.h"
#include "app/sts_pages.h"
#include "async/reactor.h"
#include "commands.h"
#include "dns/unbound_resolver.h"
#include "dns_output.h"
#include "output.h"

namespace posthorn {
namespace {

namespace json = boost::json;
using app::DnsFinding;
using app::DnsRecord;
using State = DnsFinding::State;

// The keys, as the store has them: their records, with those of the configuration behind.
Result<std::vector<DnsRecord>> all_records(const config::Config& config, const json::object& answer) {
  std::vector<DnsRecord> out = app::domain_records(config, text_of(answer, "domain"));
  std::vector<DnsRecord> keys;
  for (const auto& value : list_of(answer, "records")) {
    const auto& r = value.as_object();
    const bool retired = text_of(r, "note").starts_with("retired");
    keys.push_back({.purpose = text_of(r, "purpose"),
                    .name = text_of(r, "name"),
                    .value = text_of(r, "value"),
                    .need = retired ? DnsRecord::Need::recommended : DnsRecord::Need::required,
                    .note = text_of(r, "note")});
  }
  out.insert(out.begin() + std::min<std::ptrdiff_t>(2, static_cast<std::ptrdiff_t>(out.size())), std::make_move_iterator(keys.begin()),
             std::make_move_iterator(keys.end()));
  return out;
}

json::object show(const DnsRecord& r) {
  return {{"purpose", r.purpose},
          {"name", r.name},
          {"type", dns::to_string(r.type)},
          {"value", r.value},
          {"zone_line", app::zone_line(r)},
          {"needed", r.need == DnsRecord::Need::required},
          {"note", r.note}};
}

json::object show(const DnsFinding& f) {
  auto out = show(f.record);
  out["state"] = app::to_string(f.state);
  out["published"] = json::array(f.published.begin(), f.published.end());
  out["why"] = f.why;
  return out;
}

// Those that only ought to be there are no problem when they are not.
bool is_problem(const DnsFinding& f) {
  if (f.state == State::ok) return false;
  return f.state == State::different || f.record.need == DnsRecord::Need::required;
}

void say_finding(const DnsFinding& f) {
  const bool optional = f.state == State::missing && !is_problem(f);
  auto line = columns(optional ? "optional" : std::string(app::to_string(f.state)), 11, f.record.purpose);
  line = columns(line, 20, f.record.name);
  if (!f.why.empty()) line += " (" + f.why + ')';
  say(line);
  if (f.state == State::ok) return;
  for (const auto& text : f.published) say(columns("", 20, "found: " + text));
  if (f.state == State::unknown) return;
  const bool pasted = f.record.type != dns::Type::a;
  say(columns("", 20, (pasted ? "paste: " : "needs: ") + (pasted ? app::zone_line(f.record) : f.record.value)));
  say(columns("", 20, f.record.note));
}

}  // namespace

void say_record(const DnsRecord& record) {
  say("; " + record.purpose + ", " + record.note);
  say(app::zone_line(record));
  if (record.type != dns::Type::txt) return;
  say("; the same for a form: name " + record.name + ", type TXT, value");
  say("; " + record.value);
}

void say_records(const config::Config& config, const std::vector<DnsRecord>& records) {
  for (const auto& record : records) {
    say_record(record);
    if (record.purpose != "MTA-STS") continue;
    auto policy = app::sts_policy(config.hostname);
    for (std::size_t at = 0; at < policy.size();) {
      const auto end = policy.find('\n', at);
      say(";   " + policy.substr(at, end - at));
      at = end + 1;
    }
  }
}

int say_findings(const std::vector<DnsFinding>& findings) {
  std::size_t good = 0, optional = 0, problems = 0;
  for (const auto& f : findings) {
    say_finding(f);
    if (f.state == State::ok) ++good;
    else ++(is_problem(f) ? problems : optional);
  }
  say(std::to_string(good) + " ok, " + count_text(static_cast<std::int64_t>(problems), "problem", "problems") +
      (optional ? ", " + std::to_string(optional) + " that would be good to have" : ""));
  return problems == 0 ? kDone : kProblemsFound;
}

Result<std::vector<DnsRecord>> records_of_domain(app::AdminLink& link, const config::Config& config, const std::string& domain) {
  TRY(const auto answer, ask(link, {}, {{"command", "domain.dns"}, {"domain", domain}}));
  return all_records(config, answer);
}

Result<std::vector<DnsFinding>> look_at_dns(const config::Config& config, std::vector<DnsRecord> records) {
  const auto options = dns::options_from_settings();
  TRY(const auto resolver, dns::UnboundResolver::open(options));
  auto found = run_task(app::check_dns(*resolver, config.hostname, std::move(records)));
  resolver->shut_down();
  return found;
}

int domain_dns(const Common& common, const std::string& domain) {
  const auto config = load_config(common);
  if (!config) return kFailed;
  const auto link = open_link(common);
  if (!link) return kFailed;
  const auto records = records_of_domain(*link, *config, domain);
  if (!records) return say_failed(records.error());
  if (!common.json) return say_records(*config, *records), kDone;
  json::array shown;
  for (const auto& record : *records) shown.push_back(show(record));
  say(json::serialize(
      json::object{{"ok", true}, {"domain", domain}, {"records", std::move(shown)}, {"sts_policy", app::sts_policy(config->hostname)}}));
  return kDone;
}

int dns_check(const Common& common, const std::string& domain) {
  const auto config = load_config(common);
  if (!config) return kFailed;
  auto link = open_link(common);
  if (!link) return kFailed;
  auto records = records_of_domain(*link, *config, domain);
  if (!records) return say_failed(records.error());
  link.reset();  // the store is not kept from a server that starts
  const auto findings = look_at_dns(*config, *std::move(records));
  if (!findings) return say_failed(findings.error());
  if (!common.json) return say_findings(*findings);
  json::array shown;
  for (const auto& f : *findings) shown.push_back(show(f));
  say(json::serialize(json::object{{"ok", true}, {"domain", domain}, {"findings", std::move(shown)}}));
  return std::ranges::any_of(*findings, is_problem) ? kProblemsFound : kDone;
}

}  // namespace posthorn
