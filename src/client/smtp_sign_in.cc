// AUTH. [RFC4954]
#include <algorithm>

#include "client/smtp_state.h"
#include "client/sasl_channel.h"
#include "proto/smtp/command_writer.h"
#include "text/base64.h"

namespace posthorn::client {
namespace {

constexpr int kMaxChallenges = 8;
constexpr std::size_t kMaxInitialResponse = 360;  // [RFC4954 4] as base64 in a command line of 512 octets
constexpr std::string_view kMasked = "(masked)";

// [RFC4954 4] The client ends the exchange.
Task<Outcome<smtp::Reply>> cancel(SmtpState& s) { co_return co_await s.channel->ask(Stage::auth, "*\r\n", s.options.timeouts.command); }

Task<Outcome<>> give_up(SmtpState& s, Error why) {
  (void)co_await cancel(s);
  const bool unproven = why.code == Errc::denied;
  co_return std::unexpected(s.channel->failure(Stage::auth, unproven ? Cause::server_unproven : Cause::bad_reply, std::move(why.text)));
}

Result<std::string> decode_challenge(const smtp::Reply& reply, std::string_view mechanism) {
  const std::string& text = reply.lines.front();
  auto decoded = text::base64_decode(text);
  // Some servers ask LOGIN's questions in clear; their wording does not matter.
  if (!decoded && mechanism == "LOGIN") return text;
  return decoded;
}

// One mechanism, to its end.  A reply: the server refused.
Task<Outcome<std::optional<smtp::Reply>>> exchange(SmtpState& s, std::string mechanism, std::unique_ptr<SaslClient> sasl) {
  auto& channel = *s.channel;
  auto initial = sasl->initial_response();
  const bool at_once = initial && initial->size() <= kMaxInitialResponse;
  std::string line;
  if (auto put = smtp::put_auth(line, mechanism, at_once ? initial : std::nullopt); !put)
    co_return std::unexpected(channel.failure(Stage::auth, Cause::bad_command, put.error().text));
  CO_TRY(auto reply,
         co_await channel.ask(Stage::auth, line, s.options.timeouts.command, "AUTH " + mechanism + (at_once ? " (masked)" : "")));
  bool owes_initial = initial && !at_once;
  for (int i = 0; reply.code == 334; ++i) {
    Result<std::string> answer;
    if (auto challenge = decode_challenge(reply, mechanism); !challenge) answer = fail(Errc::syntax, "a challenge that is not base64");
    else if (i == kMaxChallenges) answer = fail(Errc::syntax, "endless challenges");
    else if (std::exchange(owes_initial, false)) answer = *initial;
    else answer = sasl->respond(*challenge);
    if (!answer) {
      auto ended = co_await give_up(s, answer.error());
      co_return std::unexpected(std::move(ended).error());
    }
    CO_TRY(reply,
           co_await channel.ask(Stage::auth, text::base64_encode(*answer) + "\r\n", s.options.timeouts.command, std::string(kMasked)));
  }
  if (reply.code / 100 != 2) co_return std::optional(std::move(reply));
  if (auto proven = sasl->succeeded(); !proven)
    co_return std::unexpected(channel.failure(Stage::auth, Cause::server_unproven, proven.error().text));
  s.signed_in_by = mechanism;
  co_return std::optional<smtp::Reply>();
}

}  // namespace

Task<Outcome<>> sign_in(SmtpState& s) {
  auto& channel = *s.channel;
  const auto& who = *s.options.credentials;
  const auto state = channel_state(s.channel->connection(), s.options.host);
  auto fitting = fitting_mechanisms(who, s.extensions.auth, state);
  if (fitting.empty())
    co_return std::unexpected(channel.failure(Stage::auth, Cause::no_mechanism, why_none_fits(who, s.extensions.auth, state)));
  std::string mechanism = fitting.front();
  for (bool first = true;; first = false) {
    CO_TRY(auto refused, co_await exchange(s, mechanism, make_sasl_client(mechanism, who, s.extensions.auth, state)));
    if (!refused) co_return Outcome<>{};
    // Servers offer mechanisms for which they know nothing of this user: where the password may be shown as well, that is tried too.
    const auto other = std::ranges::find_if(fitting, [](const auto& one) { return shows_secret(one); });
    const bool again = first && refused->code / 100 == 5 && other != fitting.end() && *other != mechanism && !shows_secret(mechanism);
    if (!again) co_return std::unexpected(channel.refusal(Stage::auth, *std::move(refused)));
    mechanism = *other;
  }
}

}  // namespace posthorn::client
