#include "check/discovery.h"

#include <algorithm>
#include <optional>

#include "async/task_group.h"
#include "check/autoconfig.h"
#include "check/judge.h"

namespace posthorn::check {
namespace {

constexpr std::size_t kServersOfOneService = 4;

struct ServiceName {
  std::string_view label;
  Service service;
  Security security;
};
// [RFC6186 3.1-3.3] [RFC8314 5.1]
constexpr ServiceName kServiceNames[] = {
    {"_submissions._tcp", Service::submission, Security::implicit},
    {"_submission._tcp", Service::submission, Security::starttls},
    {"_imaps._tcp", Service::imap, Security::implicit},
    {"_imap._tcp", Service::imap, Security::starttls},
    {"_pop3s._tcp", Service::pop3, Security::implicit},
    {"_pop3._tcp", Service::pop3, Security::starttls},
};

struct SrvAnswer {
  std::vector<Candidate> candidates;
  Findings findings;
  bool known = true;
};

Task<> ask_srv(World& world, dns::Name name, ServiceName what, SrvAnswer& out) {
  auto answer = co_await world.resolver.srv(name, world.dns_deadline());
  const auto about = "SRV " + name.text();
  out.known = answer.definite();
  if (!out.known) {
    out.findings.warn(
        about, "the DNS gives no answer: " + std::string(dns::to_string(answer.status)) + (answer.why.empty() ? "" : ", " + answer.why),
        "look at the zone and its name servers");
    co_return;
  }
  // [RFC2782] The lowest priority first; among equals the heaviest, as most clients that ask once would.
  std::ranges::sort(answer.records, [](const dns::Srv& a, const dns::Srv& b) {
    return std::pair(a.priority, -int{a.weight}) < std::pair(b.priority, -int{b.weight});
  });
  for (const auto& r : answer.records) {
    // [RFC6186 3.4] "." says that the service is not there.
    if (r.target.is_root() || out.candidates.size() == kServersOfOneService) continue;
    out.candidates.push_back({.service = what.service,
                              .host = r.target.text(),
                              .port = r.port,
                              .security = what.security,
                              .source = Source::srv,
                              .where = name.text(),
                              .vouched = answer.secure()});
  }
}

// --- autoconfig
std::string percent_encoded(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto b = static_cast<unsigned char>(c);
    const bool plain = (b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z') || b == '-' || b == '.' || b == '_';
    if (plain)
      out += c;
    else
      out += {'%', kHex[b >> 4], kHex[b & 15]};
  }
  return out;
}

struct Document {
  std::string url;
  Source source = Source::autoconfig;
  bool vouched = true;  // if it comes by https: the URL is of the domain
  bool found = false;   // the server had something there
  std::vector<Candidate> candidates;
  Findings findings;
};

Task<> ask_autoconfig(World& world, std::string address, Document& out) {
  const auto url = http::parse_url(out.url);
  if (!url) co_return;
  const auto got = co_await fetch(world, *url, after(2 * world.probe.timeout));
  // Hosts and pages that are not there are the usual case: nothing to say.
  if (!got && got.error().code == Errc::denied)
    out.findings.warn(out.url, "the certificate of its web server: " + got.error().text, "programs cannot use it: repair the certificate");
  if (!got && got.error().code == Errc::too_large)
    out.findings.warn(out.url, "it cannot be used: the document is too long", "repair the document, or take it away");
  if (!got) co_return;
  auto servers = parse_autoconfig(got->response.body, address);
  // Web servers that answer any name with some page are no mistake of the mail system.
  const bool page = got->response.content_type.starts_with("text/html");
  if (!servers && !page) out.findings.warn(out.url, "it cannot be used: " + servers.error().text, "repair the document, or take it away");
  if (!servers) co_return;
  out.found = true;
  for (auto& server : *servers) {
    server.source = out.source;
    server.where = got->url.substr(0, got->url.find('?'));
    server.vouched = out.vouched && url->tls;
    if (server.security == Security::none)
      out.findings.error(server.host + ':' + std::to_string(server.port),
                         std::string(to_string(out.source)) + " tells programs to use clear text there",
                         "write SSL with 465, 993 or 995 into the document");
    out.candidates.push_back(std::move(server));
  }
  if (!url->tls)
    out.findings.note(url->host, "autoconfig is there without TLS only: anybody between can change it", "serve it by https, too");
}

std::vector<Document> documents_of(const std::string& domain, const std::string& address) {
  const auto user = address.empty() ? std::string() : "?emailaddress=" + percent_encoded(address);
  std::vector<Document> out(3);
  out[0].url = "https://autoconfig." + domain + "/mail/config-v1.1.xml" + user;
  out[1].url = "https://" + domain + "/.well-known/autoconfig/mail/config-v1.1.xml";
  out[2].url = "http://autoconfig." + domain + "/mail/config-v1.1.xml";  // in clear the user's address is not told
  return out;
}

Task<> ask_all(World& world, const std::string& address, std::vector<Document>& documents) {
  TaskGroup group;
  for (auto& document : documents) group.spawn(Reactor::current(), ask_autoconfig(world, address, document));
  co_await group.join();
}

bool take_first(Discovery& out, std::vector<Document>& documents) {
  bool taken = false;
  for (auto& d : documents) {
    const bool plain_beside_tls = taken && d.url.starts_with("http:");
    if (!plain_beside_tls) out.findings.add(std::move(d.findings));
    if (taken || !d.found) continue;
    taken = true;
    out.candidates.insert(out.candidates.end(), std::make_move_iterator(d.candidates.begin()), std::make_move_iterator(d.candidates.end()));
  }
  return taken;
}

// The domains that may be the provider's: mx1.mail.example.net is of mail.example.net, or of example.net.
std::vector<std::string> providers(const dns::MxRoute& mx, const std::string& domain) {
  std::vector<std::string> out;
  if (mx.implicit || mx.hosts.empty()) return out;
  auto name = mx.hosts.front().name.parent();
  for (int i = 0; i < 2 && name.text().find('.') != std::string::npos && !name.is_root(); ++i, name = name.parent())
    if (name.text() != domain) out.push_back(name.text());
  return out;
}

Task<> ask_mx(World& world, dns::Name domain, Discovery& out) {
  auto answer = co_await world.resolver.mx(domain, world.dns_deadline());
  out.mx_records = answer.records;
  out.mx = dns::order_mx(domain, answer, {});
  std::ranges::sort(out.mx.hosts, {}, [](const dns::MxHost& h) { return std::pair(h.preference, h.name); });
}

bool has(const std::vector<Candidate>& all, Service service) {
  return std::ranges::any_of(all, [&](const Candidate& c) { return c.service == service && c.source != Source::mx; });
}

// [RFC6186 1] What programs did before: names that are usual.
void put_guesses(Discovery& out, const std::string& domain) {
  constexpr std::pair<Service, const char*> kUsual[] = {{Service::submission, "smtp."}, {Service::submission, "mail."},
                                                        {Service::imap, "imap."},       {Service::imap, "mail."},
                                                        {Service::pop3, "pop."},        {Service::pop3, "mail."}};
  const auto named = out.candidates;
  for (const auto& [service, label] : kUsual)
    if (!has(named, service))
      out.candidates.push_back({.service = service, .host = label + domain, .source = Source::guess, .where = "the usual name"});
  if (out.mx.hosts.empty()) return;
  for (const auto service : {Service::submission, Service::imap, Service::pop3})
    if (!has(named, service))
      out.candidates.push_back({.service = service,
                                .host = out.mx.hosts.front().name.text(),
                                .source = Source::guess,
                                .where = "the host of the MX record",
                                .vouched = out.mx.dnssec == dns::Dnssec::secure});
}

bool is_within(const std::string& host, const dns::Name& domain) {
  const auto name = dns::Name::parse(host);
  return name && name->is_at_or_below(domain);
}

std::string shown(const Candidate& c) { return c.host + ':' + std::to_string(c.port) + " (" + std::string(to_string(c.security)) + ')'; }

}  // namespace

Findings contradictions(const std::vector<Candidate>& all) {
  Findings out;
  for (const auto service : {Service::submission, Service::imap, Service::pop3}) {
    const auto of = [&](Source source) {
      std::vector<const Candidate*> found;
      for (const auto& c : all)
        if (c.service == service && c.source == source) found.push_back(&c);
      return found;
    };
    const auto srv = of(Source::srv);
    for (const auto source : {Source::autoconfig, Source::ispdb}) {
      const auto other = of(source);
      if (srv.empty() || other.empty()) continue;
      const auto same = [](const Candidate* a, const Candidate* b) {
        return a->host == b->host && a->port == b->port && a->security == b->security;
      };
      const bool agree =
          std::ranges::any_of(srv, [&](const auto* a) { return std::ranges::any_of(other, [&](const auto* b) { return same(a, b); }); });
      if (!agree)
        out.warn(std::string(to_string(service)),
                 "the SRV records name " + shown(*srv.front()) + ", " + std::string(to_string(source)) + " names " + shown(*other.front()),
                 "let both say the same: programs ask one or the other");
    }
  }
  return out;
}

Task<Discovery> discover(World& world, DiscoveryOptions options) {
  Discovery out;
  const auto domain = dns::Name::parse(options.domain);
  if (!domain) co_return out;
  std::vector<SrvAnswer> srv(std::size(kServiceNames));
  auto documents = documents_of(options.domain, options.address);
  {
    TaskGroup group;
    auto& here = Reactor::current();
    for (std::size_t i = 0; i < srv.size(); ++i)
      if (const auto name = domain->below(kServiceNames[i].label)) group.spawn(here, ask_srv(world, *name, kServiceNames[i], srv[i]));
    group.spawn(here, ask_mx(world, *domain, out));
    group.spawn(here, ask_all(world, options.address, documents));
    co_await group.join();
  }
  for (auto& answer : srv) {
    out.candidates.insert(out.candidates.end(), answer.candidates.begin(), answer.candidates.end());
    out.findings.add(std::move(answer.findings));
    out.srv_is_known = out.srv_is_known && answer.known;
  }
  bool found = take_first(out, documents);
  for (const auto& provider : providers(out.mx, options.domain)) {
    if (found) break;
    auto more = documents_of(provider, options.address);
    more.pop_back();
    for (auto& document : more) document.vouched = out.mx.dnssec == dns::Dnssec::secure;
    co_await ask_all(world, options.address, more);
    found = take_first(out, more);
  }
  if (options.ispdb) {
    std::vector<Document> ispdb(1);
    ispdb[0].url = "https://autoconfig.thunderbird.net/v1.1/" + options.domain;
    ispdb[0].source = Source::ispdb;
    co_await ask_all(world, options.address, ispdb);
    take_first(out, ispdb);
  }
  for (const auto& host : out.mx.hosts)
    out.candidates.push_back({.service = Service::smtp,
                              .host = host.name.text(),
                              .port = 25,
                              .security = Security::starttls,
                              .source = Source::mx,
                              .where = options.domain});
  put_guesses(out, options.domain);
  for (auto& c : out.candidates) c.vouched = c.vouched || is_within(c.host, *domain);
  out.findings.add(contradictions(out.candidates));
  co_return out;
}

}  // namespace posthorn::check
