// AUTHENTICATE and LOGIN. [SMAP1 3.3]
#include <algorithm>

#include "client/sasl_channel.h"
#include "client/smap_channel.h"
#include "proto/smap/words.h"
#include "text/base64.h"

namespace posthorn::client {
namespace {

constexpr int kMaxChallenges = 8;

std::vector<std::string> offered(const SmapState& s) {
  std::vector<std::string> out;
  for (const auto& name : s.capabilities)
    if (name.starts_with("AUTH=")) out.push_back(name.substr(5));
  return out;
}

Result<std::string> decode_challenge(const std::string& text, std::string_view mechanism) {
  auto decoded = text::base64_decode(text);
  // Some servers ask LOGIN's questions in clear; their wording does not matter.
  if (!decoded && mechanism == "LOGIN") return text;
  if (!decoded) return fail(Errc::syntax, "a challenge that is not base64");
  return decoded;
}

// The client ends the exchange; the connection is of no use then.
Task<Result<SmapStatus>> give_up(SmapState& s, Error why, Deadline until) {
  SmapTaker nothing;
  SmapStatus status;
  s.channel->put_line("*");
  CO_TRY_OK(co_await s.channel->flush(until));
  std::string ignored;
  (void)co_await s.channel->read_reply(nothing, status, until, &ignored);
  co_return s.channel->broken(why.code == Errc::denied ? Errc::denied : Errc::syntax, why.text);
}

// One mechanism, to its end, whatever the server says to it.
Task<Result<SmapStatus>> exchange(SmapState& s, std::string mechanism, std::unique_ptr<SaslClient> sasl, Deadline until) {
  auto& channel = *s.channel;
  const auto initial = sasl->initial_response();
  const bool at_once = initial && s.has("SASL-IR");
  std::string line = "\\SMAP1 AUTHENTICATE " + mechanism;
  if (at_once) line += " " + (initial->empty() ? "=" : text::base64_encode(*initial));
  channel.put_line(line, "\\SMAP1 AUTHENTICATE " + mechanism + (at_once ? " (masked)" : ""));
  CO_TRY_OK(co_await channel.flush(until));
  bool owes_initial = initial && !at_once;
  SmapTaker nothing;
  SmapStatus status;
  for (int i = 0;; ++i) {
    std::string challenge;
    CO_TRY(const bool over, co_await channel.read_reply(nothing, status, until, &challenge));
    if (over) break;
    auto answer = decode_challenge(challenge, mechanism);
    if (answer && i == kMaxChallenges) answer = fail(Errc::syntax, "endless challenges");
    else if (answer && std::exchange(owes_initial, false)) answer = *initial;
    else if (answer) answer = sasl->respond(*answer);
    if (!answer) co_return co_await give_up(s, answer.error(), until);
    channel.put_line(text::base64_encode(*answer), "(masked)");
    CO_TRY_OK(co_await channel.flush(until));
  }
  if (status.ok)
    if (auto proven = sasl->succeeded(); !proven) co_return channel.broken(Errc::denied, proven.error().text);
  co_return status;
}

std::unexpected<Error> not_let_in(SmapState& s, std::string_view words) {
  return s.channel->failure(Errc::denied, "the server does not let " + s.options.credentials->user + " in: " + std::string(words));
}

// Courier reads this line as IMAP has it, and a " in quotes otherwise than the protocol: where it can be, nothing is in quotes.
Result<void> put_secret(SmapState& s, std::string& line, const std::string& word) {
  if (word.find_first_of(std::string_view("\r\n\0", 3)) != word.npos) return s.channel->failure(Errc::invalid, "a user or password with a line end in it cannot be sent");
  line += ' ';
  const bool plain = !word.empty() && std::ranges::all_of(word, [](char c) { return c > ' ' && c < 0x7f && std::string_view("(){%*\"\\]").find(c) == std::string_view::npos; });
  if (plain) line += word;
  else smap::put_word(line, word);
  return {};
}

Task<Result<void>> login(SmapState& s, Deadline until) {
  const auto& who = *s.options.credentials;
  std::string line = "\\SMAP1 LOGIN";
  CO_TRY_OK(put_secret(s, line, who.user));
  CO_TRY_OK(put_secret(s, line, *who.password));
  s.channel->put_line(line, "\\SMAP1 LOGIN (masked)");
  CO_TRY_OK(co_await s.channel->flush(until));
  SmapTaker nothing;
  SmapStatus status;
  CO_TRY(const bool done, co_await s.channel->read_reply(nothing, status, until));
  if (!done || !status.ok) co_return not_let_in(s, status.text);
  s.signed_in_by = "LOGIN";
  co_return Result<void>{};
}

}  // namespace

Task<Result<void>> sign_in(SmapState& s) {
  const Deadline until = after(s.options.timeouts.opening);
  const auto& who = *s.options.credentials;
  const auto state = channel_state(s.channel->connection(), s.options.host);
  const auto mechanisms = offered(s);
  const auto fitting = fitting_mechanisms(who, mechanisms, state);
  const bool may_show = state.encrypted || who.allow_plaintext;
  const bool may_login = who.password && may_show && !s.has("LOGINDISABLED") && who.authorize_as.empty();
  if (fitting.empty()) {
    if (may_login) co_return co_await login(s, until);
    co_return s.channel->failure(Errc::denied, who.password && !may_show ? "there is no TLS, and the password may not be sent without"
                                                                         : why_none_fits(who, mechanisms, state));
  }
  std::string mechanism = fitting.front();
  s.channel->mask_go_ahead(true);
  for (bool first = true;; first = false) {
    CO_TRY(const auto status, co_await exchange(s, mechanism, make_sasl_client(mechanism, who, mechanisms, state), until));
    if (status.ok) break;
    // Servers offer mechanisms for which they know nothing of this user: where the password may be shown as well, that is tried too.
    const auto other = std::ranges::find_if(fitting, [](const auto& one) { return shows_secret(one); });
    if (!first || other == fitting.end() || shows_secret(mechanism) || !s.channel->is_open()) co_return not_let_in(s, status.text);
    mechanism = *other;
  }
  s.channel->mask_go_ahead(false);
  s.signed_in_by = mechanism;
  co_return Result<void>{};
}

}  // namespace posthorn::client
