// STARTTLS [RFC3501 6.2.1], AUTHENTICATE [RFC3501 6.2.2] [RFC4959], LOGIN [RFC3501 6.2.3].
#include <utility>

#include "base/log.h"
#include "config/core_settings.h"
#include "proto/imap/writer.h"
#include "server/common/sasl_loop.h"
#include "server/common/session_log.h"
#include "server/imap/imap_settings.h"
#include "server/imap/session.h"

namespace posthorn::imap {
namespace {

ReaderLimits limits_for_users() {
  // A refused APPEND with LITERAL+ is read over as far as a message may be long.
  return {.skip = static_cast<std::uint64_t>(config::kMaxMessageSize.get()) + (1 << 20)};
}

Reply needs_tls() { return no("Start TLS first", "PRIVACYREQUIRED"); }

}  // namespace

Task<Result<Reply>> Session::cmd_starttls(Command& command) {
  if (connection().is_tls()) co_return bad("TLS is active already");
  const auto tls = context_.rules.tls == config::TlsMode::starttls ? context_.services.tls() : nullptr;
  if (!tls) co_return bad("STARTTLS is not offered here");
  finish(command.tag, ok("Begin TLS now"));
  CO_TRY_OK(co_await flush());
  // Plaintext that was pipelined behind the command is thrown away in there [RFC3501 11.1].
  auto done = co_await connection().start_tls(*tls, after(kLoginTimeout.get()));
  if (!done) {
    log::info("imap.tls_failed", {{"session", context_.session_id}, {"peer", connection().peer().text()}, {"error", done.error()}});
    end_reason_ = "tls_failed";
    lost_ = true;
    state_ = State::logout;
  }
  Reply reply;
  reply.sent = true;
  co_return reply;
}

Task<Result<Reply>> Session::cmd_login(Command& command) {
  auto& login = std::get<Login>(command.command);
  if (!context_.may_authenticate()) co_return needs_tls();
  if (!context_.takes_passwords()) co_return no("Use AUTHENTICATE with a mechanism of SCRAM", "CANNOT");
  const auto user = login.user;
  auto identity = co_await context_.services.authenticator.verify(std::move(login.user), std::move(login.password), connection().peer().ip);
  if (!identity) co_return refuse_sign_in(user, "LOGIN", std::move(identity).error());
  co_return co_await sign_in(*std::move(identity), "LOGIN");
}

// The client's answer is one line that is no command.
Task<Result<std::string>> Session::ask(std::string challenge) {
  Writer(output()).continuation(challenge);
  reader_.expect_line();
  while (true) {
    auto input = connection().input();
    const auto before = input.size();
    const auto event = input.empty() ? CommandReader::Event::need_more : reader_.feed(input);
    std::string line;
    if (event == CommandReader::Event::line) line = reader_.command();
    connection().consume(before - input.size());
    if (event == CommandReader::Event::line) co_return line;
    if (event != CommandReader::Event::need_more) co_return fail(Errc::too_large, "line too long");
    if (!connection().input().empty()) continue;
    CO_TRY_OK(co_await flush());
    CO_TRY_OK(co_await read_more(deadline_));
  }
}

Task<Result<Reply>> Session::cmd_authenticate(Command& command) {
  auto& request = std::get<Authenticate>(command.command);
  if (!auth::find_mechanism(request.mechanism) || !offers("AUTH=" + request.mechanism)) co_return no("No such mechanism", "CANNOT");
  if (!context_.may_authenticate()) co_return needs_tls();
  const auto* mechanism = server::find_offered_mechanism(context_, request.mechanism);
  if (!mechanism) co_return no("That mechanism needs TLS", "CANNOT");
  auto outcome = co_await server::run_sasl(context_, *mechanism, std::move(request.initial_response),
                                           [this](std::string challenge) { return ask(std::move(challenge)); });
  using Kind = server::SaslOutcome::Kind;
  switch (outcome.kind) {
    case Kind::signed_in: break;
    case Kind::refused: co_return refuse_sign_in(outcome.user, mechanism->name, std::move(outcome.why));
    case Kind::malformed: co_return bad("Invalid response for this mechanism");
    case Kind::too_long: co_return bad("Line too long");
    case Kind::given_up: co_return bad("AUTHENTICATE cancelled");  // [RFC3501 6.2.2]
    case Kind::lost: co_return std::unexpected(std::move(outcome.why));
  }
  co_return co_await sign_in(std::move(outcome.identity), mechanism->name);
}

Result<Reply> Session::refuse_sign_in(std::string_view user, std::string_view how, Error why) {
  login_failures.add();
  server::session_log::sign_in_refused(context_, "imap", user, how, why);
  count_bad();
  if (why.code == Errc::denied && why.text == auth::kNotForAnother) return no("You may not act for that user", "AUTHORIZATIONFAILED");
  if (why.code == Errc::denied) return no("Wrong user or password", "AUTHENTICATIONFAILED");
  return std::unexpected(std::move(why));
}

// `how` is a literal, or a mechanism's name.
Task<Result<Reply>> Session::sign_in(auth::Identity identity, std::string_view how) {
  CO_TRY(account_, co_await context_.services.store.account(identity.account));
  user_ = std::move(identity.address);
  state_ = State::authenticated;
  reader_.set_limits(limits_for_users());
  logins.add();
  server::session_log::signed_in(context_, "imap", user_, identity.account, how);
  co_return ok("Signed in", "CAPABILITY " + capabilities());
}

}  // namespace posthorn::imap
