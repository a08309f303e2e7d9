// AUTH, USER and PASS, APOP. [RFC5034] [RFC1939 7]
#include <algorithm>

#include "client/pop3_channel.h"
#include "client/sasl_channel.h"
#include "crypto/digest.h"
#include "text/base64.h"

namespace posthorn::client {
namespace {

constexpr int kMaxChallenges = 8;
constexpr std::size_t kMaxLine = 253;  // [RFC5034 4] 255 octets with CRLF, else the response goes by itself

std::string first_line(std::string_view mechanism, const std::optional<std::string>& initial, bool& at_once) {
  std::string line = "AUTH " + std::string(mechanism);
  at_once = false;
  if (!initial) return line;
  const auto encoded = initial->empty() ? "=" : text::base64_encode(*initial);
  if (line.size() + 1 + encoded.size() > kMaxLine) return line;
  at_once = true;
  return line + " " + encoded;
}

// One mechanism, to its end: the server's last word.
Task<Result<pop3::Reply>> exchange(Pop3State& s, std::string mechanism, std::unique_ptr<SaslClient> sasl) {
  auto& channel = *s.channel;
  const auto initial = sasl->initial_response();
  bool at_once = false;
  const auto line = first_line(mechanism, initial, at_once);
  CO_TRY(auto reply, co_await channel.ask(line, s.options.timeouts.command,
                                          "AUTH " + mechanism + (at_once ? " (masked)" : "")));
  bool owes_initial = initial && !at_once;
  for (int i = 0; reply.kind == pop3::Reply::Kind::challenge; ++i) {
    auto challenge = text::base64_decode(reply.text);
    Result<std::string> answer;
    if (!challenge && mechanism != "LOGIN")
      answer = fail(Errc::syntax, "a challenge that is not base64");
    else if (i == kMaxChallenges)
      answer = fail(Errc::syntax, "endless challenges");
    else if (std::exchange(owes_initial, false))
      answer = *initial;
    else
      answer = sasl->respond(challenge ? *challenge : reply.text);
    if (!answer) {
      (void)co_await channel.ask("*", s.options.timeouts.command);
      co_return channel.broken(answer.error().code,
                               "signing in by " + mechanism + ": " + answer.error().text);
    }
    CO_TRY(reply, co_await channel.ask(text::base64_encode(*answer), s.options.timeouts.command, "(masked)"));
  }
  if (!reply.ok()) co_return reply;
  if (auto proven = sasl->succeeded(); !proven) co_return channel.broken(Errc::denied, proven.error().text);
  s.signed_in_by = mechanism;
  co_return reply;
}

bool fits_line(std::string_view word) {
  return word.find_first_of(std::string_view("\r\n\0", 3)) == word.npos;
}

Task<Result<pop3::Reply>> user_and_pass(Pop3State& s) {
  const auto& who = *s.options.credentials;
  if (!fits_line(who.user) || !fits_line(*who.password))
    co_return fail(Errc::invalid, "a user or password with line ends");
  CO_TRY(auto reply, co_await s.channel->ask("USER " + who.user, s.options.timeouts.command));
  if (!reply.ok()) co_return reply;
  CO_TRY(reply,
         co_await s.channel->ask("PASS " + *who.password, s.options.timeouts.command, "PASS (masked)"));
  if (reply.ok()) s.signed_in_by = "USER";
  co_return reply;
}

Task<Result<pop3::Reply>> apop(Pop3State& s) {
  const auto& who = *s.options.credentials;
  if (!fits_line(who.user)) co_return fail(Errc::invalid, "a user with line ends");
  const auto digest = crypto::to_hex(crypto::view(crypto::md5(s.timestamp + *who.password)));
  CO_TRY(auto reply, co_await s.channel->ask("APOP " + who.user + " " + digest, s.options.timeouts.command,
                                             "APOP " + who.user + " (masked)"));
  if (reply.ok()) s.signed_in_by = "APOP";
  co_return reply;
}

// [RFC3206] What is not said to be something else is the wrong password.
std::unexpected<Error> sign_in_refused(Pop3State& s, const pop3::Reply& reply) {
  auto out = s.channel->refusal("the sign-in", reply);
  if (out.error().code != Errc::invalid) return out;
  return fail(Errc::denied, out.error().text);
}

}  // namespace

Task<Result<void>> sign_in(Pop3State& s) {
  const auto& who = *s.options.credentials;
  const auto state = channel_state(s.channel->connection(), s.options.host);
  const auto& offered = s.capabilities.sasl;
  const bool may_show = state.encrypted || who.allow_plaintext;
  const bool by_user = who.password && who.authorize_as.empty() && may_show;
  const auto fitting = fitting_mechanisms(who, offered, state);
  std::optional<pop3::Reply> refused;
  if (!fitting.empty()) {
    const auto& best = fitting.front();
    CO_TRY(refused, co_await exchange(s, best, make_sasl_client(best, who, offered, state)));
    if (refused->ok()) co_return Result<void>{};
    // Servers offer mechanisms for which they know nothing of this user: where the password may be shown as
    // well, that is tried too.
    const auto other = std::ranges::find_if(fitting, [](const auto& one) { return shows_secret(one); });
    const bool again = refused->code.empty() || refused->code == "AUTH";
    if (!again || shows_secret(best)) co_return sign_in_refused(s, *refused);
    if (other != fitting.end()) {
      CO_TRY(refused, co_await exchange(s, *other, make_sasl_client(*other, who, offered, state)));
      if (refused->ok()) co_return Result<void>{};
      co_return sign_in_refused(s, *refused);
    }
  }
  if (by_user && (s.capabilities.user || offered.empty() || refused)) {
    CO_TRY(refused, co_await user_and_pass(s));
  } else if (!refused && who.password && s.options.apop && !s.timestamp.empty()) {
    CO_TRY(refused, co_await apop(s));
  }
  if (!refused) {
    if (who.password && !may_show)
      co_return s.channel->broken(Errc::unsupported,
                                  "the password is not shown where nothing is encrypted, and the server "
                                  "offers no other way to sign in");
    co_return s.channel->broken(Errc::unsupported, why_none_fits(who, offered, state));
  }
  if (!refused->ok()) co_return sign_in_refused(s, *refused);
  co_return Result<void>{};
}

}  // namespace posthorn::client
