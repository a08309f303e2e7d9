// AUTH [RFC4954]
#include "auth/sasl.h"
#include "base/log.h"
#include "server/smtp/metrics.h"
#include "server/smtp/reply_for.h"
#include "server/smtp/session.h"
#include "server/smtp/settings.h"
#include "text/base64.h"

namespace posthorn::server {
namespace {

constexpr std::size_t kMaxResponse = 12288;  // [RFC4954 4]

}  // namespace

Task<> SmtpSession::cmd_auth(smtp::Command& command) {
  auto& auth = std::get<smtp::Auth>(command);
  if (is_lmtp()) co_return refuse(502, {5, 5, 1}, "No AUTH here", "AUTH");
  if (identity_) co_return refuse(503, {5, 5, 1}, "Already authenticated", "AUTH");  // [RFC4954 4]
  if (!context_.may_authenticate())
    co_return refuse(538, {5, 7, 11}, "Encryption required, issue a STARTTLS command first", "AUTH");
  if (!auth::SaslExchange::is_supported(auth.mechanism))
    co_return refuse(504, {5, 5, 4}, "Unknown authentication mechanism", "AUTH");

  auto credentials = co_await ask_credentials(std::move(auth));
  if (!credentials) {
    switch (credentials.error().code) {
      case Errc::syntax: refuse(reply_for(Errc::syntax, About::sign_in), "AUTH"); break;
      case Errc::too_large: refuse(500, {5, 5, 6}, "Response too long", "AUTH"); break;  // [RFC4954 4]
      case Errc::denied: refuse(501, {5, 7, 0}, "Authentication cancelled", "AUTH"); break;
      default: end_for(credentials.error());
    }
    co_return;
  }
  auto user = credentials->user;
  auto identity = co_await context_.services.authenticator.verify(
      std::move(credentials->user), std::move(credentials->password), connection_.peer().ip,
      std::move(credentials->authorize_as));
  if (identity) {
    identity_ = *std::move(identity);
    smtp_sign_ins.add();
    log::info("smtp.signed_in", {{"session", context_.session_id}, {"account", identity_->address}});
    co_return reply(235, {2, 7, 0}, "Authentication successful");
  }
  smtp_sign_ins_refused.add();
  log::info("smtp.sign_in_refused", {{"session", context_.session_id},
                                     {"user", user},
                                     {"peer", connection_.peer().text()},
                                     {"error", to_string(identity.error().code)}});
  refuse(reply_for(identity.error().code, About::sign_in), "AUTH");
  if (++auth_failures_ >= kMaxAuthFailures.get()) say_goodbye({4, 7, 0}, "Too many attempts", "too many attempts");
}

// Errors: syntax: no base64, or not what the mechanism says; denied: the client gave up; too_large; those of the connection.
Task<Result<auth::Credentials>> SmtpSession::ask_credentials(smtp::Auth command) {
  auth::SaslExchange exchange(command.mechanism);
  std::optional<std::string> initial;
  if (command.initial_response) {
    CO_TRY(initial, text::base64_decode(*command.initial_response));
  }
  auto step = exchange.start(initial ? &*initial : nullptr);
  while (step.kind == auth::SaslExchange::Step::Kind::challenge) {
    CO_TRY(auto response, co_await ask(std::move(step.challenge)));
    step = exchange.next(response);
  }
  if (step.kind == auth::SaslExchange::Step::Kind::failed) co_return fail(Errc::syntax, "malformed response");
  co_return std::move(step.credentials);
}

Task<Result<std::string>> SmtpSession::ask(std::string challenge) {
  reply(334, {}, text::base64_encode(challenge));
  CO_TRY(auto line, co_await next_line(kMaxResponse));
  if (line == "*") co_return fail(Errc::denied, "cancelled");
  co_return text::base64_decode(line);
}

}  // namespace posthorn::server
