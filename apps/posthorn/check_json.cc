// posthorn check --json.
#include <boost/json.hpp>

#include "check/judge.h"
#include "check_options.h"
#include "crypto/digest.h"
#include "text/ascii.h"
#include "text/date.h"
#include "text/utf8.h"

namespace posthorn {
namespace {

namespace json = boost::json;
using check::Reached;

// JSON has no octets: what a server says may be none of UTF-8.
json::string utf8(std::string_view s) { return json::string(text::repair_utf8(s)); }
json::array texts(const std::vector<std::string>& all) {
  json::array out;
  for (const auto& one : all) out.push_back(utf8(one));
  return out;
}
json::string time(SysTime t) { return json::string(text::format_rfc3339_utc(std::chrono::floor<std::chrono::seconds>(t))); }
std::string word(std::string_view s) { return text::to_lower(s); }

std::string_view to_string(Reached r) {
  switch (r) {
    case Reached::yes:
      return "yes";
    case Reached::refused:
      return "refused";
    case Reached::no_answer:
      return "no answer";
    case Reached::no_way:
      return "no way";
  }
  return "?";
}

json::object show(const check::Offer& o) {
  return {{"capabilities", texts(o.capabilities)},
          {"mechanisms", texts(o.mechanisms)},
          {"clear_login", o.clear_login},
          {"start_tls", o.start_tls}};
}

json::object show(const net::PeerCertificate& c) {
  return {{"subject", c.subject},
          {"issuer", c.issuer},
          {"names", texts(c.names)},
          {"not_before", time(c.not_before)},
          {"not_after", time(c.not_after)},
          {"key", c.key_type},
          {"bits", c.key_bits},
          {"self_signed", c.self_signed},
          {"sha256", crypto::to_hex(c.sha256)}};
}

json::object show(const check::PortReport& r) {
  json::object out{{"service", word(check::to_string(r.target.service))},
                   {"host", r.target.host},
                   {"port", r.target.port},
                   {"expected", word(check::to_string(r.target.expected))},
                   {"named_by", texts(r.target.named_by)},
                   {"address", r.address},
                   {"reached", to_string(r.reached)},
                   {"usable", check::is_usable(r)}};
  if (!r.why_not.empty()) out["why_not"] = utf8(r.why_not);
  if (r.reached != Reached::yes) return out;
  out["spoke"] = r.spoke == check::Spoke::tls ? "tls" : r.spoke == check::Spoke::clear ? "clear" : "nothing";
  out["greeting"] = utf8(r.greeting);
  out["connected_ms"] = r.connected.count();
  out["greeted_ms"] = r.greeted.count();
  if (!r.trouble.empty()) out["trouble"] = utf8(r.trouble);
  if (r.before.seen) out["before_tls"] = show(r.before);
  if (r.behind.seen) out["behind_tls"] = show(r.behind);
  if (r.tls) {
    out["tls"] = r.tls_version;
    out["cipher"] = r.tls_cipher;
    out["verified"] = r.verdict.verified;
  }
  if (r.relays) out["relays"] = *r.relays, out["relay_answer"] = utf8(r.relay_answer);
  if (r.old_version) out["old_tls"] = *r.old_version;
  if (!r.verdict.text.empty()) out["verdict"] = utf8(r.verdict.text);
  if (r.certificate) out["certificate"] = show(*r.certificate);
  return out;
}

json::object show(const check::Candidate& c) {
  return {{"service", word(check::to_string(c.service))},
          {"host", c.host},
          {"port", c.port},
          {"security", word(check::to_string(c.security))},
          {"source", word(check::to_string(c.source))},
          {"where", utf8(c.where)}};
}

json::object show(const check::Finding& f) {
  return {{"level", check::to_string(f.level)}, {"about", utf8(f.about)}, {"text", utf8(f.text)}, {"advice", utf8(f.advice)}};
}

json::object show(const check::Setting& s) {
  return {{"service", word(check::to_string(s.service))},
          {"host", s.host},
          {"port", s.port},
          {"security", word(check::to_string(s.security))},
          {"user", utf8(s.user)},
          {"mechanism", utf8(s.mechanism)},
          {"verified", s.verified}};
}

json::object show(const check::HostReport& h) {
  json::array addresses;
  for (const auto& a : h.lookup.addresses) addresses.push_back(json::string(a.text()));
  return {{"host", h.host}, {"addresses", std::move(addresses)}, {"dnssec", h.lookup.secure}, {"why", utf8(h.lookup.why)}};
}

json::object show(const check::SignedIn& s) {
  return {{"service", word(check::to_string(s.service))},
          {"place", s.place},
          {"ok", s.ok},
          {"mechanism", utf8(s.by)},
          {"took_ms", s.took.count()},
          {"why", utf8(s.why)}};
}

json::object show(const check::RoundTrip& t) {
  json::array sign_ins;
  for (const auto& s : t.sign_ins) sign_ins.push_back(show(s));
  json::object out{{"sign_ins", std::move(sign_ins)}, {"sent", t.sent}, {"deleted", t.deleted}};
  if (t.sent) out["sent_by"] = t.sent_by, out["sending_ms"] = t.sending.count();
  if (!t.seen_by_imap.empty()) out["seen_by_imap"] = t.seen_by_imap, out["mailbox"] = utf8(t.mailbox), out["imap_ms"] = t.imap.count();
  if (!t.seen_by_pop3.empty()) out["seen_by_pop3"] = t.seen_by_pop3, out["pop3_ms"] = t.pop3.count();
  return out;
}

template <class T>
json::array all(const std::vector<T>& items) {
  json::array out;
  for (const auto& item : items) out.push_back(show(item));
  return out;
}

}  // namespace

std::string json_of(const check::Report& r) {
  json::object out{{"ok", !r.has_errors()}};
  if (!r.question.host.empty()) out["host"] = r.question.host;
  if (!r.question.domain.empty()) out["domain"] = r.question.domain;
  if (!r.question.address.empty()) out["address"] = utf8(r.question.address);
  out["candidates"] = all(r.candidates);
  out["hosts"] = all(r.hosts);
  out["ports"] = all(r.ports);
  out["servers"] = all(r.servers);
  out["records"] = all(r.domain);
  out["settings"] = all(r.settings);
  if (r.round_trip) out["login"] = show(*r.round_trip);
  return json::serialize(out);
}

}  // namespace posthorn
