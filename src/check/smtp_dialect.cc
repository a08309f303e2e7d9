// [RFC5321] [RFC3207]
#include "check/dialect.h"
#include "net/usual_source.h"
#include "proto/smtp/ehlo.h"
#include "proto/smtp/reply_parser.h"
#include "text/ascii.h"

namespace posthorn::check {
namespace {

constexpr smtp::ReplyLimits kLimits{.line = 4096, .lines = Talk::kLines, .bytes = 64 << 10};

Task<Result<smtp::Reply>> read_reply(Talk talk) {
  smtp::ReplyParser parser(kLimits);
  auto& c = talk.connection;
  const auto deadline = talk.deadline();
  for (;;) {
    auto in = c.input();
    const auto size = in.size();
    auto reply = parser.next(in);
    if (!reply) co_return fail(reply.error().code, "what it says is no SMTP: " + reply.error().text);
    c.consume(size - in.size());
    if (*reply) co_return **std::move(reply);
    const auto more = co_await c.read_more(deadline);
    if (!more && more.error().code == Errc::timed_out) co_return fail(Errc::timed_out, "no answer in time");
    if (!more) co_return std::unexpected(more.error());
  }
}

std::string words_of(const smtp::Reply& reply) {
  std::string out = std::to_string(reply.code);
  for (const auto& line : reply.lines) out += ' ' + line;
  return tamed(out);
}

class SmtpDialect final : public Dialect {
 public:
  Task<Result<std::string>> greeting(Talk talk) override {
    CO_TRY(const auto reply, co_await read_reply(talk));
    if (reply.code != 220) co_return fail(Errc::denied, words_of(reply));
    co_return words_of(reply);
  }

  Task<Result<Offer>> offer(Talk talk) override {
    const auto hello = "EHLO " + our_name({talk.connection.peer().ip, talk.connection.peer().port, {}});
    CO_TRY_OK(co_await talk.say(hello));
    CO_TRY(const auto reply, co_await read_reply(talk));
    if (reply.code != 250) co_return fail(Errc::denied, "EHLO is refused: " + words_of(reply));
    Offer out{.seen = true};
    for (std::size_t i = 1; i < reply.lines.size() && out.capabilities.size() < Offer::kCapabilities; ++i)
      out.capabilities.push_back(text::to_upper(tamed(reply.lines[i])));
    const auto extensions = smtp::parse_ehlo_reply(reply);
    out.start_tls = extensions.start_tls;
    for (const auto& mechanism : extensions.auth) out.mechanisms.push_back(tamed(mechanism, 64));
    co_return out;
  }

  Task<Result<void>> start_tls(Talk talk) override {
    CO_TRY_OK(co_await talk.say("STARTTLS"));
    CO_TRY(const auto reply, co_await read_reply(talk));
    if (reply.code != 220) co_return fail(Errc::denied, words_of(reply));
    co_return Result<void>();
  }

  Task<Result<std::string>> offer_relay(Talk talk, std::string to) override {
    std::string answer;
    for (const auto& line : {std::string("MAIL FROM:<>"), "RCPT TO:<" + to + '>'}) {
      CO_TRY_OK(co_await talk.say(line));
      CO_TRY(const auto reply, co_await read_reply(talk));
      answer = words_of(reply);
      if (reply.code / 100 != 2) co_return fail(Errc::denied, answer);
    }
    CO_TRY_OK(co_await talk.say("RSET"));
    CO_TRY_OK(co_await read_reply(talk));
    co_return answer;
  }

  Task<> leave(Talk talk) override {
    const auto said = co_await talk.say("QUIT");
    if (said) (void)co_await read_reply(talk);
  }
};

}  // namespace

std::string our_name(const net::Address& server) {
  const auto source = server.host.empty() ? std::string() : net::usual_source(server);
  if (source.empty()) return "[127.0.0.1]";
  return source.find(':') == source.npos ? '[' + source + ']' : "[IPv6:" + source + ']';
}

std::unique_ptr<Dialect> make_smtp_dialect() { return std::make_unique<SmtpDialect>(); }

}  // namespace posthorn::check
