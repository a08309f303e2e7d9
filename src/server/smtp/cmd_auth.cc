// AUTH [RFC4954]
#include "server/common/sasl_loop.h"
#include "server/common/session_log.h"
#include "server/smtp/metrics.h"
#include "server/smtp/reply_for.h"
#include "server/smtp/session.h"
#include "server/smtp/settings.h"

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
  const auto* mechanism = find_offered_mechanism(context_, auth.mechanism);
  if (!mechanism) co_return refuse(504, {5, 5, 4}, "Unknown authentication mechanism", "AUTH");

  auto outcome = co_await run_sasl(context_, *mechanism, std::move(auth.initial_response),
                                   [this](std::string challenge) { return ask(std::move(challenge)); });
  using Kind = SaslOutcome::Kind;
  switch (outcome.kind) {
    case Kind::signed_in:
      identity_ = std::move(outcome.identity);
      smtp_sign_ins.add();
      session_log::signed_in(context_, "smtp", identity_->address, identity_->account, mechanism->name);
      co_return reply(235, {2, 7, 0}, "Authentication successful");
    case Kind::refused: co_return refuse_sign_in(outcome.user, mechanism->name, outcome.why);
    case Kind::malformed: co_return refuse(reply_for(Errc::syntax, About::sign_in), "AUTH");
    case Kind::too_long: co_return refuse(500, {5, 5, 6}, "Response too long", "AUTH");       // [RFC4954 4]
    case Kind::given_up: co_return refuse(501, {5, 7, 0}, "Authentication cancelled", "AUTH");  // [RFC4954 4]
    case Kind::lost: co_return end_for(outcome.why);
  }
}

void SmtpSession::refuse_sign_in(const std::string& user, std::string_view mechanism, const Error& why) {
  smtp_sign_ins_refused.add();
  session_log::sign_in_refused(context_, "smtp", user, mechanism, why);
  refuse(reply_for(why.code, About::sign_in), "AUTH");
  if (++auth_failures_ >= kMaxAuthFailures.get()) say_goodbye({4, 7, 0}, "Too many attempts", "too many attempts");
}

Task<Result<std::string>> SmtpSession::ask(std::string challenge) {
  reply(334, {}, challenge);
  CO_TRY(const auto line, co_await next_line(kMaxResponse));
  co_return std::string(line);
}

// The parameters of AUTH in the answer to EHLO; empty: it is not offered. [RFC4954 3]
std::string SmtpSession::offered_auth() const {
  std::string out;
  if (is_lmtp() || identity_) return out;  // not where it would be refused; LMTP has local clients, who need none
  for (const auto name : offered_mechanisms(context_)) out.append(" ").append(name);
  return out;
}

}  // namespace posthorn::server
