#include "send_report.h"

#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>

#include "message/content.h"

namespace posthorn {
namespace {

using client::Cause;
using client::RecipientState;
using client::Stage;

int code_of(const smtp::Reply& reply, Stage stage) {
  const int c = reply.code;
  if (stage == Stage::auth && c / 100 == 5) return EX_NOPERM;
  if (c == 530 || c == 534 || c == 535 || c == 538) return EX_NOPERM;  // [RFC4954 6]
  if (c / 100 == 4) return EX_TEMPFAIL;
  if (stage != Stage::rcpt) return EX_UNAVAILABLE;
  // [RFC3463 3.2] X.1.X is about the address; [RFC5321 4.2.3] so are these where no such code is said.
  const bool about_address = reply.enhanced.klass != 0 ? reply.enhanced.subject == 1 : c == 550 || c == 551 || c == 553;
  return about_address ? EX_NOUSER : EX_UNAVAILABLE;
}

int code_of(const client::Failure& f) {
  switch (f.cause) {
    case Cause::refused: return f.reply ? code_of(*f.reply, f.stage) : EX_UNAVAILABLE;
    case Cause::unreachable:
    case Cause::closed:
    case Cause::timed_out:
    case Cause::cancelled: return EX_TEMPFAIL;
    case Cause::bad_reply:
    case Cause::tls_not_offered:
    case Cause::tls_injection:
    case Cause::tls_failed:
    case Cause::server_unproven: return EX_PROTOCOL;
    case Cause::no_mechanism: return EX_NOPERM;
    case Cause::too_large:
    case Cause::no_8bitmime:
    case Cause::no_binarymime:
    case Cause::no_smtputf8:
    case Cause::no_requiretls:
    case Cause::no_deliverby:
    case Cause::no_futurerelease: return EX_UNAVAILABLE;
    case Cause::bad_command: return EX_DATAERR;
    case Cause::source: return EX_IOERR;
  }
  return EX_SOFTWARE;
}

int code_of(const client::RecipientResult& r, const std::optional<client::Failure>& failure) {
  switch (r.state) {
    case RecipientState::accepted: return EX_OK;
    case RecipientState::refused: return r.by_us ? EX_DATAERR : code_of(r.reply, r.stage);
    case RecipientState::not_tried: return failure ? code_of(*failure) : EX_TEMPFAIL;
    case RecipientState::postponed:
    case RecipientState::unknown: return EX_TEMPFAIL;
  }
  return EX_SOFTWARE;
}

int worse(int a, int b) {
  constexpr int kOrder[] = {EX_OK, EX_TEMPFAIL, EX_NOUSER, EX_UNAVAILABLE};  // and behind them all others
  const auto rank = [&](int code) { return std::ranges::find(kOrder, code) - std::begin(kOrder); };
  return rank(a) >= rank(b) ? a : b;
}

std::string reply_text(const smtp::Reply& reply) {
  std::string out = std::to_string(reply.code);
  const auto& e = reply.enhanced;
  if (e.klass != 0) out += ' ' + std::to_string(e.klass) + '.' + std::to_string(e.subject) + '.' + std::to_string(e.detail);
  for (const auto& line : reply.lines) out += ' ' + line;
  return out;
}

std::string place_of(const SendReport& r, const client::Door& door) { return r.host + (door.port == 0 ? "" : ' ' + client::to_string(door)); }

std::string fate_of(const client::RecipientResult& r) {
  switch (r.state) {
    case RecipientState::accepted: return "accepted";
    case RecipientState::refused: return std::string(r.reply.code / 100 == 4 ? "refused for now: " : "refused: ") + reply_text(r.reply);
    case RecipientState::not_tried: return "not sent";
    case RecipientState::postponed: return "not sent: too many recipients for one message";
    case RecipientState::unknown: return "unknown";
  }
  return {};
}

void complain(const std::string& text) { std::fprintf(stderr, "posthorn send: %s\n", printable(text).c_str()); }

void say_doors(const SendOptions& o, const SendReport& r) {
  if (r.opened && o.client.quiet) return;
  for (const auto& one : r.tried) complain(place_of(r, one.door) + ": " + one.failure.text);
  if (r.opened && !r.tried.empty()) complain(place_of(r, r.door) + ": this one works" + (r.tls_version.empty() ? ", in clear text" : ""));
  if (r.no_notices) complain(r.host + " knows no delivery notices: those that were asked for will not come from there");
  if (r.longest_line > message::kLineLimit)
    complain("a line of the message is " + std::to_string(r.longest_line) +
             " octets long, and mail may have 998: servers may break or refuse it");
  if (!r.opened && r.tried.size() > 1) complain("no port of " + r.host + " can be used; nothing was sent");
}

bool any(const SendReport& r, RecipientState state) {
  return std::ranges::any_of(r.results, [&](const auto& one) { return one.state == state; });
}

void say_results(const SendReport& r) {
  if (any(r, RecipientState::unknown))
    complain("the message was sent whole to " + r.host + ", but no answer came (" + (r.failure ? r.failure->text : "") +
             "): it may have been accepted or not, and sending it again may double it");
  else if (r.failure) complain(place_of(r, r.door) + ": " + r.failure->text);
  for (std::size_t i = 0; i < r.results.size(); ++i) {
    const auto& one = r.results[i];
    const bool said_above = one.state == RecipientState::not_tried && r.failure && !any(r, RecipientState::accepted);
    if (one.state != RecipientState::accepted && !said_above) complain(r.recipients[i] + ": " + fate_of(one));
  }
}

void say_success(const SendOptions& o, const SendReport& r) {
  const bool worked = any(r, RecipientState::accepted);
  if (!worked || o.client.quiet || (!o.client.verbose && !::isatty(STDOUT_FILENO))) return;
  const auto taken = std::ranges::count_if(r.results, [](const auto& one) { return one.state == RecipientState::accepted; });
  std::printf("Accepted for %zd recipient%s by %s%s\n", taken, taken == 1 ? "" : "s", printable(place_of(r, r.door)).c_str(),
              r.tls_version.empty() ? ", in clear text" : (", " + r.tls_version).c_str());
}

boost::json::object to_json(const client::RecipientResult& r, const std::string& address) {
  boost::json::object out{{"address", printable(address)}, {"state", client::to_string(r.state)}};
  if (r.reply.code == 0) return out;
  out["stage"] = client::to_string(r.stage);
  out["code"] = r.reply.code;
  out["reply"] = printable(reply_text(r.reply));
  return out;
}

boost::json::object to_json(const client::Failure& f) {
  boost::json::object out{{"stage", client::to_string(f.stage)}, {"cause", client::to_string(f.cause)}, {"text", printable(f.text)}};
  if (f.reply) out["reply"] = printable(reply_text(*f.reply));
  return out;
}

void print_json(const SendReport& r, int exit_code) {
  boost::json::array tried, recipients;
  for (const auto& one : r.tried) {
    auto entry = to_json(one.failure);
    entry["port"] = one.door.port;
    tried.push_back(std::move(entry));
  }
  for (std::size_t i = 0; i < r.results.size(); ++i) recipients.push_back(to_json(r.results[i], r.recipients[i]));
  boost::json::object out{{"ok", exit_code == EX_OK},    {"exit_code", exit_code},        {"server", printable(r.host)},
                          {"attempts", std::move(tried)}, {"recipients", std::move(recipients)}, {"size", r.size}};
  if (r.opened) {
    out["port"] = r.door.port;
    out["tls"] = r.tls_version;
    out["cipher"] = r.tls_cipher;
    out["signed_in_by"] = r.signed_in_by;
    if (r.no_notices) out["no_notices"] = true;
  }
  if (r.longest_line > message::kLineLimit) out["longest_line"] = r.longest_line;
  if (!r.message_id.empty()) out["message_id"] = printable(r.message_id);
  if (r.failure) out["failure"] = to_json(*r.failure);
  std::puts(boost::json::serialize(out).c_str());
}

}  // namespace

int exit_code_of(const SendReport& r) {
  int code = EX_OK;
  if (!r.opened)
    for (const auto& one : r.tried) code = worse(code, code_of(one.failure));
  for (const auto& one : r.results) code = worse(code, code_of(one, r.failure));
  if (r.results.empty() && r.failure) code = worse(code, code_of(*r.failure));
  return code;
}

void say_report(const SendOptions& o, const SendReport& r) {
  if (o.client.json) return print_json(r, exit_code_of(r));
  say_doors(o, r);
  say_results(r);
  say_success(o, r);
}

}  // namespace posthorn
