// USER and PASS, AUTH, STLS.
#include <utility>

#include "base/log.h"
#include "server/pop3/reply_for.h"
#include "server/pop3/session.h"
#include "server/pop3/settings.h"
#include "text/base64.h"

namespace posthorn::pop3 {
namespace {

constexpr std::string_view kTlsFirst = "Passwords are not taken here without TLS: use STLS first";

}  // namespace

// [RFC1939 7] Says +OK whoever it is: who exists is not told.
Session::Outcome Session::cmd_user(User& user) {
  if (!context_.may_authenticate()) {  // [RFC2595 2.3]
    err(kTlsFirst);
    count_error();
    co_return Result<void>{};
  }
  user_ = std::move(user.name);
  ok("And the password?");
  co_return Result<void>{};
}

Session::Outcome Session::cmd_pass(Pass& pass) {
  if (!context_.may_authenticate() || !user_) {
    err(user_ ? kTlsFirst : "USER first");
    count_error();
    co_return Result<void>{};
  }
  auth::Credentials credentials{{}, *std::exchange(user_, std::nullopt), std::move(pass.password)};
  co_return co_await sign_in(std::move(credentials));
}

Session::Outcome Session::cmd_apop(Apop&) {
  err("APOP is not offered: it needs passwords stored in plain text");
  count_error();
  co_return Result<void>{};
}

// [RFC5034 4]
Session::Outcome Session::cmd_auth(Auth& auth) {
  if (auth.mechanism.empty()) {  // what clients older than CAPA ask
    ok("Mechanisms:");
    if (context_.may_authenticate())
      for (const auto& mechanism : auth::SaslExchange::mechanisms()) connection_.put(mechanism + "\r\n");
    connection_.put(".\r\n");
    co_return Result<void>{};
  }
  if (!context_.may_authenticate() || !auth::SaslExchange::is_supported(auth.mechanism)) {
    err(context_.may_authenticate() ? "Unknown mechanism" : kTlsFirst);
    count_error();
    co_return Result<void>{};
  }
  user_.reset();
  auto credentials = co_await sasl_exchange(auth);
  if (credentials) co_return co_await sign_in(*std::move(credentials));
  if (credentials.error().code != Errc::syntax) co_return std::unexpected(std::move(credentials).error());
  err(credentials.error().text);
  count_error();
  co_return Result<void>{};
}

// Errc::syntax: for the client; anything else: the connection has ended.
Task<Result<auth::Credentials>> Session::sasl_exchange(const Auth& auth) {
  using Kind = auth::SaslExchange::Step::Kind;
  auth::SaslExchange exchange(auth.mechanism);
  std::string initial;
  if (auth.initial_response) {
    auto decoded = text::base64_decode(*auth.initial_response);
    if (!decoded) co_return fail(Errc::syntax, "That is not base64");
    initial = *std::move(decoded);
  }
  auto step = exchange.start(auth.initial_response ? &initial : nullptr);
  while (step.kind == Kind::challenge) {
    connection_.put("+ " + text::base64_encode(step.challenge) + "\r\n");
    CO_TRY_OK(co_await connection_.flush(deadline()));
    const auto line = co_await connection_.read_line(CommandLimits{}.auth_line, net::LineEnd::any_lf, deadline());
    if (!line && line.error().code == Errc::too_large) co_return fail(Errc::syntax, "Line too long");
    if (!line) co_return std::unexpected(line.error());
    if (*line == "*") co_return fail(Errc::syntax, "As you like");
    const auto response = text::base64_decode(*line);
    if (!response) co_return fail(Errc::syntax, "That is not base64");
    step = exchange.next(*response);
  }
  if (step.kind != Kind::done) co_return fail(Errc::syntax, "That is not what the mechanism asks for");
  co_return std::move(step.credentials);
}

Session::Outcome Session::sign_in(auth::Credentials credentials) {
  auto identity = co_await context_.services.authenticator.verify(std::move(credentials.user), std::move(credentials.password),
                                                                  connection_.peer().ip, std::move(credentials.authorize_as));
  if (!identity) {
    log::warning("pop3.sign_in_failed", {{"session", context_.session_id},
                                         {"peer", connection_.peer().text()},
                                         {"why", to_string(identity.error().code)},
                                         {"error", identity.error()}});
    err(reply_for(identity.error().code));
    count_error();
    co_return Result<void>{};
  }
  auto opened = co_await Maildrop::open(context_.services.store, identity->account);
  if (!opened) {
    log::error("pop3.open_failed",
               {{"session", context_.session_id}, {"account", identity->address}, {"error", opened.error()}});
    err("[SYS/TEMP] Your mail cannot be opened now");
    count_error();
    co_return Result<void>{};
  }
  maildrop_ = *std::move(opened);
  address_ = std::move(identity->address);
  state_ = State::transaction;
  const auto totals = maildrop_->totals();
  log::info("pop3.signed_in", {{"session", context_.session_id},
                               {"peer", connection_.peer().text()},
                               {"account", address_},
                               {"tls", connection_.tls_version()},
                               {"messages", totals.messages}});
  ok(std::to_string(totals.messages) + " messages");
  co_return Result<void>{};
}

// [RFC2595 4]
Session::Outcome Session::cmd_stls(Stls&) {
  const auto tls = context_.services.tls();
  if (connection_.is_tls() || context_.rules.tls != config::TlsMode::starttls || !tls) {
    err(connection_.is_tls() ? "TLS is active already" : "TLS is not offered here");
    count_error();
    co_return Result<void>{};
  }
  ok("Begin");
  CO_TRY_OK(co_await connection_.flush(deadline()));
  CO_TRY_OK(co_await connection_.start_tls(*tls, after(kHandshakeTimeout)));  // throws away what was pipelined in plain text
  user_.reset();
  errors_ = 0;
  co_return Result<void>{};
}

}  // namespace posthorn::pop3
