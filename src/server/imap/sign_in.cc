// STARTTLS [RFC3501 6.2.1], AUTHENTICATE [RFC3501 6.2.2] [RFC4959], LOGIN [RFC3501 6.2.3].
#include <utility>

#include "base/log.h"
#include "config/core_settings.h"
#include "proto/imap/writer.h"
#include "server/imap/imap_settings.h"
#include "server/imap/session.h"
#include "text/base64.h"

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
  auth::Credentials credentials{.user = std::move(login.user), .password = std::move(login.password)};
  co_return co_await sign_in(std::move(credentials), "LOGIN");
}

// One line that is no command; empty when the reader has refused it.
Task<Result<std::string>> Session::read_raw_line() {
  reader_.expect_line();
  while (true) {
    auto input = connection().input();
    const auto before = input.size();
    const auto event = input.empty() ? CommandReader::Event::need_more : reader_.feed(input);
    std::string line;
    if (event == CommandReader::Event::line) line = reader_.command();
    connection().consume(before - input.size());
    if (event == CommandReader::Event::line) co_return line;
    if (event != CommandReader::Event::need_more) co_return fail(Errc::syntax, "Line too long");
    if (!connection().input().empty()) continue;
    CO_TRY_OK(co_await flush());
    CO_TRY_OK(co_await read_more(deadline_));
  }
}

Task<Result<Reply>> Session::cmd_authenticate(Command& command) {
  auto& request = std::get<Authenticate>(command.command);
  if (!auth::SaslExchange::is_supported(request.mechanism)) co_return no("No such mechanism", "CANNOT");
  if (!context_.may_authenticate()) co_return needs_tls();
  using Kind = auth::SaslExchange::Step::Kind;
  auth::SaslExchange exchange(request.mechanism);
  auth::SaslExchange::Step step;
  if (request.initial_response) {
    auto decoded = text::base64_decode(*request.initial_response);
    if (!decoded) co_return bad("Invalid base64");
    step = exchange.start(&*decoded);
  } else {
    step = exchange.start(nullptr);
  }
  while (step.kind == Kind::challenge) {
    Writer(output()).continuation(text::base64_encode(step.challenge));
    CO_TRY(auto line, co_await read_raw_line());
    if (line == "*") co_return bad("AUTHENTICATE cancelled");  // [RFC3501 6.2.2]
    auto decoded = text::base64_decode(line);
    if (!decoded) co_return bad("Invalid base64");
    step = exchange.next(*decoded);
  }
  if (step.kind == Kind::failed) co_return bad("Invalid response for this mechanism");
  co_return co_await sign_in(std::move(step.credentials), request.mechanism);
}

// `how` lives in the caller's frame.
Task<Result<Reply>> Session::sign_in(auth::Credentials credentials, std::string_view how) {
  const auto user = credentials.user;
  const auto& peer = connection().peer();
  auto identity = co_await context_.services.authenticator.verify(std::move(credentials.user), std::move(credentials.password), peer.ip,
                                                                  std::move(credentials.authorize_as));
  if (!identity) {
    login_failures.add();
    log::info("imap.login_failed", {{"session", context_.session_id},
                                    {"user", user},
                                    {"peer", peer.text()},
                                    {"mechanism", how},
                                    {"class", to_string(identity.error().code)}});
    count_bad();
    if (identity.error().code == Errc::denied) co_return no("Wrong user or password", "AUTHENTICATIONFAILED");
    co_return std::unexpected(std::move(identity).error());
  }
  CO_TRY(account_, co_await context_.services.store.account(identity->account));
  user_ = identity->address;
  state_ = State::authenticated;
  reader_.set_limits(limits_for_users());
  logins.add();
  log::info("imap.login", {{"session", context_.session_id},
                           {"user", user_},
                           {"account", identity->account},
                           {"peer", peer.text()},
                           {"mechanism", how},
                           {"tls", connection().tls_version()}});
  co_return ok("Signed in", "CAPABILITY " + capabilities());
}

}  // namespace posthorn::imap
