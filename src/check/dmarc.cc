#include "check/dmarc.h"

#include <algorithm>

#include "check/tags.h"
#include "text/ascii.h"

namespace posthorn::check {
namespace {

constexpr std::string_view kVersion = "DMARC1";

bool is_policy(std::string_view p) { return text::iequals(p, "none") || text::iequals(p, "quarantine") || text::iequals(p, "reject"); }

bool is_percentage(std::string_view s) {
  return !s.empty() && s.size() <= 3 && std::ranges::all_of(s, text::is_digit) && std::stoi(std::string(s)) <= 100;
}

// Pieces between commas, without spaces around.
std::vector<std::string_view> pieces(std::string_view in) {
  std::vector<std::string_view> out;
  while (!in.empty()) {
    const auto n = std::min(in.find(','), in.size());
    if (const auto one = text::trim(in.substr(0, n)); !one.empty()) out.push_back(one);
    in.remove_prefix(std::min(n + 1, in.size()));
  }
  return out;
}

void judge_policy(Findings& out, const Tags& tags, bool inherited) {
  const auto tag = inherited && tags.has("sp") ? "sp" : "p";
  const auto policy = tags.value(tag);
  if (text::iequals(policy, "none"))
    out.note("DMARC", std::string(tag) + "=none: forged mail is reported, and delivered all the same",
             "when the reports show no mail of yours, say p=quarantine, then p=reject");
  if (tags.has("pct") && !is_percentage(tags.value("pct")))
    out.warn("DMARC", "pct=" + in_quotes(tags.value("pct")) + " is no percentage", "take it out");
  else if (tags.has("pct") && tags.value("pct") != "100")
    out.note("DMARC", "pct=" + std::string(tags.value("pct")) + ": the policy counts for a part of the mail only",
             "take pct out when you are sure");
  for (const std::string_view alignment : {"adkim", "aspf"})
    if (tags.has(alignment) && !text::iequals(tags.value(alignment), "r") && !text::iequals(tags.value(alignment), "s"))
      out.warn("DMARC", std::string(alignment) + "=" + in_quotes(tags.value(alignment)) + " is neither r nor s", "correct it, or take it out");
  if (tags.value("rua").empty()) out.note("DMARC", "no rua: nobody reports to you", "add rua=mailto: and an address");
  for (const auto uri : pieces(tags.value("rua")))
    if (!text::istarts_with(uri, "mailto:") && !text::istarts_with(uri, "https:"))
      out.error("DMARC", "rua: '" + in_quotes(uri) + "' is no mailto: address", "write rua=mailto:reports@example.org");
}

std::vector<std::string> dmarc_texts(const dns::Answer<dns::Txt>& answer) {
  std::vector<std::string> out;
  for (const auto& t : answer.records)
    if (is_version(t.text, kVersion)) out.push_back(t.text);
  return out;
}

// [RFC7489 7.1] "example.org._report._dmarc.reports.example.net" has to be there.
Task<> check_takers(World& world, dns::Name domain, std::string rua, Findings& out) {
  for (const auto& taker : report_domains(rua)) {
    const auto other = dns::Name::from_domain(taker);
    if (!other || other->is_at_or_below(domain) || domain.is_at_or_below(*other)) continue;
    const auto name = other->below(domain.text() + "._report._dmarc");
    if (!name) continue;
    const auto answer = co_await world.resolver.txt(*name, world.dns_deadline());
    if (answer.definite() && dmarc_texts(answer).empty())
      out.warn("DMARC", taker + " does not say that it takes reports about " + domain.text() + ": they are not sent [RFC7489 7.1]",
               "have " + name->text() + " published with \"v=DMARC1\", or name an address of your own domain");
  }
}

}  // namespace

std::vector<std::string> report_domains(std::string_view rua) {
  std::vector<std::string> out;
  for (auto uri : pieces(rua)) {
    uri = uri.substr(0, uri.find('!'));  // [RFC7489 6.2] a limit of size
    if (!text::istarts_with(uri, "mailto:")) continue;
    const auto at = uri.rfind('@');
    if (at != uri.npos && out.size() < 10)
      out.emplace_back(text::to_lower(uri.substr(at + 1, uri.find('?') == uri.npos ? uri.npos : uri.find('?') - at - 1)));
  }
  return out;
}

Findings judge_dmarc(const std::vector<std::string>& texts, const std::string& name, bool inherited) {
  Findings out;
  if (texts.empty()) {
    out.warn("DMARC", "there is no record: nothing tells receivers what to do with forged mail, and large ones ask for it",
             "publish a TXT record at _dmarc." + name + ", as \"v=DMARC1; p=none; rua=mailto:postmaster@" + name + "\"");
    return out;
  }
  if (texts.size() > 1) {
    out.error("DMARC", "there are " + std::to_string(texts.size()) + " records: receivers take none of them [RFC7489 6.6.3]", "leave one");
    return out;
  }
  const auto tags = parse_tags(texts.front());
  const auto damaged = [&](const std::string& what) { out.error("DMARC", what, "correct the record; as it is, it counts as none"); };
  if (!tags)
    damaged("the record cannot be read: " + tags.error().text);
  else if (tags->all.size() < 2 || tags->all[1].first != "p")
    damaged("p= does not follow v=DMARC1 [RFC7489 6.4]");
  else if (!is_policy(tags->value("p")))
    damaged("p=" + in_quotes(tags->value("p")) + " is none of none, quarantine, reject");
  else if (tags->has("sp") && !is_policy(tags->value("sp")))
    damaged("sp=" + in_quotes(tags->value("sp")) + " is none of none, quarantine, reject");
  else
    judge_policy(out, *tags, inherited);
  const bool bad = std::ranges::any_of(out.all, [](const Finding& f) { return f.level >= Level::warning; });
  if (!bad) out.all.insert(out.all.begin(), {Level::ok, "DMARC", in_quotes(texts.front()) + (inherited ? " (of " + name + ")" : ""), {}});
  return out;
}

Task<Findings> check_dmarc(World& world, dns::Name domain) {
  Findings out;
  for (auto name = domain; name.text().find('.') != std::string::npos; name = name.parent()) {
    const auto at = name.below("_dmarc");
    if (!at) break;
    const auto answer = co_await world.resolver.txt(*at, world.dns_deadline());
    if (!answer.definite()) {
      out.warn("DMARC", "the DNS gives no answer: " + std::string(dns::to_string(answer.status)), "look at the zone and its name servers");
      co_return out;
    }
    const auto texts = dmarc_texts(answer);
    if (texts.empty()) continue;
    out.add(judge_dmarc(texts, name.text(), !(name == domain)));
    const auto tags = parse_tags(texts.front());
    if (tags && texts.size() == 1) co_await check_takers(world, domain, std::string(tags->value("rua")), out);
    co_return out;
  }
  out.add(judge_dmarc({}, domain.text(), false));
  co_return out;
}

}  // namespace posthorn::check
