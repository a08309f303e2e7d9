// posthorn check: what was asked becomes a question, and the answer an exit code.
#include <sysexits.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "async/reactor.h"
#include "check_options.h"
#include "client/dial.h"
#include "dns/unbound_resolver.h"
#include "net/old_tls.h"
#include "output.h"
#include "progress.h"
#include "proto/smtp/address.h"
#include "text/ascii.h"

namespace posthorn {
namespace {

using namespace std::chrono_literals;

std::chrono::milliseconds milliseconds_of(double seconds) { return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000)); }

Result<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (code != std::errc() || end != text.data() + text.size() || port == 0)
    return fail(Errc::invalid, "'" + std::string(text) + "' is no port");
  return port;
}

Result<std::map<std::uint16_t, std::uint16_t>> port_map(const std::vector<std::string>& maps) {
  std::map<std::uint16_t, std::uint16_t> out;
  for (const std::string_view one : maps) {
    const auto equals = one.find('=');
    if (equals == one.npos) return fail(Errc::invalid, "--map: not as 993=10993: " + std::string(one));
    TRY(const auto from, port_of(one.substr(0, equals)));
    TRY(const auto to, port_of(one.substr(equals + 1)));
    out[from] = to;
  }
  return out;
}

Result<std::set<check::Service>> services(const std::vector<std::string>& only) {
  std::set<check::Service> out;
  for (const auto& one : only) {
    const bool smtp = text::iequals(one, "smtp"), mx = smtp || text::iequals(one, "mx"),
               submission = smtp || text::iequals(one, "submission");
    const bool imap = text::iequals(one, "imap"), pop3 = text::iequals(one, "pop3");
    if (mx) out.insert(check::Service::smtp);
    if (submission) out.insert(check::Service::submission);
    if (imap) out.insert(check::Service::imap);
    if (pop3) out.insert(check::Service::pop3);
    if (!mx && !submission && !imap && !pop3)
      return fail(Errc::invalid, "--only: '" + one + "' is none of imap, pop3, smtp, mx, submission");
  }
  return out;
}

// "joe@example.org", "@example.org", "mail.example.org", "192.0.2.1".
Result<check::Question> question_of(const CheckOptions& o, const std::string& target) {
  check::Question out;
  const auto at = target.rfind('@');
  if (at == target.npos) {
    const bool is_ip = IpAddress::parse(target).has_value();
    const auto name = dns::Name::from_domain(target);
    if (!is_ip && (!name || !name->is_host_name())) return fail(Errc::invalid, "'" + target + "' is neither an address nor a host");
    out.host = is_ip ? target : name->text();
  } else {
    const auto domain = dns::Name::from_domain(std::string_view(target).substr(at + 1));
    if (!domain || !domain->is_host_name()) return fail(Errc::invalid, "'" + target + "': what follows the @ is no domain");
    out.domain = domain->text();
    if (at > 0) out.address = target;
  }
  TRY(out.only, services(o.only));
  out.ispdb = o.ispdb;
  out.selectors = o.selectors;
  for (const auto& selector : out.selectors)
    if (!dns::Name::parse(selector)) return fail(Errc::invalid, "--selector: '" + selector + "' is none");
  return out;
}

// "192.0.2.53:5353" and "[2001:db8::1]:53", as people write it; the resolver's own form has "@".
std::string resolver_form(std::string text) {
  const auto bracket = text.rfind("]:");
  if (text.starts_with('[') && bracket != text.npos) return text.substr(1, bracket - 1) + '@' + text.substr(bracket + 2);
  const auto colon = text.find(':');
  if (colon != text.npos && text.find(':', colon + 1) == text.npos) text[colon] = '@';
  return text;
}

Result<dns::ResolverOptions> resolver_options(const CheckOptions& o) {
  dns::ResolverOptions out;
  if (o.resolver.empty()) {
    std::ifstream file("/etc/resolv.conf");
    out.servers = dns::servers_of_resolv_conf(std::string(std::istreambuf_iterator<char>(file), {}));
  } else {
    TRY(out.servers, dns::parse_servers(resolver_form(o.resolver)));
  }
  out.trust_anchor_file = o.trust_anchor;
  return out;
}

// A resolver of the system that drops signatures would make every name bogus: then nothing is validated, and that is said.
struct Dns {
  std::unique_ptr<dns::UnboundResolver> resolver;
  bool validates = true, answers = true;
};
Result<Dns> open_dns(const CheckOptions& o) {
  TRY(auto options, resolver_options(o));
  Dns out;
  TRY(out.resolver, dns::UnboundResolver::open(options));
  const auto patience = std::min<std::chrono::milliseconds>(5s, milliseconds_of(o.timeout));
  const auto seen = run_task(dns::probe_dnssec(*out.resolver, after(patience)));
  out.answers = seen != dns::DnssecProbe::unreachable;
  if (seen != dns::DnssecProbe::stripped) return out;
  out.resolver->shut_down();
  out.resolver.reset();
  options.validate = out.validates = false;
  TRY(out.resolver, dns::UnboundResolver::open(options));
  return out;
}

// What find_place() wants to be asked; only what it says of trust and of passwords is used.
Result<Place> place_of(const CheckOptions& o, const check::Question& q) {
  auto options = o.place;
  client::MailUrl url{
      .scheme = client::Scheme::imaps, .user = o.user.empty() ? q.address : o.user, .host = q.host.empty() ? q.domain : q.host};
  options.name = client::to_string(url);
  TRY(auto place, find_place(o.client, options));
  place.name = o.place.name;
  return place;
}

Result<std::optional<check::Login>> login_of(const CheckOptions& o, const check::Question& q, const Place& place) {
  if (!o.login) return std::nullopt;
  if (q.address.empty() && o.user.empty()) return fail(Errc::invalid, "--login: of whom?  Give an address (joe@example.org), or --user");
  TRY(auto credentials, obtain_credentials(place));
  if (!credentials) return fail(Errc::invalid, "--login: there is no user");
  auto hosts = o.login_at;
  for (auto& host : hosts) host = text::to_lower(host);
  if (!place.url.host.empty()) hosts.push_back(text::to_lower(place.url.host));  // of the account
  if (place.send_url) hosts.push_back(text::to_lower(place.send_url->host));
  return check::Login{.credentials = *std::move(credentials),
                      .hosts = std::move(hosts),
                      .address = q.address.empty() ? o.user : q.address,
                      .patience = milliseconds_of(o.arrival)};
}

// "work", where the accounts file has it.
Result<std::optional<Place>> account_of(const CheckOptions& o) {
  if (o.place.name.find_first_of("@.:") != std::string::npos) return std::nullopt;
  TRY(const bool known, has_account(o.client, o.place.name));
  if (!known) return std::nullopt;
  TRY(auto place, find_place(o.client, o.place));
  if (!client::is_server(place.url.scheme)) return fail(Errc::invalid, "the account '" + o.place.name + "' is on no server");
  return place;
}
// The address, when the user's name is one; else the host.
std::string target_of(const Place& account) {
  return account.url.user.find('@') == std::string::npos ? account.url.host : account.url.user;
}

check::ProbeOptions probe_options(const CheckOptions& o, const client::TlsForHosts& tls, std::map<std::uint16_t, std::uint16_t> map) {
  const auto old_tls = net::client_of_old_tls();
  return {.tls = tls.context(),
          .old_tls = old_tls ? *old_tls : nullptr,
          .policy = [&tls](const std::string& host) { return tls.policy(host); },
          .relay_to = o.relay,
          .timeout = milliseconds_of(o.timeout),
          .port_map = std::move(map)};
}

Result<check::Report> examine(const CheckOptions& o) {
  TRY(auto account, account_of(o));
  TRY(auto question, question_of(o, account ? target_of(*account) : o.place.name));
  TRY(auto map, port_map(o.maps));
  const auto relay = o.relay.empty() ? Result<smtp::Mailbox>(smtp::Mailbox{}) : smtp::parse_mailbox(o.relay);
  if (!relay || smtp::needs_smtp_utf8(*relay)) return fail(Errc::invalid, "--relay: '" + o.relay + "' is no address in ASCII");
  if (!account) {
    TRY(account, place_of(o, question));
  }
  auto& place = *account;
  if (!o.user.empty()) place.url.user = o.user;
  TRY(question.login, login_of(o, question, place));
  TRY(const auto tls, client::TlsForHosts::make(place.trust));
  TRY(const auto dns, open_dns(o));
  WorkerPool workers(4);
  check::World world{.resolver = *dns.resolver,
                     .workers = workers,
                     .system_names = o.resolver.empty() && !question.host.empty(),
                     .dns_answers = dns.answers,
                     .dnssec = dns.validates,
                     .probe = probe_options(o, tls, std::move(map))};
  world.dns_timeout = world.probe.timeout;
  // Who trusts any mail server, or one by its key, still sees the domain's web servers as others do.
  if (place.trust.insecure || !place.trust.pins.empty()) {
    TRY(world.web_tls, net::TlsContext::client());
  }
  Progress progress(!o.client.json && !o.client.quiet);
  const auto on_step = [&progress](const check::Step& step) {
    progress.show(step.all ? step.what + ": " + std::to_string(step.done) + " of " + std::to_string(step.all) : step.what);
  };
  auto report = run_task(check::examine(world, question, on_step));
  progress.end();
  dns.resolver->shut_down();
  return report;
}

}  // namespace

int check_command(const CheckOptions& o) {
  const auto report = examine(o);
  if (!report) return say_client_error(o.client, "check", report.error());
  if (o.client.json)
    say(json_of(*report));
  else if (!o.client.quiet)
    show_report(*report, o.client.verbose);
  // A host that nobody knows is no examined host.
  const bool no_host = !report->question.host.empty() && report->ports.empty();
  if (no_host && !report->hosts.empty() && !report->hosts.front().lookup.answered) return EX_TEMPFAIL;
  if (no_host) return EX_NOHOST;
  if (report->dns_is_silent) return EX_TEMPFAIL;
  return report->has_errors() ? EX_UNAVAILABLE : EX_OK;
}

}  // namespace posthorn
