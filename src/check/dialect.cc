#include "check/dialect.h"

namespace posthorn::check {

Task<Result<std::string>> Talk::line() {
  const auto got = co_await connection.read_line(kLine, net::LineEnd::any_lf, deadline());
  if (!got && got.error().code == Errc::too_large) co_return fail(Errc::too_large, "a line of more than 8192 octets");
  if (!got && got.error().code == Errc::timed_out) co_return fail(Errc::timed_out, "no answer in time");
  if (!got) co_return std::unexpected(got.error());
  co_return std::string(*got);
}

Task<Result<void>> Talk::say(std::string_view command) {
  connection.put(command);
  connection.put("\r\n");
  co_return co_await connection.flush(deadline());
}

std::string tamed(std::string_view text, std::size_t limit) {
  std::string out(text.substr(0, limit));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = c == '\t' ? ' ' : '?';
  return out;
}

Task<Result<std::string>> Dialect::offer_relay(Talk, std::string) { co_return fail(Errc::unsupported, "only SMTP takes mail"); }

std::unique_ptr<Dialect> make_dialect(Service service) {
  switch (service) {
    case Service::smtp:
    case Service::submission:
      return make_smtp_dialect();
    case Service::imap:
      return make_imap_dialect();
    case Service::pop3:
      return make_pop3_dialect();
  }
  return {};
}

}  // namespace posthorn::check
