#include "server/smtp/session.h"

#include <exception>
#include <variant>

#include "base/log.h"
#include "server/common/session_log.h"
#include "server/smtp/commands.h"
#include "server/smtp/metrics.h"
#include "server/smtp/settings.h"
#include "server/smtp/smtp_session.h"

namespace posthorn::server {
namespace {

constexpr std::size_t kMaxLine = 12288;  // [RFC4954 4]; the parser has the lower limits of the other commands

constexpr auto in(auto... states) { return static_cast<std::uint8_t>((... | (1u << static_cast<unsigned>(states)))); }
constexpr std::uint8_t kAnywhere = 0xff;

}  // namespace

// In the order of smtp::Command's alternatives.
const SmtpSession::Entry SmtpSession::kCommands[] = {
    {"EHLO", kAnywhere, &SmtpSession::cmd_hello},
    {"HELO", kAnywhere, &SmtpSession::cmd_hello},
    {"LHLO", kAnywhere, &SmtpSession::cmd_hello},
    {"MAIL", in(State::greeted), &SmtpSession::cmd_mail},
    {"RCPT", in(State::mail), &SmtpSession::cmd_rcpt},
    {"DATA", in(State::mail), &SmtpSession::cmd_data},
    {"BDAT", kAnywhere, &SmtpSession::cmd_bdat},  // it must always swallow its chunk
    {"RSET", kAnywhere, &SmtpSession::cmd_rset},
    {"NOOP", kAnywhere, &SmtpSession::cmd_noop},
    {"QUIT", kAnywhere, &SmtpSession::cmd_quit},
    {"VRFY", kAnywhere, &SmtpSession::cmd_vrfy},
    {"EXPN", kAnywhere, &SmtpSession::cmd_expn},
    {"HELP", kAnywhere, &SmtpSession::cmd_help},
    {"STARTTLS", in(State::greeted, State::mail, State::chunks, State::chunks_refused), &SmtpSession::cmd_starttls},
    {"AUTH", in(State::greeted), &SmtpSession::cmd_auth},  // [RFC4954 4] not in a transaction
    {"ETRN", in(State::greeted), &SmtpSession::cmd_etrn},  // [RFC1985 5] not in a transaction
    {"XCLIENT", in(State::connected, State::greeted), &SmtpSession::cmd_xclient},
    {"XFORWARD", in(State::greeted), &SmtpSession::cmd_xforward},
    {"", kAnywhere, &SmtpSession::cmd_unknown},
};

SmtpSession::SmtpSession(SessionContext context) : context_(std::move(context)), connection_(context_.connection), first_peer_(connection_.peer()) {
  static_assert(std::size(kCommands) == std::variant_size_v<smtp::Command>);
}

Task<> SmtpSession::run() {
  const GaugeHold open(smtp_connections);
  may_xclient_ = trusts(kXClientNetworks);
  may_xforward_ = trusts(kXForwardNetworks);
  look_up_trust();
  session_log::connected(context_, "smtp");
  auto ready = co_await begin();
  if (ready) co_await run_commands();
  else end_for_tls(ready.error());
  message_.reset();
  if (!connection_.output().empty()) {
    auto sent = co_await connection_.flush(after(kHandshakeTimeout.get()));
    if (!sent) connection_.output().clear();
  }
  session_log::closed(context_, "smtp", {.reason = end_reason_,
                                         .user = identity_ ? std::string_view(identity_->address) : std::string_view(),
                                         .commands = commands_,
                                         .figure = log::Field{"messages", messages_}});
}

// TLS where the listener begins with it [RFC8314 3.3], then the greeting.
Task<Result<void>> SmtpSession::begin() {
  if (context_.rules.tls == config::TlsMode::implicit) {
    const auto tls = context_.services.tls ? context_.services.tls() : nullptr;
    if (!tls) co_return fail(Errc::unsupported, "no TLS certificate");
    // A client that does not speak TLS hears nothing it could understand: it is dropped.
    CO_TRY_OK(co_await connection_.start_tls(*tls, after(kHandshakeTimeout.get())));
  }
  greet();
  co_return Result<void>{};
}

void SmtpSession::greet() {
  std::string greeting(hostname());
  greeting += is_lmtp() ? " LMTP Posthorn" : " ESMTP Posthorn";
  reply(220, {}, greeting);
}

Task<> SmtpSession::run_commands() {
  while (state_ != State::ended) {
    auto line = co_await next_line(kMaxLine);
    if (!line && line.error().code == Errc::too_large) {
      // [RFC5321 4.5.3.1.4] The rest of it has been thrown away.
      refuse(500, {5, 5, 2}, "Line too long", "line too long");
    } else if (!line) {
      co_return end_for(line.error());
    } else {
      co_await run_line(*line);
    }
    if (state_ == State::ended) co_return;
    auto sent = co_await connection_.flush_if_large(after(kCommandTimeout.get()));
    if (!sent) co_return end_for(sent.error());
  }
}

Task<Result<std::string_view>> SmtpSession::next_line(std::size_t limit) {
  const auto deadline = after(kCommandTimeout.get());
  if (!connection_.output().empty() && connection_.input().find("\r\n") == std::string_view::npos)
    CO_TRY_OK(co_await connection_.flush(deadline));
  co_return co_await connection_.read_line(limit, net::LineEnd::crlf, deadline);
}

Task<> SmtpSession::run_line(std::string_view line) {
  auto command = smtp::parse_command(line, {.limits = {}, .transaction_is_utf8 = mail_.smtp_utf8});
  if (!command) {
    const auto& error = command.error();
    refuse(error.reply, "syntax");
    // Nobody knows where the next command begins.
    if (error.desynchronised) say_goodbye({5, 5, 2}, "Cannot follow you any further", "lost in BDAT");
    co_return;
  }
  ++commands_;
  const Entry& entry = kCommands[command->index()];
  if (!(entry.states & in(state_))) {
    const bool no_hello = state_ == State::connected;
    refuse(503, {5, 5, 1}, no_hello ? (is_lmtp() ? "Say LHLO first" : "Say EHLO first")
                                    : std::string(entry.verb) + " does not belong here",
           entry.verb);
    co_return;
  }
  co_await (this->*entry.handler)(*command);
}

void SmtpSession::reply(const smtp::Reply& r) { smtp::put_reply(connection_.output(), r); }

void SmtpSession::reply(int code, smtp::EnhancedCode enhanced, std::string_view text) {
  smtp::put_reply(connection_.output(), code, enhanced, text);
}

void SmtpSession::refuse(int code, smtp::EnhancedCode enhanced, std::string text, std::string_view what) {
  refuse(smtp::Reply(code, enhanced, std::move(text)), what);
}

void SmtpSession::refuse(const smtp::Reply& r, std::string_view what) {
  if (state_ == State::ended) return;
  reply(r);
  log::info("smtp.refused", {{"session", context_.session_id},
                             {"what", what},
                             {"code", r.code},
                             {"text", r.lines.empty() ? std::string_view() : std::string_view(r.lines[0])}});
  if (r.code == 421) {
    state_ = State::ended;
    end_reason_ = "refused";
  } else {
    count_error();
  }
}

void SmtpSession::count_error() {
  if (++errors_ >= kMaxErrors.get()) say_goodbye({4, 7, 0}, "Too many errors", "too many errors");
}

void SmtpSession::say_goodbye(smtp::EnhancedCode enhanced, std::string_view text, std::string_view reason) {
  if (state_ == State::ended) return;
  // [RFC5321 3.8] 421 may be the answer to any command.
  reply(421, enhanced, std::string(hostname()) + ' ' + std::string(text) + ", closing connection");
  state_ = State::ended;
  end_reason_ = reason;
}

void SmtpSession::end_for_tls(const Error& error) {
  log::info("smtp.tls_failed", {{"session", context_.session_id}, {"error", error}});
  connection_.output().clear();  // no words: the stream is neither plain nor TLS
  state_ = State::ended;
  end_reason_ = "TLS handshake failed";
}

void SmtpSession::end_for(const Error& error) {
  if (state_ == State::ended) return;
  switch (error.code) {
    case Errc::timed_out: say_goodbye({4, 4, 2}, "Timeout", "timeout"); break;  // [RFC5321 4.5.3.2]
    case Errc::cancelled: say_goodbye({4, 3, 2}, "Shutting down", "shutdown"); break;
    case Errc::closed: end_reason_ = "closed by the client"; break;
    default:
      end_reason_ = "connection failed";
      log::info("smtp.connection_failed", {{"session", context_.session_id}, {"error", error}});
  }
  state_ = State::ended;
}

void SmtpSession::reset_transaction() {
  if (state_ == State::ended) return;
  if (state_ != State::connected) state_ = State::greeted;
  if (message_) message_.reset();
  mail_ = {};
  envelope_ = {};
  targets_in_envelope_ = 0;
  forwarded_.clear();
  recipients_refused_ = 0;
  chunk_newlines_ = {};
}

Task<> run_smtp_session(SessionContext context) {
  const auto id = context.session_id;
  try {
    SmtpSession session(std::move(context));
    co_await session.run();
  } catch (const std::exception& e) {  // of a library: we do not throw
    log::error("smtp.exception", {{"session", id}, {"error", e.what()}});
  }
}

}  // namespace posthorn::server
