#include "check/probe.h"

#include "check/dialect.h"
#include "net/connect.h"
#include "net/usual_source.h"

namespace posthorn::check {
namespace {

constexpr int kWaitsOfAConnection = 3;
constexpr std::chrono::milliseconds kFarewell{500};  // what is said to QUIT matters to nobody

// One connection's worth of looking.
class Look {
 public:
  Look(PortReport& report, const ProbeOptions& options, IpAddress address)
      : report_(report), options_(options), address_(address), end_(after(kWaitsOfAConnection * options.timeout)) {}

  Task<bool> connect();
  Task<> in_clear();
  Task<> under_tls();
  // Instead of these: a handshake in an old version, and nothing behind it.  Which one; empty: the server does not want it.
  Task<std::string> old_handshake(Spoke how);
  Task<> close();

 private:
  Talk talk() { return {*connection_, options_.timeout, end_}; }
  Task<bool> greet();
  Task<bool> shake_hands();
  Task<> upgrade();
  Task<> ask_for_relay();
  void complain(const Error& error);
  std::chrono::milliseconds since_start() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start_);
  }

  PortReport& report_;
  const ProbeOptions& options_;
  const IpAddress address_;
  const Deadline end_;
  const Deadline start_ = std::chrono::steady_clock::now();
  std::unique_ptr<Dialect> dialect_ = make_dialect(report_.target.service);
  std::unique_ptr<net::Connection> connection_;
  bool in_step_ = false;  // the server may be told that we leave
};

Task<bool> Look::connect() {
  const auto mapped = options_.port_map.find(report_.target.port);
  const net::Address to{address_.text(), mapped == options_.port_map.end() ? report_.target.port : mapped->second, {}};
  net::Connector connector;
  auto made = co_await connector.connect(to, {}, after(options_.timeout));
  if (made) {
    connection_ = *std::move(made);
    report_.reached = Reached::yes;
    report_.connected = since_start();
    co_return true;
  }
  report_.why_not = made.error().text;
  if (net::usual_source(to).empty())
    report_.reached = Reached::no_way;
  else
    report_.reached = made.error().text.find("refused") != std::string::npos ? Reached::refused : Reached::no_answer;
  co_return false;
}

void Look::complain(const Error& error) {
  if (report_.trouble.empty()) report_.trouble = tamed(error.text);
}

Task<bool> Look::greet() {
  const auto greeting = co_await dialect_->greeting(talk());
  in_step_ = greeting.has_value();
  if (greeting) {
    report_.greeting = *greeting;
    report_.greeted = since_start();
    co_return true;
  }
  if (greeting.error().code == Errc::denied) {
    report_.rejected = true;
    report_.greeting = tamed(greeting.error().text);
  } else {
    complain(greeting.error());
  }
  co_return false;
}

Task<> Look::in_clear() {
  const bool greeted = co_await greet();
  if (greeted || report_.rejected) report_.spoke = Spoke::clear;
  if (!greeted) co_return;
  auto offer = co_await dialect_->offer(talk());
  if (!offer) {
    in_step_ = offer.error().code == Errc::denied;
    complain(offer.error());
    co_return;
  }
  report_.before = *std::move(offer);
  if (report_.before.start_tls)
    co_await upgrade();
  else
    co_await ask_for_relay();
}

// [RFC5321 3.6.1] Who relays for everybody sends everybody's spam.
Task<> Look::ask_for_relay() {
  const bool mail = report_.target.service == Service::smtp || report_.target.service == Service::submission;
  if (options_.relay_to.empty() || !mail) co_return;
  const auto answer = co_await dialect_->offer_relay(talk(), options_.relay_to);
  const bool said = answer || answer.error().code == Errc::denied;
  in_step_ = said;
  if (!said) co_return complain(answer.error());
  report_.relays = answer.has_value();
  report_.relay_answer = answer ? *answer : answer.error().text;
}

Task<> Look::upgrade() {
  const auto ready = co_await dialect_->start_tls(talk());
  if (!ready) {
    in_step_ = ready.error().code == Errc::denied;
    report_.start_tls_trouble = tamed(ready.error().text);
    co_return;
  }
  report_.injected = !connection_->input().empty();
  const bool shaken = co_await shake_hands();
  if (!shaken) co_return;
  auto offer = co_await dialect_->offer(talk());
  in_step_ = offer.has_value();
  if (!offer) co_return complain(offer.error());
  report_.behind = *std::move(offer);
  co_await ask_for_relay();
}

Task<bool> Look::shake_hands() {
  in_step_ = false;
  auto policy = options_.policy(report_.target.host);
  policy.on_mistrust = net::OnMistrust::report;
  const auto done = co_await connection_->start_tls_client(*options_.tls, std::move(policy), std::min(after(options_.timeout), end_));
  report_.verdict = connection_->tls_verdict();
  report_.tls = done.has_value();
  if (!done) co_return false;
  in_step_ = true;
  report_.tls_version = connection_->tls_version();
  report_.tls_cipher = connection_->tls_cipher();
  report_.certificate = connection_->peer_certificate();
  co_return true;
}

Task<> Look::under_tls() {
  const bool shaken = co_await shake_hands();
  if (!shaken) co_return;
  report_.spoke = Spoke::tls;
  const bool greeted = co_await greet();
  if (!greeted) co_return;
  auto offer = co_await dialect_->offer(talk());
  in_step_ = offer.has_value();
  if (!offer) co_return complain(offer.error());
  report_.behind = *std::move(offer);
  co_await ask_for_relay();
}

Task<std::string> Look::old_handshake(Spoke how) {
  if (how == Spoke::clear) {
    const bool greeted = co_await greet();
    if (!greeted) co_return std::string();
    const auto offered = co_await dialect_->offer(talk());  // SMTP wants EHLO first
    if (!offered) co_return std::string();
    const auto ready = co_await dialect_->start_tls(talk());
    if (!ready) co_return std::string();
  }
  in_step_ = false;
  auto nobody = options_.policy(report_.target.host);
  nobody.trust = net::TlsTrust::none;
  const auto done = co_await connection_->start_tls_client(*options_.old_tls, std::move(nobody), std::min(after(options_.timeout), end_));
  co_return done ? connection_->tls_version() : std::string();
}

Task<> Look::close() {
  if (in_step_ && connection_) co_await dialect_->leave({*connection_, std::min(options_.timeout, kFarewell), end_});
  connection_.reset();
}

Task<PortReport> look(PortReport report, const ProbeOptions& options, IpAddress address, Spoke how) {
  Look once(report, options, address);
  const bool connected = co_await once.connect();
  if (connected && how == Spoke::tls) co_await once.under_tls();
  if (connected && how == Spoke::clear) co_await once.in_clear();
  co_await once.close();
  co_return report;
}

// [RFC8996] They must not be offered any more.
Task<> look_for_old_versions(PortReport& report, const ProbeOptions& options, IpAddress address) {
  if (!options.old_tls || !report.tls) co_return;
  PortReport scratch;
  scratch.target = report.target;
  Look once(scratch, options, address);
  const bool connected = co_await once.connect();
  if (!connected) co_return;
  report.old_version = co_await once.old_handshake(report.spoke);
  co_await once.close();
}

}  // namespace

Task<PortReport> probe_port(ProbeTarget target, IpAddress address, ProbeOptions options) {
  PortReport empty;
  empty.address = address.text();
  empty.target = std::move(target);
  const auto usual = empty.target.expected == Security::implicit ? Spoke::tls : Spoke::clear;
  auto first = co_await look(empty, options, address, usual);
  if (first.reached != Reached::yes) co_return first;
  if (first.spoke != Spoke::nothing) {
    co_await look_for_old_versions(first, options, address);
    co_return first;
  }
  // A port that does not speak as its number says may do so the other way: the user should be told, not left with "no answer".
  auto second = co_await look(empty, options, address, usual == Spoke::tls ? Spoke::clear : Spoke::tls);
  const bool spoke = second.spoke != Spoke::nothing;
  co_return spoke ? std::move(second) : std::move(first);
}

}  // namespace posthorn::check
