#include "server/common/sasl_loop.h"

#include <algorithm>
#include <utility>

#include "text/base64.h"

namespace posthorn::server {
namespace {

const Setting<bool> kPop3ChannelBinding{
    "pop3.channel_binding", false,
    "Offer the -PLUS forms of SCRAM in POP3 too. As it is built by Debian, mutt chooses them there, cannot use them, and then misreads every "
    "answer."};

using Kind = SaslOutcome::Kind;

auth::CanBind can_bind(const SessionContext& context) {
  const auto& connection = context.connection;
  const auto protocol = context.rules.protocol;
  const bool smtp = protocol == config::Protocol::smtp || protocol == config::Protocol::submission;
  const bool pop3 = protocol == config::Protocol::pop3;
  if (!connection.is_tls() || (smtp && !kSmtpChannelBinding.get()) || (pop3 && !kPop3ChannelBinding.get())) return auth::CanBind::no;
  // TLS 1.3 always can.  (The others are asked by computing it, which costs what a capability list should not.)
  return auth::CanBind(connection.tls_version() == "TLSv1.3" || !connection.tls_exporter().empty() ||
                       !connection.tls_server_end_point().empty());
}

auth::Channel channel_for(const auth::Mechanism& mechanism, const SessionContext& context) {
  const auto& connection = context.connection;
  auth::Channel channel{.peer_ip = connection.peer().ip, .can_bind = can_bind(context)};
  if (!mechanism.binds) return channel;
  channel.tls_exporter = connection.tls_exporter();
  channel.tls_unique = connection.tls_unique();
  channel.tls_server_end_point = connection.tls_server_end_point();
  return channel;
}

}  // namespace

std::vector<std::string_view> offered_mechanisms(const SessionContext& context) {
  if (!context.may_authenticate()) return {};
  return auth::mechanisms(can_bind(context));
}

const auth::Mechanism* find_offered_mechanism(const SessionContext& context, std::string_view name) {
  const auto offered = offered_mechanisms(context);
  const auto* mechanism = auth::find_mechanism(name);
  return mechanism && std::ranges::find(offered, mechanism->name) != offered.end() ? mechanism : nullptr;
}

Task<SaslOutcome> run_sasl(SessionContext& context, const auth::Mechanism& mechanism, std::optional<std::string> initial_response,
                           AskClient ask) {
  auth::SaslServer sasl(context.services.authenticator, mechanism, channel_for(mechanism, context));
  const auto ended = [&](Kind kind, Error why = {}) { return SaslOutcome{.kind = kind, .why = std::move(why), .user = sasl.user()}; };
  for (auto line = std::move(initial_response);;) {
    std::optional<std::string> response;
    if (line) {
      auto decoded = text::base64_decode(*line);
      if (!decoded) co_return ended(Kind::malformed);
      response = *std::move(decoded);
    }
    auto step = co_await sasl.next(std::move(response));
    if (!step && step.error().code == Errc::syntax) co_return ended(Kind::malformed);
    if (!step) co_return ended(Kind::refused, std::move(step).error());
    if (step->identity)
      co_return SaslOutcome{.kind = Kind::signed_in, .identity = *std::move(step->identity), .user = sasl.user()};
    auto answer = co_await ask(text::base64_encode(step->challenge));
    if (!answer && answer.error().code == Errc::too_large) co_return ended(Kind::too_long);
    if (!answer) co_return ended(Kind::lost, std::move(answer).error());
    if (*answer == "*") co_return ended(Kind::given_up);
    line = *std::move(answer);
  }
}

}  // namespace posthorn::server
