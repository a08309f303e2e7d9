// CAPABILITY, STARTTLS, LOGIN and AUTHENTICATE. [SMAP1 3.3]
#include <utility>

#include "base/log.h"
#include "proto/smap/words.h"
#include "server/common/imap_port.h"
#include "server/common/sasl_loop.h"
#include "server/common/session_log.h"
#include "server/smap/session.h"
#include "server/smap/settings.h"
#include "text/ascii.h"

namespace posthorn::smap {
namespace {

using namespace server::imap_port;

constexpr std::size_t kMaxResponse = 12288;  // of AUTHENTICATE, as other protocols have it

Reply needs_tls() { return err("STARTTLS required"); }

}  // namespace

Session::Outcome Session::cmd_capability(Words&) {
  put_line("* CAPABILITY " + capabilities_before_login(context_));
  co_return ok("CAPABILITY completed");
}

Session::Outcome Session::cmd_starttls(Words&) {
  if (connection().is_tls()) co_return err("TLS is active already");
  const auto tls = context_.rules.tls == config::TlsMode::starttls ? context_.services.tls() : nullptr;
  if (!tls) co_return err("STARTTLS is not offered here");
  finish(ok("Begin TLS now"));
  CO_TRY_OK(co_await flush());
  // Plaintext that was pipelined behind the command is thrown away in there [SMAP1 3.3].
  auto done = co_await connection().start_tls(*tls, after(kLoginTimeout.get()));
  if (!done) {
    log::info("smap.tls_failed", {{"session", context_.session_id}, {"peer", connection().peer().text()}, {"error", done.error()}});
    end_reason_ = "tls_failed";
    lost_ = true;
    state_ = State::ended;
  }
  Reply reply = ok("Begin TLS now");
  reply.sent = true;
  co_return reply;
}

Session::Outcome Session::cmd_login(Words& words) {
  if (!context_.may_authenticate()) co_return needs_tls();
  if (!context_.takes_passwords()) co_return err("Use AUTHENTICATE with a mechanism of SCRAM");
  const auto user = words.take();
  auto password = words.take();
  if (user.empty()) co_return err("Syntax: LOGIN user password");
  auto identity = co_await context_.services.authenticator.verify(user, std::move(password), connection().peer().ip);
  if (!identity) co_return refuse_sign_in(user, "LOGIN", std::move(identity).error());
  co_return co_await sign_in(*std::move(identity), "LOGIN");
}

// The client's answer is one line that is no command, and has no prefix.
Task<Result<std::string>> Session::ask(std::string challenge) {
  put_line("> " + challenge);
  CO_TRY_OK(co_await flush());
  const auto line = co_await connection().read_line(kMaxResponse, net::LineEnd::any_lf, deadline_);
  if (line) co_return std::string(text::trim(*line));
  if (line.error().code != Errc::too_large) end(line.error());
  co_return std::unexpected(line.error());
}

Session::Outcome Session::cmd_authenticate(Words& words) {
  const auto name = words.take();
  std::optional<std::string> initial;
  if (!words.at_end()) initial = words.take();
  if (initial == "=") initial = "";
  if (!context_.may_authenticate()) co_return needs_tls();
  const auto* mechanism = server::find_offered_mechanism(context_, text::to_upper(name));
  if (!mechanism) co_return err("No such mechanism");
  auto outcome = co_await server::run_sasl(context_, *mechanism, std::move(initial), [this](std::string challenge) { return ask(std::move(challenge)); });
  using Kind = server::SaslOutcome::Kind;
  switch (outcome.kind) {
    case Kind::signed_in: break;
    case Kind::refused: co_return refuse_sign_in(outcome.user, mechanism->name, std::move(outcome.why));
    case Kind::malformed: co_return err("Invalid response for this mechanism");
    case Kind::too_long: co_return err("The line is too long");
    case Kind::given_up: co_return err("AUTHENTICATE cancelled");
    case Kind::lost: co_return std::unexpected(std::move(outcome.why));
  }
  co_return co_await sign_in(std::move(outcome.identity), mechanism->name);
}

Result<Reply> Session::refuse_sign_in(std::string_view user, std::string_view how, Error why) {
  login_failures.add();
  server::session_log::sign_in_refused(context_, "smap", user, how, why);
  finish(why.code == Errc::denied ? err("Login failed.") : reply_for(why));
  count_bad();
  Reply reply = err("Login failed.");
  reply.sent = true;
  return reply;
}

// `how` is a literal, or a mechanism's name.
Session::Outcome Session::sign_in(auth::Identity identity, std::string_view how) {
  CO_TRY(account_, co_await context_.services.store.account(identity.account));
  user_ = std::move(identity.address);
  state_ = State::authenticated;
  logins.add();
  server::session_log::signed_in(context_, "smap", user_, identity.account, how);
  co_return ok("SMAP1 LOGIN Ok.");
}

}  // namespace posthorn::smap
