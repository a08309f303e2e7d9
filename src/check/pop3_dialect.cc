// [RFC1939] [RFC2449] [RFC2595]
#include "check/dialect.h"
#include "text/ascii.h"

namespace posthorn::check {
namespace {

Result<void> judge(const std::string& line) {
  if (text::istarts_with(line, "+OK")) return {};
  if (text::istarts_with(line, "-ERR")) return fail(Errc::denied, tamed(line));
  return fail(Errc::syntax, "what it says is no POP3: " + tamed(line, 80));
}

void take_capability(Offer& out, std::string_view line) {
  const auto said = text::to_upper(tamed(text::trim(line)));
  if (said.empty() || out.capabilities.size() >= Offer::kCapabilities) return;
  out.capabilities.push_back(said);
  if (said == "STLS") out.start_tls = true;
  if (said == "USER") out.clear_login = true;
  if (!said.starts_with("SASL ")) return;
  std::string_view words = said;
  words.remove_prefix(5);
  while (!(words = text::trim(words)).empty()) {
    out.mechanisms.emplace_back(words.substr(0, words.find(' ')));
    words.remove_prefix(std::min(words.find(' '), words.size()));
  }
}

class Pop3Dialect final : public Dialect {
 public:
  Task<Result<std::string>> greeting(Talk talk) override {
    CO_TRY(const auto line, co_await talk.line());
    CO_TRY_OK(judge(line));
    co_return tamed(line);
  }

  Task<Result<Offer>> offer(Talk talk) override {
    CO_TRY_OK(co_await talk.say("CAPA"));
    CO_TRY(const auto first, co_await talk.line());
    const auto judged = judge(first);
    // [RFC2449 5] Old servers do not know it, and take USER and PASS.
    if (!judged && judged.error().code == Errc::denied)
      co_return Offer{.seen = true, .capabilities = {}, .mechanisms = {}, .clear_login = true};
    CO_TRY_OK(judged);
    Offer out{.seen = true};
    for (std::size_t i = 0; i < Talk::kLines; ++i) {
      CO_TRY(const auto line, co_await talk.line());
      if (line == ".") co_return out;
      take_capability(out, line);
    }
    co_return fail(Errc::limit, "an endless answer to CAPA");
  }

  Task<Result<void>> start_tls(Talk talk) override {
    CO_TRY_OK(co_await talk.say("STLS"));
    CO_TRY(const auto line, co_await talk.line());
    co_return judge(line);
  }

  Task<> leave(Talk talk) override {
    const auto said = co_await talk.say("QUIT");
    if (said) (void)co_await talk.line();
  }
};

}  // namespace

std::unique_ptr<Dialect> make_pop3_dialect() { return std::make_unique<Pop3Dialect>(); }

}  // namespace posthorn::check
