// [RFC9051] [RFC3501]
#include "check/dialect.h"
#include "text/ascii.h"

namespace posthorn::check {
namespace {

void take_capabilities(Offer& out, std::string_view words) {
  out = {.seen = true};
  bool login_disabled = false;
  while (!(words = text::trim(words)).empty() && out.capabilities.size() < Offer::kCapabilities) {
    const auto word = text::to_upper(tamed(words.substr(0, words.find(' ')), 64));
    words.remove_prefix(std::min(words.find(' '), words.size()));
    if (word.starts_with("AUTH=")) out.mechanisms.push_back(word.substr(5));
    if (word == "STARTTLS") out.start_tls = true;
    if (word == "LOGINDISABLED") login_disabled = true;  // [RFC9051 6.2.3]
    out.capabilities.push_back(word);
  }
  out.clear_login = !login_disabled;
}

class ImapDialect final : public Dialect {
 public:
  Task<Result<std::string>> greeting(Talk talk) override {
    CO_TRY(const auto line, co_await talk.line());
    if (text::istarts_with(line, "* BYE")) co_return fail(Errc::denied, tamed(line));
    if (!text::istarts_with(line, "* OK") && !text::istarts_with(line, "* PREAUTH"))
      co_return fail(Errc::syntax, "what it says is no IMAP: " + tamed(line, 80));
    co_return tamed(line.substr(2));
  }

  Task<Result<Offer>> offer(Talk talk) override {
    Offer out;
    CO_TRY(const auto answer, co_await command(talk, "CAPABILITY", &out));
    if (!text::istarts_with(answer, "OK")) co_return fail(Errc::denied, "CAPABILITY is refused: " + tamed(answer));
    if (!out.seen) co_return fail(Errc::syntax, "it does not say its capabilities");
    co_return out;
  }

  Task<Result<void>> start_tls(Talk talk) override {
    CO_TRY(const auto answer, co_await command(talk, "STARTTLS", nullptr));
    if (!text::istarts_with(answer, "OK")) co_return fail(Errc::denied, tamed(answer));
    co_return Result<void>();
  }

  Task<> leave(Talk talk) override { (void)co_await command(talk, "LOGOUT", nullptr); }

 private:
  // Answers what stands behind the tag.
  Task<Result<std::string>> command(Talk talk, std::string name, Offer* offer) {
    const auto tag = "c" + std::to_string(++tags_);
    const auto line = tag + ' ' + name;
    CO_TRY_OK(co_await talk.say(line));
    for (std::size_t i = 0; i < Talk::kLines; ++i) {
      CO_TRY(const auto answer, co_await talk.line());
      if (answer.starts_with(tag + ' ')) co_return answer.substr(tag.size() + 1);
      if (!answer.starts_with("* ")) co_return fail(Errc::syntax, "what it says is no IMAP: " + tamed(answer, 80));
      if (offer && text::istarts_with(answer, "* CAPABILITY ")) take_capabilities(*offer, std::string_view(answer).substr(13));
    }
    co_return fail(Errc::limit, "an endless answer to " + name);
  }

  int tags_ = 0;
};

}  // namespace

std::unique_ptr<Dialect> make_imap_dialect() { return std::make_unique<ImapDialect>(); }

}  // namespace posthorn::check
