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
  Task<> close();

 private:
  Talk talk() { return {*connection_, options_.timeout, end_}; }
  Task<bool> greet();
  Task<bool> shake_hands();
  Task<> upgrade();
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
  if (report_.before.start_tls) co_await upgrade();
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
  if (offer)
    report_.behind = *std::move(offer);
  else
    complain(offer.error());
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
  if (offer)
    report_.behind = *std::move(offer);
  else
    complain(offer.error());
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

}  // namespace

Task<PortReport> probe_port(ProbeTarget target, IpAddress address, ProbeOptions options) {
  PortReport empty;
  empty.address = address.text();
  empty.target = std::move(target);
  const auto usual = empty.target.expected == Security::implicit ? Spoke::tls : Spoke::clear;
  auto first = co_await look(empty, options, address, usual);
  if (first.reached != Reached::yes || first.spoke != Spoke::nothing) co_return first;
  // A port that does not speak as its number says may do so the other way: the user should be told, not left with "no answer".
  auto second = co_await look(empty, options, address, usual == Spoke::tls ? Spoke::clear : Spoke::tls);
  const bool spoke = second.spoke != Spoke::nothing;
  co_return spoke ? std::move(second) : std::move(first);
}

}  // namespace posthorn::check
