#include "check/judge.h"

#include <algorithm>

#include "text/date.h"

namespace posthorn::check {
namespace {

bool is_for_programs(const PortReport& r) { return r.target.service != Service::smtp; }
bool contains(const std::vector<std::string>& all, std::string_view one) { return std::ranges::find(all, one) != all.end(); }
bool shows_passwords(const std::vector<std::string>& mechanisms) { return contains(mechanisms, "PLAIN") || contains(mechanisms, "LOGIN"); }

std::string listed(const std::vector<std::string>& all) {
  std::string out;
  for (const auto& one : all) out += (out.empty() ? "" : ", ") + one;
  return out;
}

std::string seconds(std::chrono::milliseconds t) { return std::to_string((t.count() + 500) / 1000) + " s"; }
std::string day(SysTime t) { return text::format_rfc3339_utc(std::chrono::floor<std::chrono::seconds>(t)).substr(0, 10); }

std::string_view protocol_of(Service service) { return service == Service::submission ? "SMTP" : to_string(service); }
std::string_view command_of(Service service) { return service == Service::pop3 ? "STLS" : "STARTTLS"; }

std::string what_failed(const PortReport& r) {
  constexpr std::string_view kSaid = "TLS handshake: ";
  return r.verdict.text.starts_with(kSaid) ? r.verdict.text.substr(kSaid.size()) : r.verdict.text;
}

void judge_reach(Findings& out, const PortReport& r) {
  const auto place = place_of(r);
  if (r.reached == Reached::no_way) {
    out.note(place, "not tried: this machine has no way to " + r.address, "");
    return;
  }
  if (r.target.named_by.empty()) return;
  const auto text = listed(r.target.named_by) + (r.target.named_by.size() == 1 ? " names" : " name") + " this port, but " +
                    (r.reached == Reached::refused ? "the host refuses connections to it" : "nobody answers there");
  // Many networks let nobody out to port 25 but their own servers.
  if (r.target.service == Service::smtp && r.reached == Reached::no_answer)
    return out.warn(place, text, "if the server is up: this network may let nobody out to port 25; look from another one");
  out.error(place, text, "open the port, in the server and in the firewall, or take it out of what names it");
}

// It spoke the other way than its number says, or not at all.
void judge_speech(Findings& out, const PortReport& r) {
  const auto place = place_of(r);
  const auto port = std::to_string(r.target.port);
  if (r.spoke == Spoke::nothing) {
    const auto trouble = r.trouble.empty() ? what_failed(r) : r.trouble;
    const bool handshake = r.target.expected == Security::implicit && r.verdict.problem == net::TlsProblem::handshake;
    if (handshake)
      out.error(place, "the TLS handshake fails: " + what_failed(r),
                "offer TLS 1.2 and 1.3 with a certificate that the server can use; its log says more");
    else
      out.error(
          place,
          "it takes connections, but speaks no " + std::string(protocol_of(r.target.service)) + (trouble.empty() ? "" : ": " + trouble),
          "look at what listens on port " + port + ", and at its log");
  } else if (r.target.expected == Security::implicit && r.spoke == Spoke::clear) {
    out.error(place, "it speaks clear text, where TLS from the first byte is expected [RFC8314 3.3]",
              "turn on implicit TLS for port " + port + " (\"TLS wrapper\", \"SSL/TLS\", not STARTTLS)");
  } else if (r.target.expected == Security::starttls && r.spoke == Spoke::tls) {
    out.error(place, "it speaks TLS from the first byte, where programs expect clear text and " + std::string(command_of(r.target.service)),
              "turn off implicit TLS on port " + port + "; the port for it is another one (465, 993, 995)");
  }
}

void judge_clear(Findings& out, const PortReport& r) {
  if (!r.before.seen) return;
  const auto place = place_of(r);
  const auto command = std::string(command_of(r.target.service));
  if (!r.before.start_tls) {
    if (is_for_programs(r))
      out.error(place, "no " + command + ": mail and passwords cross the network in clear",
                "give the server a certificate and turn on TLS");
    else
      out.warn(place, "no STARTTLS: mail from other servers comes in clear", "give the server a certificate and turn on TLS");
  }
  if (shows_passwords(r.before.mechanisms))
    out.warn(place, "PLAIN or LOGIN is offered before TLS: a program that is set up badly sends its password in clear",
             "allow these mechanisms behind TLS only");
  else if (r.before.clear_login && (r.target.service == Service::pop3 || r.target.service == Service::imap))
    out.warn(place,
             std::string(r.target.service == Service::imap ? "LOGIN" : "USER and PASS") +
                 " may be used before TLS: a program that is set up badly sends its password in clear",
             r.target.service == Service::imap ? "say LOGINDISABLED before TLS, and refuse LOGIN" : "refuse USER before STLS");
  if (r.injected)
    out.error(place,
              "something follows the answer to " + command + " in clear text: it may be taken for a part of what is protected [RFC3207 5]",
              "update the server; or somebody between changes what is sent");
  if (!r.start_tls_trouble.empty())
    out.error(place, command + " is offered and then fails: " + r.start_tls_trouble,
              "look at the server's log; often its certificate or key cannot be read");
  else if (r.before.start_tls && !r.tls)
    out.error(place, "the TLS handshake fails: " + what_failed(r),
              "offer TLS 1.2 and 1.3 with a certificate that the server can use; its log says more");
}

std::string advice_for(net::TlsProblem problem, const std::string& host) {
  switch (problem) {
    case net::TlsProblem::expired:
      return "renew the certificate, and see why that did not happen by itself";
    case net::TlsProblem::not_yet_valid:
      return "see whether the clocks of the server and of this machine are right";
    case net::TlsProblem::self_signed:
      return "get a certificate from an authority that programs know, as Let's Encrypt";
    case net::TlsProblem::unknown_issuer:
      return "let the server send the whole chain with its certificate; if its authority is your own, name that with --ca";
    case net::TlsProblem::name_mismatch:
      return "get a certificate that names " + host + ", or use a name that it has";
    case net::TlsProblem::no_matching_pin:
      return "see whether the key was changed, or this is another server";
    default:
      return "replace the certificate";
  }
}

void judge_certificate(Findings& out, const PortReport& r, SysTime now) {
  if (!r.tls) return;
  const auto place = place_of(r);
  if (!is_believed(r)) {
    const auto advice = advice_for(r.verdict.problem, r.target.host);
    if (is_for_programs(r))
      out.error(place, r.verdict.text, advice);
    else
      out.warn(place, r.verdict.text + "; senders with DANE or MTA-STS would not deliver", advice);
  }
  if (!r.certificate) return;
  const auto& c = *r.certificate;
  if (is_believed(r) && c.not_after <= now)
    out.warn(place, "the certificate ended on " + day(c.not_after) + "; programs that look at more than you asked for refuse it",
             "renew it");
  if (c.not_after > now && c.not_after - now < kExpiresSoon)
    out.warn(place, "the certificate ends on " + day(c.not_after), "renew it now; by itself that should happen a month before");
  if (c.key_type == "RSA" && c.key_bits < 2048)
    out.warn(place, "the certificate has an RSA key of " + std::to_string(c.key_bits) + " bits only",
             "get one with 2048 bits or more, or an EC key");
  if (r.old_version && !r.old_version->empty()) {
    const auto text = "TLS 1." + std::string(*r.old_version == "TLSv1.1" ? "1" : "0") + " is still taken, which is broken [RFC8996]";
    // Between servers it is better than clear text, which the sender would choose instead.
    if (is_for_programs(r))
      out.warn(place, text, "let the server take TLS 1.2 and 1.3 only");
    else
      out.note(place, text, "let the server take TLS 1.2 and 1.3 only");
  }
  if (r.tls_version != "TLSv1.3") out.note(place, "TLS 1.3 is not offered, only " + r.tls_version.substr(0, 16), "turn it on");
}

void judge_sign_in(Findings& out, const PortReport& r) {
  const Offer& offer = r.tls ? r.behind : r.before;
  if (!offer.seen) return;
  const auto place = place_of(r);
  if (r.target.service == Service::imap && r.greeting.starts_with("PREAUTH"))
    out.error(place, "it takes everybody who connects for signed in (PREAUTH)", "turn that off for connections from the network");
  if (is_for_programs(r) && offer.mechanisms.empty() && !offer.clear_login && r.tls)
    out.error(place, "nobody can sign in: no mechanism is offered behind TLS", "turn on sign-in for this port");
  if (!is_for_programs(r) && !offer.mechanisms.empty())
    out.note(place, "programs can sign in on the port that is for other servers",
             "let them use 465 or 587, and turn AUTH off here: it invites guessing");
}

// The worst first; else as they come.
std::vector<Finding> by_level(std::vector<Finding> all) {
  std::vector<Finding> out;
  for (const auto level : {Level::error, Level::warning, Level::note, Level::ok})
    for (auto& f : all)
      if (f.level == level) out.push_back(std::move(f));
  return out;
}

}  // namespace

std::string place_of(const PortReport& r) {
  const bool v6 = r.target.host.find(':') != std::string::npos;
  return (v6 ? '[' + r.target.host + ']' : r.target.host) + ':' + std::to_string(r.target.port);
}

bool would_be_usable(const PortReport& r) {
  const bool as_expected = r.spoke == (r.target.expected == Security::implicit ? Spoke::tls : Spoke::clear);
  return as_expected && r.tls && !r.injected && r.behind.seen && (!r.behind.mechanisms.empty() || r.behind.clear_login);
}

bool is_believed(const PortReport& r) { return r.tls && r.verdict.problem == net::TlsProblem::none; }
bool is_usable(const PortReport& r) { return would_be_usable(r) && is_believed(r); }

void judge_relay(Findings& out, const PortReport& r) {
  if (!r.relays) return;
  if (*r.relays)
    out.error(place_of(r), "it takes mail of anybody for other domains (an open relay): " + in_quotes(r.relay_answer),
              "let it relay for those only who sign in; if it knows this machine as one of its own, look from another");
  else
    out.note(place_of(r), "it does not relay for strangers: " + in_quotes(r.relay_answer));
}

Findings judge_port(const PortReport& r, SysTime now) {
  Findings out;
  if (r.reached != Reached::yes) {
    judge_reach(out, r);
    return out;
  }
  if (r.rejected) {
    out.error(place_of(r), "it refuses to talk to us: " + in_quotes(r.greeting),
              "see whether this address is on a list there, or the server is overloaded");
    return out;
  }
  judge_speech(out, r);
  judge_clear(out, r);
  judge_certificate(out, r, now);
  judge_sign_in(out, r);
  judge_relay(out, r);
  if (r.spoke != Spoke::nothing && !r.trouble.empty()) out.error(place_of(r), r.trouble, "look at the server's log");
  if (r.greeted > std::chrono::seconds(5))
    out.note(place_of(r), "the greeting took " + seconds(r.greeted),
             is_for_programs(r) ? "see whether the server waits for a reverse look-up" : "");
  return out;
}

std::vector<Finding> folded(std::vector<Finding> all) {
  std::vector<Finding> out;
  for (auto& f : all) {
    const auto same =
        std::ranges::find_if(out, [&](const Finding& o) { return o.level == f.level && o.text == f.text && o.advice == f.advice; });
    if (same == out.end()) {
      out.push_back(std::move(f));
      continue;
    }
    // The host is said once: "mail.example.org:465, :993".
    const auto host = f.about.substr(0, f.about.rfind(':') + 1);
    const bool known = !host.empty() && same->about.starts_with(host);
    same->about += ", " + (known ? f.about.substr(host.size() - 1) : f.about);
  }
  return by_level(std::move(out));
}

}  // namespace posthorn::check
