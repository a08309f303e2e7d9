// AUTHENTICATE [RFC3501 6.2.2] [RFC4959] and LOGIN [RFC3501 6.2.3].
#include <algorithm>

#include "client/imap_state.h"
#include "client/sasl_channel.h"
#include "text/ascii.h"
#include "text/base64.h"

namespace posthorn::client {
namespace {

using imap::StatusResponse;

constexpr int kMaxChallenges = 8;

std::vector<std::string> offered(const ImapState& s) {
  std::vector<std::string> out;
  for (const auto& name : s.capabilities)
    if (name.starts_with("AUTH=")) out.push_back(name.substr(5));
  return out;
}

// [RFC3501 6.2.2] The client ends the exchange.
Task<Result<void>> give_up(ImapState& s, std::string tag, Error why, Deadline until) {
  s.channel->put_line("*");
  CO_TRY_OK(co_await s.channel->flush(until));
  (void)co_await finish_command(s, tag, until, {});
  co_return s.channel->end(s.failure(why.code == Errc::denied ? Errc::denied : Errc::syntax, why.text).error());
}

// nullopt: the exchange is over, and the answer has come.
Task<Result<std::optional<std::string>>> next_challenge(ImapState& s, std::string tag, Deadline until) {
  std::optional<std::string> challenge;
  const Taker take = [&challenge](imap::Response& response) {
    auto* go = std::get_if<imap::ContinuationResponse>(&response);
    if (!go || challenge) return false;
    challenge = std::move(go->text);
    return true;
  };
  while (!challenge && !s.completed.contains(tag)) CO_TRY_OK(co_await pump(s, until, take));
  co_return challenge;
}

Result<std::string> decode_challenge(const std::string& text, std::string_view mechanism) {
  auto decoded = text::base64_decode(text);
  // Some servers ask LOGIN's questions in clear; their wording does not matter.
  if (!decoded && mechanism == "LOGIN") return text;
  if (!decoded) return fail(Errc::syntax, "a challenge that is not base64");
  return decoded;
}

// One mechanism, to its end, whatever the server says to it.
Task<Result<StatusResponse>> exchange(ImapState& s, std::string mechanism, std::unique_ptr<SaslClient> sasl, Deadline until) {
  auto initial = sasl->initial_response();
  const bool at_once = initial && s.has("SASL-IR");
  std::string line = "AUTHENTICATE " + mechanism;
  if (at_once) line += " " + (initial->empty() ? "=" : text::base64_encode(*initial));
  const auto tag = begin_command(s, line, "AUTHENTICATE " + mechanism + (at_once ? " (masked)" : ""));
  CO_TRY_OK(co_await s.channel->flush(until));
  bool owes_initial = initial && !at_once;
  for (int i = 0;; ++i) {
    CO_TRY(const auto challenge, co_await next_challenge(s, tag, until));
    if (!challenge) break;
    auto answer = decode_challenge(*challenge, mechanism);
    if (answer && i == kMaxChallenges) answer = fail(Errc::syntax, "endless challenges");
    else if (answer && std::exchange(owes_initial, false)) answer = *initial;
    else if (answer) answer = sasl->respond(*answer);
    if (!answer) {
      auto ended = co_await give_up(s, tag, answer.error(), until);
      co_return std::unexpected(std::move(ended).error());
    }
    s.channel->put_line(text::base64_encode(*answer), "(masked)");
    CO_TRY_OK(co_await s.channel->flush(until));
  }
  CO_TRY(auto status, co_await finish_command(s, tag, until, {}));
  if (status.kind == StatusResponse::Kind::ok)
    if (auto proven = sasl->succeeded(); !proven) co_return s.channel->end(s.failure(Errc::denied, proven.error().text).error());
  co_return status;
}

// A string that may hold anything; waits for leave to send it as a literal where it must.
Task<Result<void>> put_secret(ImapState& s, std::string tag, std::string front, std::string value, Deadline until) {
  if (value.find('\0') != value.npos) co_return s.failure(Errc::invalid, "a user or password with NUL in it cannot be sent");
  if (imap::can_be_quoted(value)) {
    std::string quoted;
    imap::Writer(quoted).raw(front).quoted(value);
    s.channel->put_octets(quoted);
    co_return Result<void>{};
  }
  const bool at_once = s.has("LITERAL+") || s.has("LITERAL-");
  s.channel->put_octets(front + "{" + std::to_string(value.size()) + (at_once ? "+}\r\n" : "}\r\n"));
  if (!at_once) {
    CO_TRY_OK(co_await s.channel->flush(until));
    CO_TRY_OK(co_await await_continuation(s, tag, until, "LOGIN"));
  }
  s.channel->put_octets(value);
  co_return Result<void>{};
}

Task<Result<void>> login(ImapState& s, Deadline until) {
  const auto& who = *s.options.credentials;
  const auto tag = s.channel->next_tag();
  s.open_tags.push_back(tag);
  CO_TRY_OK(co_await put_secret(s, tag, tag + " LOGIN ", who.user, until));
  CO_TRY_OK(co_await put_secret(s, tag, " ", *who.password, until));
  s.channel->put_line("", tag + " LOGIN (masked)");
  CO_TRY_OK(co_await s.channel->flush(until));
  CO_TRY(const auto status, co_await finish_command(s, tag, until, {}));
  if (auto done = judge(s, status, "LOGIN"); !done) co_return s.failure(Errc::denied, "the server does not let " + who.user + " in: " + status.text);
  s.signed_in_by = "LOGIN";
  co_return Result<void>{};
}

}  // namespace

Task<Result<void>> sign_in(ImapState& s) {
  const Deadline until = after(s.options.timeouts.opening);
  const auto& who = *s.options.credentials;
  const auto state = channel_state(s.channel->connection(), s.options.host);
  const auto mechanisms = offered(s);
  auto fitting = fitting_mechanisms(who, mechanisms, state);
  const bool may_show = state.encrypted || who.allow_plaintext;
  const bool may_login = who.password && may_show && !s.has("LOGINDISABLED") && who.authorize_as.empty();
  if (fitting.empty()) {
    if (may_login) co_return co_await login(s, until);
    std::string why = who.password && !may_show ? "there is no TLS, and the password may not be sent without" : why_none_fits(who, mechanisms, state);
    co_return s.failure(Errc::denied, why);
  }
  std::string mechanism = fitting.front();
  s.channel->mask_received(true);
  for (bool first = true;; first = false) {
    CO_TRY(const auto status, co_await exchange(s, mechanism, make_sasl_client(mechanism, who, mechanisms, state), until));
    if (status.kind == StatusResponse::Kind::ok) break;
    // Servers offer mechanisms for which they know nothing of this user: where the password may be shown as well, that is tried too.
    const auto other = std::ranges::find_if(fitting, [](const auto& one) { return shows_secret(one); });
    if (!first || other == fitting.end() || shows_secret(mechanism) || !s.channel->is_open())
      co_return s.failure(Errc::denied, "the server does not let " + who.user + " in: " + status.text);
    mechanism = *other;
  }
  s.channel->mask_received(false);
  s.signed_in_by = mechanism;
  co_return Result<void>{};
}

}  // namespace posthorn::client
