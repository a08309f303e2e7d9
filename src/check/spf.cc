#include "check/spf.h"

#include <algorithm>
#include <charconv>

#include "text/ascii.h"

namespace posthorn::check {
namespace {

constexpr std::size_t kTerms = 200;
constexpr int kDepth = 10;
constexpr std::size_t kMxHosts = 10;
constexpr std::string_view kMechanisms[] = {"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"};

bool is_prefix_length(std::string_view text, int most) {
  int n = -1;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), n);
  return code == std::errc() && end == text.data() + text.size() && n >= 0 && n <= most;
}

// [RFC7208 5.6] "192.0.2.0/24".
bool is_network(std::string_view value, bool v4) {
  const auto slash = value.find('/');
  const auto address = IpAddress::parse(value.substr(0, slash));
  if (!address || address->is_v4() != v4) return false;
  return slash == value.npos || is_prefix_length(value.substr(slash + 1), v4 ? 32 : 128);
}

// [RFC7208 5.3] Behind a domain that may be missing: "/24", "//64", "/24//64".
bool has_good_prefixes(std::string_view value) {
  const auto slash = value.find('/');
  if (slash == value.npos) return true;
  value.remove_prefix(slash + 1);
  if (!value.starts_with('/')) {
    const auto n = std::min(value.find('/'), value.size());
    if (!is_prefix_length(value.substr(0, n), 32)) return false;
    value.remove_prefix(n);
    if (value.empty()) return true;
    value.remove_prefix(1);
  }
  return value.starts_with('/') && is_prefix_length(value.substr(1), 128);
}

bool has_good_value(const SpfTerm& t) {
  if (t.name == "ip4" || t.name == "ip6") return is_network(t.value, t.name == "ip4");
  if (t.name == "include" || t.name == "exists") return !t.value.empty();
  if (t.name == "a" || t.name == "mx") return has_good_prefixes(t.value);
  return t.name != "all" || t.value.empty();
}

Result<SpfTerm> parse_term(std::string_view word) {
  SpfTerm out;
  auto rest = word;
  if (std::string_view("+-?~").find(rest.front()) != std::string_view::npos) {
    out.qualifier = rest.front();
    rest.remove_prefix(1);
  }
  const auto n = std::min(rest.find_first_of(":/"), rest.size());
  out.name = text::to_lower(rest.substr(0, n));
  out.value = rest.substr(n + (n < rest.size() && rest[n] == ':'));
  const bool known = std::ranges::find(kMechanisms, out.name) != std::end(kMechanisms);
  const bool no_domain = n < rest.size() && rest[n] == ':' && (out.value.empty() || out.value.starts_with('/'));
  if (!known || no_domain || !has_good_value(out)) return fail(Errc::syntax, "'" + std::string(word.substr(0, 60)) + "'");
  return out;
}

std::optional<dns::Name> parse_name(std::string_view text) {
  auto name = dns::Name::parse(text);
  return name ? std::optional(*std::move(name)) : std::nullopt;
}

bool costs_a_look_up(const SpfTerm& t) {
  return t.name == "include" || t.name == "a" || t.name == "mx" || t.name == "ptr" || t.name == "exists";
}

std::vector<std::string> spf_texts(const dns::Answer<dns::Txt>& answer) {
  std::vector<std::string> out;
  for (const auto& t : answer.records)
    if (is_spf(t.text)) out.push_back(t.text);
  return out;
}

Task<> count_record(World& world, SpfRecord record, dns::Name domain, int depth, Deadline until, SpfCost& cost);

bool is_enough(SpfCost& cost, Deadline until) {
  cost.too_slow = cost.too_slow || std::chrono::steady_clock::now() >= until;
  return cost.too_slow || cost.look_ups >= SpfCost::kEnough;
}

// [RFC7208 4.6.4] Does the name that is asked for lead nowhere, whoever asks?  Nothing: no definite answer, or more than this was wrong.
Task<> ask_term(World& world, SpfTerm term, dns::Name domain, Deadline until, SpfCost& cost) {
  const auto named = std::string_view(term.value).substr(0, term.value.find('/'));
  if (named.contains('%')) co_return;
  const auto name = named.empty() ? std::optional(domain) : parse_name(named);
  if (!name) co_return;
  bool nowhere = false;
  if (term.name == "mx") {
    const auto answer = co_await world.resolver.mx(*name, std::min(until, world.dns_deadline()));
    nowhere = answer.definite() && !answer.ok();
    if (answer.records.size() > kMxHosts && cost.trouble.empty())
      cost.trouble = "mx " + in_quotes(name->text()) + ": it has more than 10 hosts [RFC7208 4.6.4]";
  } else {
    const auto v4 = co_await world.resolver.a(*name, std::min(until, world.dns_deadline()));
    nowhere = v4.definite() && !v4.ok();
    // "exists" asks for an address of IPv4 only [RFC7208 5.7].
    if (nowhere && term.name == "a") {
      const auto v6 = co_await world.resolver.aaaa(*name, std::min(until, world.dns_deadline()));
      nowhere = v6.definite() && !v6.ok();
    }
  }
  if (nowhere) cost.voids.push_back(term.name + ':' + name->text());
}

// [RFC7208 5.2, 6.1] What has no good record of its own is an error of the whole.
Task<> count_domain(World& world, std::string domain, std::string by, int depth, Deadline until, SpfCost& cost) {
  if (domain.find('%') != domain.npos) co_return;  // a macro: only a message tells
  const auto name = dns::Name::parse(domain);
  const auto fail_with = [&](const std::string& what) {
    if (cost.trouble.empty()) cost.trouble = by + " " + in_quotes(domain) + ": " + what;
  };
  if (!name) co_return fail_with("it is no name");
  if (depth > kDepth) co_return fail_with("it goes around in circles");
  const auto answer = co_await world.resolver.txt(*name, std::min(until, world.dns_deadline()));
  if (!answer.definite() && is_enough(cost, until)) co_return;
  if (!answer.definite()) co_return fail_with("the DNS gives no answer (" + std::string(dns::to_string(answer.status)) + ')');
  const auto texts = spf_texts(answer);
  if (texts.empty()) co_return fail_with("there is no SPF record");
  if (texts.size() > 1) co_return fail_with("it has several SPF records");
  auto record = parse_spf(texts.front());
  if (!record) co_return fail_with("its record cannot be read: " + record.error().text);
  co_await count_record(world, *std::move(record), *name, depth, until, cost);
}

Task<> count_record(World& world, SpfRecord record, dns::Name domain, int depth, Deadline until, SpfCost& cost) {
  for (const auto& t : record.terms) {
    if (t.name == "all") break;  // [RFC7208 5.1] What stands behind it is not looked at.
    if (is_enough(cost, until)) co_return;
    if (costs_a_look_up(t)) ++cost.look_ups;
    if (t.name == "a" || t.name == "mx" || t.name == "exists") co_await ask_term(world, t, domain, until, cost);
    if (t.name == "include") co_await count_domain(world, t.value, "include", depth + 1, until, cost);
  }
  if (!record.redirect || record.all() || is_enough(cost, until)) co_return;  // [RFC7208 6.1]
  ++cost.look_ups;
  co_await count_domain(world, *record.redirect, "redirect", depth + 1, until, cost);
}

void judge_all(Findings& out, const SpfRecord& record) {
  const auto* all = record.all();
  if (!all && record.redirect) return;
  if (!all)
    out.warn("SPF", "the record does not end with \"all\": other hosts are neither allowed nor forbidden",
             "end it with \"-all\", or with \"~all\" while you try it out");
  else if (all->qualifier == '+')
    out.error("SPF", "\"+all\" allows the whole world to send in this domain's name", "end the record with \"-all\"");
  else if (all->qualifier == '?')
    out.warn("SPF", "\"?all\" says nothing of other hosts", "end the record with \"-all\" or \"~all\"");
  if (all && all != &record.terms.back())
    out.warn("SPF", "what stands behind \"all\" is not looked at: " + in_quotes((all + 1)->name), "put \"all\" at the end");
}

}  // namespace

const SpfTerm* SpfRecord::all() const {
  const auto found = std::ranges::find(terms, "all", &SpfTerm::name);
  return found == terms.end() ? nullptr : &*found;
}

bool is_spf(std::string_view text) { return text::istarts_with(text, "v=spf1") && (text.size() == 6 || text[6] == ' '); }

Result<SpfRecord> parse_spf(std::string_view in) {
  if (!is_spf(in)) return fail(Errc::syntax, "it is no SPF record");
  in.remove_prefix(6);
  SpfRecord out;
  while (!(in = text::trim(in)).empty()) {
    const auto word = in.substr(0, in.find(' '));
    in.remove_prefix(word.size());
    const auto equals = word.find('=');
    // [RFC7208 6] A modifier: its "=" comes before any ":" or "/".  Unknown ones are passed over.
    if (equals != word.npos && equals < word.find_first_of(":/")) {
      if (!text::iequals(word.substr(0, equals), "redirect")) continue;
      if (out.redirect || equals + 1 == word.size()) return fail(Errc::syntax, "'" + std::string(word.substr(0, 60)) + "'");
      out.redirect = word.substr(equals + 1);
      continue;
    }
    if (out.terms.size() == kTerms) return fail(Errc::syntax, "too many terms");
    TRY(auto term, parse_term(word));
    out.terms.push_back(std::move(term));
  }
  return out;
}

Findings judge_spf(const std::vector<std::string>& texts, const SpfCost& cost) {
  Findings out;
  if (texts.empty()) {
    out.warn("SPF", "there is no record: nobody can tell which hosts may send this domain's mail",
             "publish a TXT record at the domain, as \"v=spf1 mx -all\"");
    return out;
  }
  if (texts.size() > 1) {
    out.error("SPF", "there are " + std::to_string(texts.size()) + " records: receivers take none of them [RFC7208 3.2]",
              "put them together into one");
    return out;
  }
  const auto record = parse_spf(texts.front());
  if (!record) {
    out.error("SPF", "the record cannot be read: " + record.error().text, "correct it; receivers take it for a permanent error");
    return out;
  }
  judge_all(out, *record);
  if (!cost.trouble.empty())
    out.error("SPF", in_quotes(cost.trouble), "take it out, or have it repaired; receivers take it for a permanent error");
  if (cost.too_slow)
    out.warn("SPF", "its look-ups take so long that receivers may give up [RFC7208 4.6.4]", "look at the name servers of what it includes");
  if (cost.look_ups > 10)
    out.error("SPF",
              "it needs " + (cost.look_ups >= SpfCost::kEnough ? std::string("30 or more") : std::to_string(cost.look_ups)) +
                  " look-ups, and receivers stop after 10 [RFC7208 4.6.4]",
              "write addresses (ip4:, ip6:) instead of names, or take out includes that are not needed");
  if (!cost.voids.empty()) {
    std::string names;
    for (const auto& one : cost.voids) names += (names.empty() ? "" : ", ") + one;
    const auto text = in_quotes(names) + (cost.voids.size() == 1 ? " leads" : " lead") + " nowhere";
    if (cost.voids.size() > 2)
      out.error("SPF", text + ", and receivers stop after two of these [RFC7208 4.6.4]", "take them out, or correct the names");
    else
      out.warn("SPF", text, "take it out, or correct the name");
  }
  if (std::ranges::any_of(record->terms, [](const auto& t) { return t.name == "ptr"; }))
    out.warn("SPF", "\"ptr\" should not be used [RFC7208 5.5]", "name the hosts by \"a\", \"mx\" or their addresses");
  if (out.all.empty())
    out.ok("SPF", in_quotes(texts.front()) + " (" + std::to_string(cost.look_ups) + (cost.look_ups == 1 ? " look-up)" : " look-ups)"));
  return out;
}

Task<Findings> check_spf(World& world, dns::Name domain) {
  const auto answer = co_await world.resolver.txt(domain, world.dns_deadline());
  if (!answer.definite()) {
    Findings out;
    out.warn("SPF", "the DNS gives no answer: " + std::string(dns::to_string(answer.status)), "look at the zone and its name servers");
    co_return out;
  }
  const auto texts = spf_texts(answer);
  SpfCost cost;
  if (texts.size() == 1)
    if (auto record = parse_spf(texts.front()))
      co_await count_record(world, *std::move(record), domain, 0, after(2 * world.dns_timeout), cost);
  co_return judge_spf(texts, cost);
}

}  // namespace posthorn::check
