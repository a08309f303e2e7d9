#include "auth/sasl.h"

#include <utility>

#include "text/utf8.h"

namespace posthorn::auth {
namespace {

// [RFC4616 2] "up to and including 255 octets" must be taken; we take more, not without end.
constexpr std::size_t kMaxField = 1024;

bool is_field(std::string_view s) {
  return !s.empty() && s.size() <= kMaxField && text::is_valid_utf8(s) && s.find('\0') == std::string_view::npos;
}

std::unexpected<Error> malformed() { return fail(Errc::syntax, "not what the mechanism asks for"); }

}  // namespace

SaslServer::SaslServer(Authenticator& authenticator, const Mechanism& mechanism, Channel channel)
    : authenticator_(authenticator), mechanism_(mechanism), channel_(std::move(channel)) {}

SaslServer::Step SaslServer::ask(State next, std::string challenge) {
  state_ = next;
  return {std::move(challenge), {}};
}

Task<Result<SaslServer::Step>> SaslServer::next(std::optional<std::string> response) {
  auto state = std::exchange(state_, State::ended);
  if (state == State::begin) {
    using Kind = Mechanism::Kind;
    state = mechanism_.kind == Kind::plain ? State::plain : mechanism_.kind == Kind::login ? State::login_user : State::scram_first;
    // The wording the clients know (the draft's "User Name" is used by nobody).
    if (!response) co_return ask(state, state == State::login_user ? "Username:" : "");
  }
  if (!response) co_return malformed();
  switch (state) {
    case State::plain: co_return co_await take_plain(*std::move(response));
    case State::login_user: co_return co_await take_login_user(*std::move(response));
    case State::login_password: co_return co_await take_login_password(*std::move(response));
    case State::scram_first: co_return co_await take_scram_first(*std::move(response));
    case State::scram_final: co_return co_await take_scram_final(*std::move(response));
    case State::scram_told: co_return co_await take_scram_end(*std::move(response));
    case State::begin:
    case State::ended: break;
  }
  co_return malformed();
}

Task<Result<SaslServer::Step>> SaslServer::verify(std::string password) {
  CO_TRY(auto identity, co_await authenticator_.verify(user_, std::move(password), channel_.peer_ip, authorize_as_));
  co_return Step{{}, std::move(identity)};
}

// [RFC4616 2] message = [authzid] UTF8NUL authcid UTF8NUL passwd
Task<Result<SaslServer::Step>> SaslServer::take_plain(std::string message) {
  const auto first = message.find('\0');
  if (first == std::string::npos) co_return malformed();
  const auto second = message.find('\0', first + 1);
  if (second == std::string::npos) co_return malformed();
  authorize_as_ = message.substr(0, first);
  user_ = message.substr(first + 1, second - first - 1);
  auto password = message.substr(second + 1);
  if ((!authorize_as_.empty() && !is_field(authorize_as_)) || !is_field(user_) || !is_field(password)) co_return malformed();
  co_return co_await verify(std::move(password));
}

Task<Result<SaslServer::Step>> SaslServer::take_login_user(std::string name) {
  if (!is_field(name)) co_return malformed();
  user_ = std::move(name);
  co_return ask(State::login_password, "Password:");
}

Task<Result<SaslServer::Step>> SaslServer::take_login_password(std::string password) {
  if (!is_field(password)) co_return malformed();
  co_return co_await verify(std::move(password));
}

}  // namespace posthorn::auth
