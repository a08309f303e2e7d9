// Greeting, CAPA, STLS. [RFC1939 4] [RFC2449 5] [RFC2595 4]
#include "client/pop3_channel.h"

namespace posthorn::client {
namespace {

Task<Result<void>> read_greeting(Pop3State& s) {
  CO_TRY(const auto greeting, co_await s.channel->read_reply(s.options.timeouts.greeting));
  if (!greeting.ok()) co_return s.channel->refusal("the connection", greeting);
  s.timestamp = pop3::find_timestamp(greeting.text);
  co_return Result<void>{};
}

// A server without CAPA has none.
Task<Result<void>> read_capabilities(Pop3State& s, pop3::Reply reply) {
  s.capabilities = {};
  if (!reply.ok()) co_return Result<void>{};
  const auto until = after(s.options.timeouts.block);
  for (std::size_t i = 0; i <= s.options.limits.capabilities; ++i) {
    CO_TRY(const auto line, co_await s.channel->read_listed(until));
    if (!line) co_return Result<void>{};
    pop3::add_capability(s.capabilities, *line);
  }
  co_return s.channel->broken(Errc::limit, "the server lists too many capabilities");
}

Task<Result<void>> ask_capabilities(Pop3State& s) {
  CO_TRY(auto reply, co_await s.channel->ask("CAPA", s.options.timeouts.command));
  co_return co_await read_capabilities(s, std::move(reply));
}

// CAPA and, where it may go along, UIDL: the server is opening the maildrop anyway.
Task<Result<void>> ask_behind_sign_in(Pop3State& s) {
  if (!s.options.ids_at_once || s.window() < 2) co_return co_await ask_capabilities(s);
  if (!s.channel->is_silent())
    co_return s.channel->broken(Errc::syntax, "the server said something that nobody had asked for");
  s.channel->put("CAPA");
  s.channel->put("UIDL");
  s.ids_asked = true;
  CO_TRY_OK(co_await s.channel->flush(s.options.timeouts.command));
  CO_TRY(auto reply, co_await s.channel->read_reply(s.options.timeouts.command));
  co_return co_await read_capabilities(s, std::move(reply));
}

Task<Result<void>> start_tls(Pop3State& s) {
  auto& channel = *s.channel;
  const bool must = s.options.tls == TlsMode::required;
  if (!s.capabilities.stls) {
    if (!must) co_return Result<void>{};
    co_return channel.broken(Errc::unsupported,
                             "the server does not offer STLS, and the connection must be encrypted");
  }
  CO_TRY(const auto reply, co_await channel.ask("STLS", s.options.timeouts.command));
  if (!reply.ok()) {
    if (!must) co_return Result<void>{};
    channel.close();
    co_return channel.refusal("STLS", reply);
  }
  // What stands behind the reply would be read as if it had been said under TLS's protection.
  if (!channel.is_silent())
    co_return channel.broken(Errc::denied,
                             "something was sent behind the reply to STLS: somebody interferes");
  CO_TRY_OK(co_await channel.start_tls(s.options));
  // [RFC2595 4] What the server said before does not count any more; the timestamp of APOP neither.
  s.timestamp.clear();
  co_return co_await ask_capabilities(s);
}

}  // namespace

Task<Result<void>> open_session(Pop3State& s) {
  if (s.options.tls == TlsMode::implicit) CO_TRY_OK(co_await s.channel->start_tls(s.options));
  CO_TRY_OK(co_await read_greeting(s));
  CO_TRY_OK(co_await ask_capabilities(s));
  if (s.options.tls == TlsMode::opportunistic || s.options.tls == TlsMode::required)
    CO_TRY_OK(co_await start_tls(s));
  if (!s.options.credentials) co_return Result<void>{};
  CO_TRY_OK(co_await sign_in(s));
  // [RFC2449 5] More may be offered now; PIPELINING is by some.
  co_return co_await ask_behind_sign_in(s);
}

}  // namespace posthorn::client
