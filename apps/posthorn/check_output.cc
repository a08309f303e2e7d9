// posthorn check: its answer for people.
#include <algorithm>
#include <map>

#include "check/judge.h"
#include "check_options.h"
#include "output.h"
#include "terminal_text.h"
#include "text/date.h"

namespace posthorn {
namespace {

using check::Level;
using check::PortReport;
using check::Reached;
using check::Security;
using check::Service;
using check::Spoke;

std::string joined(const std::vector<std::string>& all, std::string_view between) {
  std::string out;
  for (const auto& one : all) {
    if (!out.empty()) out += between;
    out += one;
  }
  return printable(out);
}

Colour colour_of(Level level) {
  switch (level) {
    case Level::ok:
      return Colour::good;
    case Level::note:
      return Colour::faint;
    case Level::warning:
      return Colour::warning;
    case Level::error:
      return Colour::bad;
  }
  return Colour::plain;
}

std::string day(SysTime t) { return text::format_rfc3339_utc(std::chrono::floor<std::chrono::seconds>(t)).substr(0, 10); }
std::int64_t days_left(const net::PeerCertificate& c) { return std::chrono::floor<std::chrono::days>(c.not_after - now()).count(); }

// --- who names servers
std::string named_by(const std::vector<check::Candidate>& candidates, check::Source source) {
  std::vector<std::string> out;
  for (const auto& c : candidates) {
    if (c.source != source) continue;
    const bool host_only = c.port == 0 || source == check::Source::mx;
    auto text = host_only ? c.host : std::string(check::to_string(c.service)) + ' ' + c.host + ':' + std::to_string(c.port);
    if (std::ranges::find(out, text) == out.end()) out.push_back(std::move(text));
  }
  return joined(out, ", ");
}

void show_sources(const TerminalText& out, const check::Report& r) {
  if (r.question.host.empty()) {
    out.line(out.in(Colour::bold, "Who names servers of " + printable(r.question.domain)));
    for (const auto source :
         {check::Source::srv, check::Source::autoconfig, check::Source::ispdb, check::Source::mx, check::Source::guess}) {
      const auto text = named_by(r.candidates, source);
      const bool must = source == check::Source::srv || source == check::Source::autoconfig || source == check::Source::mx;
      if (text.empty() && !must) continue;
      const auto name = "  " + std::string(source == check::Source::guess ? "guesses" : check::to_string(source));
      out.wrapped(name, name.size(), 15, text.empty() ? "nothing" : text, text.empty() ? Colour::faint : Colour::plain);
    }
    out.line();
  }
}

// --- one row for a port
struct Row {
  Level level = Level::ok;
  std::string port, service, speaks, certificate, sign_in;
};

std::string speaks(const PortReport& r) {
  if (r.rejected) return "refuses us";
  if (r.spoke == Spoke::nothing) return "nothing sensible";
  const auto version = r.tls_version.starts_with("TLSv") ? "TLS " + r.tls_version.substr(4) : r.tls_version;
  if (r.spoke == Spoke::tls) return version;
  if (r.tls) return (r.target.service == Service::pop3 ? "STLS, " : "STARTTLS, ") + version;
  return r.before.start_tls ? "clear, TLS fails" : "clear text only";
}

std::string certificate_word(const PortReport& r) {
  if (!r.certificate) return "";
  switch (r.verdict.problem) {
    case net::TlsProblem::none:
      return (r.verdict.verified ? "good, " : "any, ") +
             (days_left(*r.certificate) < 0 ? "ended" : std::to_string(days_left(*r.certificate)) + " days");
    case net::TlsProblem::expired:
      return "expired";
    case net::TlsProblem::self_signed:
      return "self-signed";
    case net::TlsProblem::unknown_issuer:
      return "unknown issuer";
    case net::TlsProblem::name_mismatch:
      return "another name";
    default:
      return std::string(net::to_string(r.verdict.problem));
  }
}

// SCRAM is of many kinds: which, the capabilities tell.
std::string in_short(const std::vector<std::string>& mechanisms) {
  std::vector<std::string> out;
  for (const auto& one : mechanisms) {
    auto word = one.starts_with("SCRAM-") ? std::string("SCRAM") : one;
    if (std::ranges::find(out, word) == out.end()) out.push_back(std::move(word));
  }
  return joined(out, " ");
}

std::string sign_in(const PortReport& r) {
  const auto& offer = r.tls ? r.behind : r.before;
  if (!offer.seen) return "";
  auto words = in_short(offer.mechanisms);
  if (words.empty() && offer.clear_login) words = r.target.service == Service::imap ? "LOGIN command" : "USER";
  if (words.empty()) return "none";
  return words;
}

Level worst(const PortReport& r) {
  auto level = Level::ok;
  for (const auto& f : check::judge_port(r, now()).all)
    if (f.level > level && f.level != Level::note) level = f.level;
  return level;
}

Row row_of(const PortReport& r) {
  return {.level = worst(r),
          .port = std::to_string(r.target.port),
          .service = std::string(check::to_string(r.target.service)),
          .speaks = speaks(r),
          .certificate = certificate_word(r),
          .sign_in = sign_in(r)};
}

std::string_view mark(Level level) { return level == Level::error ? "x" : level == Level::warning ? "!" : "+"; }

void show_row(const TerminalText& out, const Row& row) {
  const auto text = fitted(row.port, 6) + fitted(row.service, 12) + fitted(row.speaks, 19) + ' ' + fitted(row.certificate, 15) + ' ';
  const auto colour = row.level == Level::ok ? Colour::good : colour_of(row.level);
  out.wrapped(out.in(colour, mark(row.level)) + ' ' + text, 2 + columns_of(text), 56, row.sign_in);
}

std::string why_closed(const PortReport& r) {
  if (r.reached == Reached::refused) return "closed";
  return r.reached == Reached::no_way ? "not tried" : "no answer";
}

void show_closed(const TerminalText& out, const std::vector<const PortReport*>& ports) {
  for (const char* why : {"closed", "no answer", "not tried"}) {
    std::string text;
    for (const auto* r : ports) {
      if (why_closed(*r) != why) continue;
      text += (text.empty() ? "" : ", ") + std::to_string(r->target.port);
      if (!check::is_standard(r->target.service, r->target.port)) text += " (" + std::string(check::to_string(r->target.service)) + ')';
    }
    const auto start = "- " + std::string(why) + ": ";
    if (!text.empty()) out.wrapped(out.in(Colour::faint, start), start.size(), start.size(), text, Colour::faint);
  }
}

// --- certificates and capabilities: each once, with its ports
std::string names_of(const net::PeerCertificate& c) {
  constexpr std::size_t kShown = 6;
  if (c.names.empty()) return c.common_name.empty() ? c.subject : c.common_name;
  std::string out;
  for (std::size_t i = 0; i < std::min(kShown, c.names.size()); ++i) out += (i ? ", " : "") + c.names[i];
  const auto more = c.names.size() + c.more_names - std::min(kShown, c.names.size());
  return more ? out + " and " + std::to_string(more) + " more" : out;
}

void show_certificates(const TerminalText& out, const std::vector<const PortReport*>& ports) {
  std::vector<std::string> seen;
  for (const auto* r : ports) {
    if (!r->certificate || std::ranges::find(seen, r->certificate->sha256) != seen.end()) continue;
    const auto& c = *r->certificate;
    const bool only_one = std::ranges::all_of(ports, [&](const auto* o) { return !o->certificate || o->certificate->sha256 == c.sha256; });
    seen.push_back(c.sha256);
    std::string of;
    for (const auto* o : ports)
      if (!only_one && o->certificate && o->certificate->sha256 == c.sha256)
        of += (of.empty() ? " of " : ", ") + std::to_string(o->target.port);
    const auto key = c.key_type.empty() ? std::string() : "; " + c.key_type + ' ' + std::to_string(c.key_bits) + " bits";
    out.wrapped("  certificate", 13, 15,
                of + (of.empty() ? "" : ": ") + printable(names_of(c)) + "; by " + (c.self_signed ? "itself" : printable(c.issuer_name)) +
                    "; until " + day(c.not_after) + " (" + std::to_string(days_left(c)) + " days)" + key);
  }
}

// The mechanisms stand in the table.
bool is_sign_in(const std::string& capability) { return capability.starts_with("AUTH") || capability.starts_with("SASL "); }

void show_capabilities(const TerminalText& out, const std::vector<const PortReport*>& ports, bool verbose) {
  std::vector<Service> seen;
  for (const auto* r : ports) {
    const auto& offer = r->tls ? r->behind : r->before;
    if (offer.capabilities.empty() || std::ranges::find(seen, r->target.service) != seen.end()) continue;
    seen.push_back(r->target.service);
    std::string text;
    for (const auto& one : offer.capabilities)
      if (verbose || !is_sign_in(one)) text += (text.empty() ? "" : ", ") + one;
    const auto name = "  " + std::string(check::to_string(r->target.service));
    out.wrapped(name, name.size(), 15, printable(text), Colour::faint);
  }
}

void show_host(const TerminalText& out, const check::HostReport& host, const check::Report& r, bool verbose) {
  std::vector<const PortReport*> open, closed;
  for (const auto& p : r.ports)
    if (p.target.host == host.host) (p.reached == Reached::yes ? open : closed).push_back(&p);
  std::string addresses;
  for (const auto& a : host.lookup.addresses) addresses += "  " + a.text();
  const auto name = printable(host.host);
  out.line(out.in(Colour::bold, name) + (addresses == "  " + name ? "" : addresses) +
           (host.lookup.canonical_name.empty() ? "" : "  (an alias of " + printable(host.lookup.canonical_name) + ')'));
  if (!open.empty()) out.line(out.in(Colour::faint, "  PORT  SERVICE     SPEAKS              CERTIFICATE     SIGN IN BY"));
  for (const auto* p : open) show_row(out, row_of(*p));
  show_closed(out, closed);
  show_certificates(out, open);
  show_capabilities(out, open, verbose);
  for (const auto* p : open)
    if (verbose) out.wrapped("  " + fitted(std::to_string(p->target.port), 11), 13, 15, "greets: " + printable(p->greeting), Colour::faint);
  out.line();
}

void show_hosts(const TerminalText& out, const check::Report& r, bool verbose) {
  std::map<std::string, std::vector<std::string>> unknown;  // by why
  for (const auto& host : r.hosts) {
    if (host.lookup.addresses.empty())
      unknown[host.lookup.why].push_back(host.host);
    else
      show_host(out, host, r, verbose);
  }
  for (const auto& [why, hosts] : unknown)
    out.wrapped("Not found:", 10, 11, joined(hosts, ", ") + " (" + printable(why) + ')', Colour::faint);
  if (!unknown.empty()) out.line();
}

// --- findings
void show_findings(const TerminalText& out, const std::string& title, const std::vector<check::Finding>& all) {
  if (all.empty()) return;
  out.line(out.in(Colour::bold, title));
  for (const auto& f : all) {
    const auto level = fitted(check::to_string(f.level), 8);
    const auto about = printable(f.about);
    // What it is about stands out; a long list of ports is wrapped like the rest.
    const bool fits = columns_of(about) < out.width() / 2;
    const auto start = "  " + out.in(colour_of(f.level), level) + ' ';
    if (fits)
      out.wrapped(start + out.in(Colour::bold, about) + ": ", 13 + columns_of(about), 11, printable(f.text));
    else
      out.wrapped(start, 11, 11, about + ": " + printable(f.text));
    if (!f.advice.empty())
      out.wrapped(std::string(11, ' ') + "> ", 13, 13, printable(f.advice), f.level == Level::note ? Colour::faint : Colour::plain);
  }
  out.line();
}

void show_settings(const TerminalText& out, const check::Report& r) {
  if (r.settings.empty()) return;
  out.line(out.in(Colour::bold, "Settings for a mail program"));
  for (const auto& s : r.settings) {
    const auto security = s.security == Security::implicit ? "SSL/TLS" : "STARTTLS";
    const auto kind = s.service == Service::submission ? "send by SMTP" : "read by " + std::string(check::to_string(s.service));
    auto text = printable(s.host) + ", port " + std::to_string(s.port) + ", " + security;
    if (!s.user.empty()) text += ", user " + printable(s.user);
    if (!s.verified) text += "; its certificate must be put right first";
    out.wrapped("  " + fitted(kind, 13), 15, 15, text, s.verified ? Colour::plain : Colour::warning);
  }
  out.line();
}

void show_round_trip(const TerminalText& out, const check::RoundTrip& trip) {
  const auto ms = [](std::chrono::milliseconds t) {
    return t.count() < 10'000 ? std::to_string(t.count()) + " ms" : std::to_string(t.count() / 1000) + " s";
  };
  const auto line = [&](bool good, const std::string& what, const std::string& text) {
    out.wrapped("  " + out.in(good ? Colour::good : Colour::bad, fitted(good ? "ok" : "error", 8)) + ' ', 11, 11, what + printable(text));
  };
  out.line(out.in(Colour::bold, "Signing in, and a message to oneself"));
  for (const auto& s : trip.sign_ins)
    line(s.ok, std::string(check::to_string(s.service)) + ' ', s.ok ? s.place + " by " + s.by + ", " + ms(s.took) : s.place + ": " + s.why);
  if (trip.sent) line(true, "sent by ", trip.sent_by + ", " + ms(trip.sending));
  if (!trip.seen_by_imap.empty()) line(true, "seen by IMAP ", trip.seen_by_imap + " in " + trip.mailbox + ", " + ms(trip.imap) + " later");
  if (!trip.seen_by_pop3.empty()) line(true, "seen by POP3 ", trip.seen_by_pop3 + ", " + ms(trip.pop3) + " later");
  if (trip.deleted) line(true, "deleted", "");
  out.line();
}

void show_sum(const TerminalText& out, const check::Report& r) {
  std::int64_t errors = 0, warnings = 0;
  for (const auto* all : {&r.servers, &r.domain})
    for (const auto& f : *all) (f.level == Level::error ? errors : warnings) += f.level >= Level::warning;
  const auto colour = errors ? Colour::bad : warnings ? Colour::warning : Colour::good;
  if (errors + warnings == 0)
    out.line(out.in(colour, "Nothing is wrong."));
  else
    out.line(out.in(colour, count_text(errors, "error", "errors") + ", " + count_text(warnings, "warning", "warnings")));
}

}  // namespace

void show_report(const check::Report& r, bool verbose) {
  const TerminalText out;
  show_sources(out, r);
  show_hosts(out, r, verbose);
  if (r.round_trip) show_round_trip(out, *r.round_trip);
  show_findings(out, "What is wrong with the servers, and what to do", r.servers);
  show_findings(out, "The records of " + printable(r.question.domain), r.domain);
  show_settings(out, r);
  show_sum(out, r);
}

}  // namespace posthorn
