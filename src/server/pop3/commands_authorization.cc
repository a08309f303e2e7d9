// USER and PASS, AUTH, STLS.
#include <utility>

#include "base/log.h"
#include "server/common/sasl_loop.h"
#include "server/pop3/reply_for.h"
#include "server/pop3/session.h"
#include "server/pop3/settings.h"

namespace posthorn::pop3 {
namespace {

constexpr std::string_view kTlsFirst = "Passwords are not taken here without TLS: use STLS first";

}  // namespace

// [RFC1939 7] Says +OK whoever it is: who exists is not told.
Session::Outcome Session::cmd_user(User& user) {
  if (!context_.takes_passwords()) co_return co_await refuse(no_passwords());  // [RFC2595 2.3]
  user_ = std::move(user.name);
  ok("And the password?");
  co_return Result<void>{};
}

Session::Outcome Session::cmd_pass(Pass& pass) {
  if (!context_.takes_passwords()) co_return co_await refuse(no_passwords());
  if (!user_) co_return co_await refuse("USER first");
  auto user = *std::exchange(user_, std::nullopt);
  auto identity = co_await context_.services.authenticator.verify(std::move(user), std::move(pass.password), connection_.peer().ip);
  if (identity) co_return co_await sign_in(*std::move(identity), "PASS");
  refuse_sign_in(identity.error());
  co_return Result<void>{};
}

Session::Outcome Session::cmd_apop(Apop&) {
  co_return co_await refuse("APOP is not offered: it needs passwords stored in plain text");
}

// [RFC5034 4]
Session::Outcome Session::cmd_auth(Auth& auth) {
  if (auth.mechanism.empty()) {  // what clients older than CAPA ask
    ok("Mechanisms:");
    for (const auto name : server::offered_mechanisms(context_)) connection_.output().append(name).append("\r\n");
    connection_.put(".\r\n");
    co_return Result<void>{};
  }
  if (!context_.may_authenticate()) co_return co_await refuse(kTlsFirst);
  const auto* mechanism = server::find_offered_mechanism(context_, auth.mechanism);
  if (!mechanism) co_return co_await refuse("Unknown mechanism");
  user_.reset();
  auto outcome = co_await server::run_sasl(context_, *mechanism, std::move(auth.initial_response),
                                           [this](std::string challenge) { return ask(std::move(challenge)); });
  using Kind = server::SaslOutcome::Kind;
  switch (outcome.kind) {
    case Kind::signed_in: co_return co_await sign_in(std::move(outcome.identity), mechanism->name);
    case Kind::refused: refuse_sign_in(outcome.why); break;
    case Kind::malformed: co_return co_await refuse("That is not what the mechanism asks for");
    case Kind::too_long: co_return co_await refuse("Line too long");
    case Kind::given_up: co_return co_await refuse("As you like");
    case Kind::lost: co_return std::unexpected(std::move(outcome.why));
  }
  co_return Result<void>{};
}

Task<Result<std::string>> Session::ask(std::string challenge) {
  connection_.put("+ " + challenge + "\r\n");
  CO_TRY_OK(co_await connection_.flush(deadline()));
  CO_TRY(const auto line, co_await connection_.read_line(CommandLimits{}.auth_line, net::LineEnd::any_lf, deadline()));
  co_return std::string(line);
}

// `no_passwords()` and literals.
Session::Outcome Session::refuse(std::string_view text) {
  err(text);
  count_error();
  co_return Result<void>{};
}

std::string_view Session::no_passwords() const {
  return context_.may_authenticate() ? "Passwords are not taken here: use AUTH with a mechanism of SCRAM" : kTlsFirst;
}

void Session::refuse_sign_in(const Error& why) {
  log::warning("pop3.sign_in_failed", {{"session", context_.session_id},
                                       {"peer", connection_.peer().text()},
                                       {"why", to_string(why.code)},
                                       {"error", why}});
  err(reply_for(why.code));
  count_error();
}

// `how` is a literal, or a mechanism's name.
Session::Outcome Session::sign_in(auth::Identity identity, std::string_view how) {
  auto opened = co_await Maildrop::open(context_.services.store, identity.account);
  if (!opened) {
    log::error("pop3.open_failed",
               {{"session", context_.session_id}, {"account", identity.address}, {"error", opened.error()}});
    co_return co_await refuse("[SYS/TEMP] Your mail cannot be opened now");
  }
  maildrop_ = *std::move(opened);
  address_ = std::move(identity.address);
  state_ = State::transaction;
  const auto totals = maildrop_->totals();
  log::info("pop3.signed_in", {{"session", context_.session_id},
                               {"peer", connection_.peer().text()},
                               {"account", address_},
                               {"mechanism", how},
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
