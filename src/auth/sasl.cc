#include "auth/sasl.h"

#include <utility>

#include "text/ascii.h"
#include "text/utf8.h"

namespace posthorn::auth {
namespace {

using Kind = SaslExchange::Step::Kind;

// [RFC4616 2] "up to and including 255 octets" must be taken; we take more, not without end.
constexpr std::size_t kMaxField = 1024;

bool is_field(std::string_view s) { return !s.empty() && s.size() <= kMaxField && text::is_valid_utf8(s); }

SaslExchange::Step failed() { return {Kind::failed, {}, {}}; }

}  // namespace

bool SaslExchange::is_supported(std::string_view mechanism) {
  return text::iequals(mechanism, "PLAIN") || text::iequals(mechanism, "LOGIN");
}

std::vector<std::string> SaslExchange::mechanisms() { return {"PLAIN", "LOGIN"}; }

SaslExchange::SaslExchange(std::string_view mechanism) : login_(text::iequals(mechanism, "LOGIN")) {
  if (!is_supported(mechanism)) state_ = State::ended;
}

SaslExchange::Step SaslExchange::start(const std::string* initial) {
  if (state_ != State::begin) return failed();
  state_ = login_ ? State::login_user : State::plain;
  if (initial) return next(*initial);
  // The wording the clients know (the draft's "User Name" is used by nobody).
  return {Kind::challenge, login_ ? "Username:" : "", {}};
}

SaslExchange::Step SaslExchange::next(std::string_view response) {
  switch (std::exchange(state_, State::ended)) {
    case State::plain:
      return take_plain(response);
    case State::login_user:
      if (!is_field(response) || response.find('\0') != std::string_view::npos) return failed();
      user_ = response;
      state_ = State::login_password;
      return {Kind::challenge, "Password:", {}};
    case State::login_password:
      if (!is_field(response) || response.find('\0') != std::string_view::npos) return failed();
      return {Kind::done, {}, {{}, std::move(user_), std::string(response)}};
    case State::begin:
    case State::ended:
      break;
  }
  return failed();
}

// [RFC4616 2] message = [authzid] UTF8NUL authcid UTF8NUL passwd
SaslExchange::Step SaslExchange::take_plain(std::string_view message) {
  const auto first = message.find('\0');
  if (first == std::string_view::npos) return failed();
  const auto second = message.find('\0', first + 1);
  if (second == std::string_view::npos) return failed();
  const auto authzid = message.substr(0, first);
  const auto authcid = message.substr(first + 1, second - first - 1);
  const auto password = message.substr(second + 1);
  if (password.find('\0') != std::string_view::npos) return failed();
  if ((!authzid.empty() && !is_field(authzid)) || !is_field(authcid) || !is_field(password)) return failed();
  return {Kind::done, {}, {std::string(authzid), std::string(authcid), std::string(password)}};
}

}  // namespace posthorn::auth
