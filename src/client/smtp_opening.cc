// Greeting, EHLO, STARTTLS. [RFC5321 3.1, 3.2] [RFC3207]
#include "client/smtp_state.h"
#include "proto/smtp/command_writer.h"

namespace posthorn::client {
namespace {

Task<Outcome<>> read_greeting(SmtpState& s) {
  s.channel->expect_reply();
  CO_TRY(s.greeting, co_await s.channel->read_reply(Stage::greeting, s.options.timeouts.greeting));
  if (!is_success(s.greeting)) co_return std::unexpected(s.channel->refusal(Stage::greeting, s.greeting));
  co_return Outcome<>{};
}

Task<Outcome<smtp::Reply>> ask_hello(SmtpState& s, std::string verb) {
  std::string line;
  if (auto put = smtp::put_hello(line, verb, s.options.hello); !put)
    co_return std::unexpected(s.channel->failure(Stage::hello, Cause::bad_command, put.error().text));
  co_return co_await s.channel->ask(Stage::hello, line, s.options.timeouts.command);
}

Task<Outcome<>> say_hello(SmtpState& s) {
  s.extensions = {};
  CO_TRY(auto reply, co_await ask_hello(s, s.is_lmtp() ? "LHLO" : "EHLO"));
  if (is_success(reply)) {
    s.extensions = smtp::parse_ehlo_reply(reply);
    co_return Outcome<>{};
  }
  // [RFC5321 3.2] A server that does not know EHLO is asked in the old way.
  if (reply.code / 100 != 5 || s.is_lmtp()) co_return std::unexpected(s.channel->refusal(Stage::hello, std::move(reply)));
  CO_TRY(auto old, co_await ask_hello(s, "HELO"));
  if (!is_success(old)) co_return std::unexpected(s.channel->refusal(Stage::hello, std::move(old)));
  co_return Outcome<>{};
}

Task<Outcome<>> shake_hands(SmtpState& s) {
  CO_TRY_OK(co_await s.channel->start_tls(s.options));
  auto& connection = s.channel->connection();
  s.tls.version = connection.tls_version();
  s.tls.cipher = connection.tls_cipher();
  s.tls.verdict = connection.tls_verdict();
  co_return Outcome<>{};
}

Task<Outcome<>> start_tls(SmtpState& s) {
  auto& channel = *s.channel;
  const bool must = s.options.tls == TlsMode::required;
  if (!s.extensions.start_tls) {
    if (!must) co_return Outcome<>{};
    co_return std::unexpected(channel.failure(Stage::start_tls, Cause::tls_not_offered, "the server does not offer STARTTLS"));
  }
  CO_TRY(auto reply, co_await channel.ask(Stage::start_tls, "STARTTLS\r\n", s.options.timeouts.command));
  if (reply.code != 220) {
    if (!is_refusal(reply))
      co_return std::unexpected(channel.failure(Stage::start_tls, Cause::bad_reply, "the server answered STARTTLS by " + one_line(reply)));
    if (must || !channel.is_open()) co_return std::unexpected(channel.refusal(Stage::start_tls, std::move(reply)));
    s.tls.refusal = std::move(reply);
    co_return Outcome<>{};
  }
  // What follows 220 before our side begins the handshake cannot be TLS.  It would be read as if it had been said under its protection:
  // whoever can write into the stream would answer the commands that we are going to send.
  const auto there = channel.connection().read_available();
  if ((there && *there) || !channel.connection().input().empty())
    co_return std::unexpected(channel.failure(Stage::start_tls, Cause::tls_injection, "something was sent behind the reply to STARTTLS"));
  CO_TRY_OK(co_await shake_hands(s));
  // [RFC3207 4.2] What the server said before does not count any more.
  co_return co_await say_hello(s);
}

}  // namespace

Task<Outcome<>> open_session(SmtpState& s) {
  if (s.options.tls == TlsMode::implicit) CO_TRY_OK(co_await shake_hands(s));
  CO_TRY_OK(co_await read_greeting(s));
  CO_TRY_OK(co_await say_hello(s));
  const bool wants_tls = s.options.tls == TlsMode::opportunistic || s.options.tls == TlsMode::required;
  if (wants_tls) CO_TRY_OK(co_await start_tls(s));
  if (s.options.credentials) CO_TRY_OK(co_await sign_in(s));
  co_return Outcome<>{};
}

}  // namespace posthorn::client
