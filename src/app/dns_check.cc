// What is published beside what belongs there.
#include <algorithm>

#include "app/dns_records.h"
#include "async/reactor.h"
#include "async/task_group.h"
#include "check/dmarc.h"
#include "check/spf.h"
#include "check/tags.h"
#include "check/transport.h"
#include "text/ascii.h"

namespace posthorn::app {
namespace {

using namespace std::chrono_literals;
using State = DnsFinding::State;

constexpr auto kPatience = 20s;

// nodata and nxdomain are "missing", the rest nobody knows.
template <class Answer>
bool settle_without_records(DnsFinding& f, const Answer& answer) {
  if (answer.ok()) return false;
  f.state = answer.definite() ? State::missing : State::unknown;
  if (!answer.definite()) f.why = std::string(dns::to_string(answer.status)) + (answer.why.empty() ? "" : ": " + answer.why);
  return true;
}

// "p" of "v=DKIM1; k=rsa; p=AB C".
std::string tag(std::string_view text, std::string_view wanted) {
  std::string out;
  if (const auto tags = check::parse_tags(text))
    for (const char c : tags->value(wanted))
      if (!text::is_wsp(c)) out += c;
  return out;
}

// What `check` would call an error in a record of one's own; empty: nothing.
std::string what_is_wrong(const std::string& purpose, const std::string& text) {
  check::Findings all;
  if (purpose == "SPF") all = check::judge_spf({text}, {});
  if (purpose == "DMARC") all = check::judge_dmarc({text}, {}, false);
  if (purpose == "TLSRPT") all = check::judge_tlsrpt({text}, {});
  const auto wrong = std::ranges::find(all.all, check::Level::error, &check::Finding::level);
  return wrong == all.all.end() ? std::string() : wrong->text;
}

// Only "all" is there: it may name this host in many ways, and is judged no further.
bool lets_nobody_send(const std::string& text) {
  const auto spf = check::parse_spf(text);
  return spf && !spf->redirect && std::ranges::all_of(spf->terms, [](const auto& t) { return t.name == "all"; });
}

bool begins_with(std::string_view text, std::string_view what) {
  return text.size() >= what.size() && text::iequals(text.substr(0, what.size()), what);
}

// The version by which records of this purpose are known among other texts.
std::string_view version_of(const DnsRecord& r) {
  if (r.purpose == "SPF") return "v=spf1";
  if (r.purpose == "DMARC") return "v=DMARC1";
  if (r.purpose == "TLSRPT") return "v=TLSRPTv1";
  if (r.purpose == "MTA-STS") return "v=STSv1";
  return {};
}

void judge_txt(DnsFinding& f, const std::vector<dns::Txt>& texts) {
  const auto version = version_of(f.record);
  for (const auto& txt : texts)
    if (begins_with(txt.text, version)) f.published.push_back(txt.text);
  if (f.published.empty()) {
    f.state = State::missing;
    return;
  }
  f.state = State::ok;
  if (f.record.purpose == "DKIM") {
    const auto key = tag(f.record.value, "p");
    if (std::ranges::any_of(f.published, [&](const auto& text) { return tag(text, "p") == key; })) return;
    f.state = State::different;
    f.why = "another key: what is signed here does not verify";
    return;
  }
  if (f.published.size() > 1) {
    f.state = State::different;
    f.why = "more than one: receivers take none of them";  // [RFC7208 3.2] [RFC7489 6.6.3] [RFC8460 3] [RFC8461 3.1]
    return;
  }
  if (f.record.exact && tag(f.published.front(), "id") != tag(f.record.value, "id")) {
    f.state = State::different;
    f.why = "another id: others do not see that the policy has changed";
    return;
  }
  const auto wrong = what_is_wrong(f.record.purpose, f.published.front());
  if (!wrong.empty() || (f.record.purpose == "SPF" && lets_nobody_send(f.published.front()))) {
    f.state = State::different;
    f.why = wrong.empty() ? "it lets no host send" : wrong;
  }
  if (f.state == State::ok && f.published.front() != f.record.value) f.why = "your own";
}

Task<> check_txt(dns::Resolver& resolver, dns::Name name, DnsFinding& f) {
  const auto answer = co_await resolver.txt(std::move(name), after(kPatience));
  if (!settle_without_records(f, answer)) judge_txt(f, answer.records);
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  while (!(text = text::trim(text)).empty()) {
    const auto word = text.substr(0, text.find(' '));
    out.emplace_back(word);
    text.remove_prefix(word.size());
  }
  return out;
}

Task<> check_mx(dns::Resolver& resolver, dns::Name name, DnsFinding& f) {
  const auto host = dns::Name::parse(words(f.record.value).at(1));
  const auto answer = co_await resolver.mx(std::move(name), after(kPatience));
  if (settle_without_records(f, answer)) co_return;
  bool here = false;
  for (const auto& mx : answer.records) {
    f.published.push_back(std::to_string(mx.preference) + ' ' + mx.host.text() + '.');
    here = here || (host && mx.host == *host);
  }
  f.state = here ? State::ok : State::different;
  if (!here) f.why = "mail goes elsewhere";
  else if (answer.records.size() > 1) f.why = "with others beside it";
}

Task<> check_tlsa(dns::Resolver& resolver, dns::Name name, DnsFinding& f) {
  const auto wanted = dns::rdata_from_text(dns::Type::tlsa, f.record.value);
  const auto mine = wanted ? dns::parse_tlsa(*wanted) : Result<dns::Tlsa>(std::unexpected(wanted.error()));
  const auto answer = co_await resolver.tlsa(std::move(name), after(kPatience));
  if (settle_without_records(f, answer)) co_return;
  const auto same = [&](const dns::Tlsa& t) { return mine && t == *mine; };
  // Others may fit the certificate by other means: usage 2 names who has issued it.
  const auto cannot_tell = [](const dns::Tlsa& t) { return t.usage != 3 || t.selector != 1 || t.matching_type != 1; };
  for (const auto& t : answer.records)
    f.published.push_back(std::to_string(t.usage) + ' ' + std::to_string(t.selector) + ' ' + std::to_string(t.matching_type) + " ...");
  if (std::ranges::any_of(answer.records, same)) {
    f.state = State::ok;
    if (!answer.secure()) f.why = "without effect: the zone is not signed";
  } else if (std::ranges::any_of(answer.records, cannot_tell)) {
    f.state = State::ok;
    f.why = "your own; not compared with the certificate";
  } else {
    f.state = State::different;
    f.why = answer.secure() ? "another key: servers that follow DANE do not deliver" : "another key";
  }
}

Task<> check_srv(dns::Resolver& resolver, dns::Name name, DnsFinding& f) {
  const auto wanted = words(f.record.value);
  const auto host = dns::Name::parse(wanted.at(3));
  const auto answer = co_await resolver.srv(std::move(name), after(kPatience));
  if (settle_without_records(f, answer)) co_return;
  f.state = State::different;
  for (const auto& srv : answer.records) {
    f.published.push_back(std::to_string(srv.priority) + ' ' + std::to_string(srv.weight) + ' ' + std::to_string(srv.port) + ' ' +
                          srv.target.text() + '.');
    if (host && srv.target == *host && std::to_string(srv.port) == wanted.at(2)) f.state = State::ok;
  }
}

Task<std::vector<IpAddress>> addresses_of(dns::Resolver& resolver, dns::Name name, DnsFinding& f) {
  auto v4 = co_await resolver.a(name, after(kPatience));
  const auto v6 = co_await resolver.aaaa(std::move(name), after(kPatience));
  v4.records.insert(v4.records.end(), v6.records.begin(), v6.records.end());
  if (!v4.records.empty()) co_return std::move(v4.records);
  f.state = v4.definite() && v6.definite() ? State::missing : State::unknown;
  if (f.state == State::unknown) f.why = std::string(dns::to_string(v4.definite() ? v6.status : v4.status));
  co_return std::vector<IpAddress>();
}

// An alias of a host, or addresses of its own: it has to lead to the same machine.
Task<> check_alias(dns::Resolver& resolver, dns::Name name, DnsFinding& f) {
  const auto host = dns::Name::parse(f.record.value);
  const auto found = co_await addresses_of(resolver, std::move(name), f);
  if (found.empty() || !host) co_return;
  for (const auto& a : found) f.published.push_back(a.text());
  DnsFinding of_host;
  const auto wanted = co_await addresses_of(resolver, *host, of_host);
  f.state = State::ok;
  const bool same = std::ranges::any_of(found, [&](const IpAddress& a) { return std::ranges::find(wanted, a) != wanted.end(); });
  if (!same) f.why = "another machine: it must have the policy";
}

// The way back: not of the domain's zone, but mail from a host without it is refused by many.
Task<DnsFinding> check_reverse(dns::Resolver& resolver, IpAddress address, std::string hostname) {
  const auto name = dns::Name::reverse(address);
  DnsFinding f{.record = {.purpose = "reverse",
                          .name = name.text(),
                          .type = dns::Type::ptr,
                          .value = hostname + '.',
                          .note = "whoever gave you " + address.text() + " sets it"}};
  const auto answer = co_await resolver.ptr(name, after(kPatience));
  if (settle_without_records(f, answer)) co_return f;
  const auto host = dns::Name::parse(hostname);
  for (const auto& target : answer.records) f.published.push_back(target.text() + '.');
  const bool same = host && std::ranges::find(answer.records, *host) != answer.records.end();
  f.state = same ? State::ok : State::different;
  co_return f;
}

Task<> check_into(dns::Resolver& resolver, DnsFinding& f) { f = co_await check_record(resolver, std::move(f.record)); }

}  // namespace

std::string_view to_string(State s) {
  switch (s) {
    case State::ok: return "ok";
    case State::missing: return "missing";
    case State::different: return "different";
    case State::unknown: return "unknown";
  }
  return {};
}

Task<DnsFinding> check_record(dns::Resolver& resolver, DnsRecord record) {
  DnsFinding f{.record = std::move(record)};
  const auto name = dns::Name::parse(f.record.name);
  if (!name) {
    f.why = name.error().text;
    co_return f;
  }
  switch (f.record.type) {
    case dns::Type::mx: co_await check_mx(resolver, *name, f); break;
    case dns::Type::txt: co_await check_txt(resolver, *name, f); break;
    case dns::Type::tlsa: co_await check_tlsa(resolver, *name, f); break;
    case dns::Type::srv: co_await check_srv(resolver, *name, f); break;
    case dns::Type::cname: co_await check_alias(resolver, *name, f); break;
    default: f.why = "not checked"; break;
  }
  co_return f;
}

Task<std::vector<DnsFinding>> check_host(dns::Resolver& resolver, std::string hostname) {
  std::vector<DnsFinding> out(1);
  out[0].record = {.purpose = "host",
                   .name = hostname,
                   .type = dns::Type::a,
                   .value = "the address of this machine",
                   .note = "the name by which others connect"};
  const auto name = dns::Name::parse(hostname);
  if (!name) co_return out;
  const auto addresses = co_await addresses_of(resolver, *name, out[0]);
  for (const auto& address : addresses) out[0].published.push_back(address.text());
  if (!addresses.empty()) out[0].state = State::ok;
  for (std::size_t i = 0; i < std::min<std::size_t>(addresses.size(), 10); ++i) {
    auto reverse = co_await check_reverse(resolver, addresses[i], hostname);
    out.push_back(std::move(reverse));
  }
  co_return out;
}

Task<std::vector<DnsFinding>> check_dns(dns::Resolver& resolver, std::string hostname, std::vector<DnsRecord> records) {
  std::vector<DnsFinding> found(records.size());
  TaskGroup group;
  for (std::size_t i = 0; i < records.size(); ++i) {
    found[i].record = std::move(records[i]);
    group.spawn(Reactor::current(), check_into(resolver, found[i]));
  }
  auto out = co_await check_host(resolver, std::move(hostname));
  co_await group.join();
  out.insert(out.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  co_return out;
}

}  // namespace posthorn::app
