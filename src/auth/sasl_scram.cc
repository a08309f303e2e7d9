// SCRAM [RFC5802 3, 5]: two messages from the client, two from the server, and an empty one that accepts our signature.
#include <utility>

#include "auth/sasl.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "text/base64.h"

namespace posthorn::auth {
namespace {

constexpr std::size_t kNonceBytes = 18;

}  // namespace

// [RFC5802 6] What is wrong with how the client wants to bind the channel; empty: nothing.
std::string_view SaslServer::judge_binding() const {
  if (!mechanism_.binds && first_.binding == 'p') return "channel-binding-not-supported";
  if (mechanism_.binds && first_.binding != 'p') return "other-error";
  // It believes that we did not offer the -PLUS form: somebody in between has taken it out of our list.
  if (first_.binding == 'y' && channel_.can_bind == CanBind::yes && find_mechanism(std::string(mechanism_.name) + "-PLUS"))
    return "server-does-support-channel-binding";
  if (first_.binding == 'p' && binding_input().size() == first_.gs2_header.size()) return "unsupported-channel-binding-type";
  return {};
}

// [RFC5802 7] cbind-input, as the client's c= has to be.
std::string SaslServer::binding_input() const {
  if (first_.binding_type == "tls-exporter") return first_.gs2_header + channel_.tls_exporter;
  if (first_.binding_type == "tls-unique") return first_.gs2_header + channel_.tls_unique;
  if (first_.binding_type == "tls-server-end-point") return first_.gs2_header + channel_.tls_server_end_point;
  return first_.gs2_header;
}

Task<Result<SaslServer::Step>> SaslServer::take_scram_first(std::string message) {
  CO_TRY(first_, scram::parse_client_first(message));
  user_ = first_.user;
  authorize_as_ = first_.authorize_as;
  // [RFC5802 7] The place to tell of it is the server's final message.
  error_ = judge_binding();
  CO_TRY(keys_, co_await authenticator_.scram_keys(user_, mechanism_.hash, channel_.peer_ip));
  nonce_ = first_.nonce + text::base64_encode(crypto::random_bytes(kNonceBytes));
  server_first_ = scram::server_first(nonce_, keys_);
  co_return ask(State::scram_final, server_first_);
}

Task<Result<SaslServer::Step>> SaslServer::take_scram_final(std::string message) {
  CO_TRY(auto final, scram::parse_client_final(message));
  if (error_.empty() && final.nonce != nonce_) error_ = "other-error";
  if (error_.empty() && !crypto::constant_time_equal(final.binding, binding_input())) error_ = "channel-bindings-dont-match";
  if (!error_.empty()) {
    log::warning("auth.scram_refused", {{"user", user_}, {"peer", channel_.peer_ip}, {"why", error_}});
    co_return ask(State::scram_told, scram::server_error(error_));
  }
  // [RFC5802 5.1] A wrong proof is told by the failure alone, without another round trip.
  auto auth_message = first_.bare + ',' + server_first_ + ',' + final.without_proof;
  const auto told = scram::server_final(crypto::server_signature(keys_, auth_message));
  ScramProof proof{user_, authorize_as_, keys_, std::move(auth_message), std::move(final.proof)};
  CO_TRY(identity_, co_await authenticator_.verify_proof(std::move(proof), channel_.peer_ip));
  co_return ask(State::scram_told, told);
}

// [RFC5802 3] The client answers nothing to our signature when it is right.  (What it answers to an error is all the same.)
Task<Result<SaslServer::Step>> SaslServer::take_scram_end(std::string nothing) {
  if (!error_.empty()) co_return fail(Errc::denied, "SCRAM: " + std::string(error_));
  if (!nothing.empty()) co_return fail(Errc::syntax, "not what the mechanism asks for");
  co_return Step{{}, std::move(identity_)};
}

}  // namespace posthorn::auth
