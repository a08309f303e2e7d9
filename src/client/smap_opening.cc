// Greeting, STARTTLS, capabilities. [SMAP1 3.1, 3.3]
#include <algorithm>

#include "client/smap_channel.h"
#include "text/ascii.h"

namespace posthorn::client {
namespace {

constexpr std::size_t kMostCapabilities = 1000;

class IntoCapabilities final : public SmapTaker {
 public:
  std::vector<std::string> words;
  Result<void> data(std::vector<std::string> line) override {
    if (line.empty() || !text::iequals(line.front(), "CAPABILITY")) return {};
    for (std::size_t i = 1; i < line.size() && words.size() < kMostCapabilities; ++i) words.push_back(text::to_upper(line[i]));
    return {};
  }
};

// "* OK [CAPABILITY IMAP4rev1 SMAP1 ...] text"
std::vector<std::string> capabilities_in(std::string_view greeting) {
  constexpr std::string_view kBegin = "* OK [CAPABILITY ";
  std::vector<std::string> out;
  if (!text::istarts_with(greeting, kBegin)) return out;
  auto list = greeting.substr(kBegin.size());
  list = list.substr(0, list.find(']'));
  while (!list.empty() && out.size() < kMostCapabilities) {
    const auto word = list.substr(0, list.find(' '));
    if (!word.empty()) out.push_back(text::to_upper(word));
    list.remove_prefix(std::min(word.size() + 1, list.size()));
  }
  return out;
}

Task<Result<void>> read_greeting(SmapState& s, Deadline until) {
  CO_TRY(const auto greeting, co_await s.channel->read_greeting(until));
  if (text::istarts_with(greeting, "* BYE")) co_return s.channel->broken(Errc::busy, "the server takes no connection now: " + greeting);
  if (!text::istarts_with(greeting, "* OK")) co_return s.channel->broken(Errc::syntax, "the server greets as no server of SMAP or IMAP does: " + greeting);
  s.capabilities = capabilities_in(greeting);
  if (!s.has("SMAP1")) co_return s.channel->broken(Errc::unsupported, "the server does not offer SMAP (imap:// and imaps:// go to the same ports)");
  co_return Result<void>{};
}

Task<Result<void>> ask_capabilities(SmapState& s, Deadline until) {
  IntoCapabilities answer;
  CO_TRY_OK(co_await s.channel->run("\\SMAP1 CAPABILITY", answer, until));
  s.capabilities = std::move(answer.words);
  co_return Result<void>{};
}

Task<Result<void>> start_tls(SmapState& s, Deadline until) {
  auto& channel = *s.channel;
  const bool must = s.options.tls == TlsMode::required;
  if (!s.has("STARTTLS")) {
    if (must) co_return channel.broken(Errc::denied, "the server does not offer STARTTLS, and nothing may be said without TLS");
    co_return Result<void>{};
  }
  if (auto agreed = co_await channel.run("\\SMAP1 STARTTLS", until); !agreed) {
    if (agreed.error().code != Errc::invalid) co_return agreed;
    if (must) co_return channel.abandon({.code = Errc::denied, .text = agreed.error().text});
    co_return Result<void>{};
  }
  // What follows the +OK before our side begins the handshake would be read as if it had been said under TLS.
  const auto there = channel.connection().read_available();
  if ((there && *there) || channel.has_input())
    co_return channel.broken(Errc::denied, "something was sent behind the reply to STARTTLS: somebody is listening in");
  CO_TRY_OK(co_await channel.start_tls(s.options, until));
  // What the server said before does not count any more.
  co_return co_await ask_capabilities(s, until);
}

}  // namespace

Task<Result<void>> open_session(SmapState& s) {
  const Deadline until = after(s.options.timeouts.opening);
  if (s.options.tls == TlsMode::implicit) CO_TRY_OK(co_await s.channel->start_tls(s.options, until));
  CO_TRY_OK(co_await read_greeting(s, until));
  if (s.options.tls == TlsMode::opportunistic || s.options.tls == TlsMode::required) CO_TRY_OK(co_await start_tls(s, until));
  if (!s.options.credentials) co_return Result<void>{};
  co_return co_await sign_in(s);
}

}  // namespace posthorn::client
