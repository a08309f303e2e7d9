#include "client/smtp_connection.h"

#include <algorithm>

#include "client/smtp_state.h"
#include "proto/smtp/command_writer.h"

namespace posthorn::client {
namespace {

Failure unreachable(const Error& why) {
  const Cause cause = why.code == Errc::timed_out   ? Cause::timed_out
                      : why.code == Errc::cancelled ? Cause::cancelled
                      : why.code == Errc::invalid   ? Cause::bad_command
                                                    : Cause::unreachable;
  return {.stage = Stage::connect, .cause = cause, .reply = {}, .tls = {}, .text = why.text};
}

// QUIT, for a server that may still listen; its answer is not waited for.
Task<> part(SmtpState& s) {
  if (s.channel->is_open()) {
    s.channel->put("QUIT\r\n");
    (void)co_await s.channel->flush(Stage::quit, s.options.timeouts.quit);
  }
  s.channel->close();
}

}  // namespace

SmtpConnection::SmtpConnection(SmtpOptions options) : state_(std::make_unique<SmtpState>(std::move(options))) {
  CHECK(state_->options.tls == TlsMode::none || state_->options.tls_context);
}

SmtpConnection::~SmtpConnection() = default;

Task<std::expected<void, Failure>> SmtpConnection::open(net::Address to, std::string source_address) {
  auto& s = *state_;
  s.opening_ends = after(s.options.timeouts.opening);
  auto made = co_await s.connector.connect(to, source_address, std::min(*s.opening_ends, after(s.options.timeouts.connect)));
  if (!made) {
    if (s.options.transcript) s.options.transcript({.kind = TranscriptLine::Kind::note, .when = now(), .text = made.error().text});
    co_return std::unexpected(unreachable(made.error()));
  }
  co_return co_await open(*std::move(made));
}

Task<std::expected<void, Failure>> SmtpConnection::open(std::unique_ptr<net::Connection> connection) {
  auto& s = *state_;
  CHECK(!s.channel);
  s.channel = std::make_unique<SmtpChannel>(std::move(connection), s.options);
  if (s.stopping) s.channel->abandon();
  s.channel->set_deadline(s.opening_ends.value_or(after(s.options.timeouts.opening)));
  s.channel->note("connected to " + s.channel->peer().text());
  auto opened = co_await open_session(s);
  if (opened) co_return opened;
  s.channel->note(opened.error().text);
  // After these nobody knows what the other side is.
  const auto cause = opened.error().cause;
  if (cause == Cause::tls_injection || cause == Cause::server_unproven) s.channel->close();
  else co_await part(s);
  co_return opened;
}

Task<TransactionResult> SmtpConnection::send(MessageToSend message) {
  CHECK(is_usable() && !message.recipients.empty() && message.source);
  co_return co_await run_transaction(*state_, std::move(message));
}

bool SmtpConnection::is_usable() const {
  const auto& s = *state_;
  if (!s.channel || !s.channel->is_open()) return false;
  return !s.extensions.mail_max || s.transactions < *s.extensions.mail_max;
}

bool SmtpConnection::is_alive() {
  auto& s = *state_;
  if (!s.channel || !s.channel->is_open()) return false;
  if (s.channel->check_silence(Stage::noop)) return true;
  s.channel->close();
  return false;
}

Task<std::expected<void, Failure>> SmtpConnection::check() {
  auto& s = *state_;
  if (!s.channel)
    co_return std::unexpected(Failure{.stage = Stage::noop, .cause = Cause::closed, .reply = {}, .tls = {}, .text = "not connected"});
  s.channel->set_deadline(kNoDeadline);
  CO_TRY(auto reply, co_await s.channel->ask(Stage::noop, "NOOP\r\n", s.options.timeouts.reset));
  if (reply.code / 100 == 2) co_return Outcome<>{};
  s.channel->close();
  co_return std::unexpected(s.channel->refusal(Stage::noop, std::move(reply)));
}

Task<> SmtpConnection::quit() {
  auto& s = *state_;
  if (!s.channel) co_return;
  s.channel->set_deadline(kNoDeadline);
  if (s.channel->is_open()) (void)co_await s.channel->ask(Stage::quit, "QUIT\r\n", s.options.timeouts.quit);
  s.channel->close();
}

void SmtpConnection::shut_down() {
  state_->stopping = true;
  state_->connector.cancel();
  if (state_->channel) state_->channel->shut_down();
}

void SmtpConnection::abandon() {
  state_->stopping = true;
  state_->connector.cancel();
  if (state_->channel) state_->channel->abandon();
}

const smtp::Extensions& SmtpConnection::extensions() const { return state_->extensions; }
const TlsState& SmtpConnection::tls() const { return state_->tls; }
const smtp::Reply& SmtpConnection::greeting() const { return state_->greeting; }
const std::string& SmtpConnection::signed_in_by() const { return state_->signed_in_by; }
net::Peer SmtpConnection::peer() const { return state_->channel ? state_->channel->peer() : net::Peer(); }
std::uint64_t SmtpConnection::transactions() const { return state_->transactions; }

}  // namespace posthorn::client
