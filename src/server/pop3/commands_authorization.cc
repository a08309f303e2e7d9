// USER and PASS, APOP, AUTH, STLS, UTF8.
#include <utility>

#include "base/log.h"
#include "server/common/sasl_loop.h"
#include "server/common/session_log.h"
#include "server/pop3/reply_for.h"
#include "server/pop3/session.h"
#include "server/pop3/settings.h"
#include "text/ascii.h"
#include "text/saslprep.h"

namespace posthorn::pop3 {
namespace {

// [RFC6856 2.2] What is not ASCII must be UTF-8 without the characters that SASLprep prohibits.
bool may_be_name_or_password(std::string_view s) { return text::is_ascii(s) || text::saslprep(s).has_value(); }

}  // namespace

// [RFC1939 7] Says +OK whoever it is: who exists is not told.
Session::Outcome Session::cmd_user(User& user) {
  if (!context_.takes_passwords()) co_return co_await refuse(no_passwords());  // [RFC2595 2.3]
  if (!may_be_name_or_password(user.name)) co_return co_await refuse(Text::not_utf8);
  user_ = std::move(user.name);
  ok(Text::password_please);
  co_return Result<void>{};
}

Session::Outcome Session::cmd_pass(Pass& pass) {
  if (!context_.takes_passwords()) co_return co_await refuse(no_passwords());
  if (!user_) co_return co_await refuse(Text::user_first);
  auto user = *std::exchange(user_, std::nullopt);
  if (!may_be_name_or_password(pass.password)) co_return co_await refuse(Text::not_utf8);
  auto identity = co_await context_.services.authenticator.verify(user, std::move(pass.password), connection_.peer().ip);
  if (identity) co_return co_await sign_in(*std::move(identity), "PASS");
  refuse_sign_in(user, "PASS", identity.error());
  co_return Result<void>{};
}

// [RFC1939 7] As little as a password is it taken without TLS: whoever reads it can guess the secret at leisure.
Session::Outcome Session::cmd_apop(Apop& apop) {
  if (timestamp_.empty()) co_return co_await refuse(Text::apop_not_offered);
  if (!context_.may_authenticate()) co_return co_await refuse(Text::tls_first);
  if (!may_be_name_or_password(apop.name)) co_return co_await refuse(Text::not_utf8);
  user_.reset();
  auto identity = co_await context_.services.authenticator.verify_apop(apop.name, timestamp_, std::move(apop.digest), connection_.peer().ip);
  if (identity) co_return co_await sign_in(*std::move(identity), "APOP");
  refuse_sign_in(apop.name, "APOP", identity.error());
  co_return Result<void>{};
}

// [RFC5034 4]
Session::Outcome Session::cmd_auth(Auth& auth) {
  if (auth.mechanism.empty()) {  // what clients older than CAPA ask
    ok(Text::mechanisms);
    for (const auto name : server::offered_mechanisms(context_)) connection_.output().append(name).append("\r\n");
    connection_.put(".\r\n");
    co_return Result<void>{};
  }
  if (!context_.may_authenticate()) co_return co_await refuse(Text::tls_first);
  const auto* mechanism = server::find_offered_mechanism(context_, auth.mechanism);
  if (!mechanism) co_return co_await refuse(Text::unknown_mechanism);
  user_.reset();
  auto outcome = co_await server::run_sasl(context_, *mechanism, std::move(auth.initial_response),
                                           [this](std::string challenge) { return ask(std::move(challenge)); });
  using Kind = server::SaslOutcome::Kind;
  switch (outcome.kind) {
    case Kind::signed_in: co_return co_await sign_in(std::move(outcome.identity), mechanism->name);
    case Kind::refused: refuse_sign_in(outcome.user, mechanism->name, outcome.why); break;
    case Kind::malformed: co_return co_await refuse(Text::bad_response);
    case Kind::too_long: co_return co_await refuse(Text::line_too_long);
    case Kind::given_up: co_return co_await refuse(Text::given_up);
    case Kind::lost: co_return std::unexpected(std::move(outcome.why));
  }
  co_return Result<void>{};
}

Task<Result<std::string>> Session::ask(std::string challenge) {
  connection_.put("+ " + challenge + "\r\n");
  CO_TRY_OK(co_await connection_.flush(send_deadline()));
  const auto line = co_await connection_.read_line(CommandLimits{}.auth_line, net::LineEnd::any_lf, deadline());
  if (line) co_return std::string(*line);
  if (line.error().code != Errc::too_large) co_return lost(line.error());
  co_return std::unexpected(line.error());
}

Session::Outcome Session::refuse(Text text) { co_return co_await refuse(Reply{"", text}); }

Session::Outcome Session::refuse(Reply reply) {
  err(reply);
  count_error();
  co_return Result<void>{};
}

Text Session::no_passwords() const { return context_.may_authenticate() ? Text::use_scram : Text::tls_first; }

void Session::refuse_sign_in(std::string_view user, std::string_view mechanism, const Error& why) {
  server::session_log::sign_in_refused(context_, "pop3", user, mechanism, why);
  err(reply_for(why.code));
  count_error();
}

Session::Outcome Session::refuse_to_open(Reply reply, const auth::Identity& identity, const Error& why) {
  lock_.reset();
  forget_sign_in(context_.services.store, identity.account);
  log::warning("pop3.not_opened", {{"session", context_.session_id}, {"user", identity.address}, {"error", why}});
  err(reply);
  count_error();
  co_return Result<void>{};
}

// `how` is a literal, or a mechanism's name.
Session::Outcome Session::sign_in(auth::Identity identity, std::string_view how) {
  auto& services = context_.services;
  const auto wait = claim_sign_in(services.store, identity.account, kLoginDelay.get());
  if (wait.count() > 0) {  // [RFC2449 8.1.1]
    err(Reply{"[LOGIN-DELAY]", Text::login_delay}, std::to_string(wait.count()));
    count_error();
    co_return Result<void>{};
  }
  const auto record = co_await services.directory.find_account(identity.address);
  if (!record) co_return co_await refuse_to_open({"[SYS/TEMP]", Text::cannot_open}, identity, record.error());
  auto rules = MaildropRules::of(*record);
  if (rules.exclusive) {
    auto lock = MaildropLock::try_take(services.store, identity.account);
    if (!lock) {  // [RFC2449 8.1.2]
      const Error why{Errc::busy, "another session has it"};
      co_return co_await refuse_to_open({"[IN-USE]", Text::in_use}, identity, why);
    }
    lock_.emplace(*std::move(lock));
  }
  auto opened = co_await Maildrop::open(services.store, identity.account, rules);
  if (!opened && opened.error().code == Errc::not_found)
    co_return co_await refuse_to_open({"[SYS/PERM]", Text::no_mailbox}, identity, opened.error());
  if (!opened) co_return co_await refuse_to_open({"[SYS/TEMP]", Text::cannot_open}, identity, opened.error());
  maildrop_ = *std::move(opened);
  rules_ = std::move(rules);
  address_ = std::move(identity.address);
  state_ = State::transaction;
  const auto totals = maildrop_->totals();
  server::session_log::signed_in(context_, "pop3", address_, identity.account, how);
  ok(Text::signed_in, std::to_string(totals.messages));
  co_return Result<void>{};
}

// [RFC2595 4]
Session::Outcome Session::cmd_stls(Stls&) {
  const auto tls = context_.services.tls();
  if (connection_.is_tls()) co_return co_await refuse(Text::tls_active);
  if (context_.rules.tls != config::TlsMode::starttls || !tls) co_return co_await refuse(Text::tls_not_offered);
  if (utf8_) co_return co_await refuse(Text::tls_after_utf8);  // [RFC6856 2.1]
  ok(Text::begin_tls);
  CO_TRY_OK(co_await connection_.flush(send_deadline()));
  CO_TRY_OK(co_await connection_.start_tls(*tls, after(kHandshakeTimeout)));  // throws away what was pipelined in plain text
  user_.reset();
  errors_ = 0;
  language_ = Language::english;  // somebody else may have asked for another one
  co_return Result<void>{};
}

// [RFC6856 2.1]
Session::Outcome Session::cmd_utf8(Utf8&) {
  utf8_ = true;
  ok(Text::utf8_on);
  co_return Result<void>{};
}

}  // namespace posthorn::pop3
