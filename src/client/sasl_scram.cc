#include "client/sasl_scram.h"

#include <charconv>
#include <utility>

#include "crypto/digest.h"
#include "crypto/random.h"
#include "text/base64.h"
#include "text/saslprep.h"

namespace posthorn::client {
namespace {

constexpr std::size_t kMaxMessage = 4096;

// [RFC5802 5.1] "," and "=" are those of the grammar.
std::string to_saslname(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ',') out += "=2C";
    else if (c == '=') out += "=3D";
    else out += c;
  }
  return out;
}

// Takes "x=value" up to the comma behind it.
Result<std::string_view> take_attribute(std::string_view& in, char name) {
  if (in.size() < 2 || in[0] != name || in[1] != '=') return fail(Errc::syntax, std::string("SCRAM: the server's message lacks ") + name);
  const auto comma = in.find(',');
  const auto value = in.substr(2, comma == in.npos ? in.npos : comma - 2);
  in.remove_prefix(comma == in.npos ? in.size() : comma + 1);
  return value;
}

// What SASLprep refuses is used as it is, as servers do that never heard of it.
std::string prepared(std::string text) {
  auto done = text::saslprep(text);
  return done && !done->empty() ? *std::move(done) : std::move(text);
}

}  // namespace

std::string make_nonce() { return text::base64_encode(crypto::random_bytes(18)); }

ScramClient::ScramClient(Options options) : options_(std::move(options)) {
  options_.user = prepared(std::move(options_.user));
  options_.password = prepared(std::move(options_.password));
  gs2_header_ = options_.binding_flag + (options_.authorize_as.empty() ? "," : ",a=" + to_saslname(options_.authorize_as)) + ",";
  bare_ = "n=" + to_saslname(options_.user) + ",r=" + options_.nonce;
}

std::optional<std::string> ScramClient::initial_response() { return gs2_header_ + bare_; }

Result<std::string> ScramClient::respond(std::string_view challenge) {
  if (challenge.size() > kMaxMessage) return fail(Errc::syntax, "SCRAM: a message that is too long");
  switch (state_) {
    case State::first: return answer_first(challenge);
    case State::final: return check_final(challenge);
    case State::proven: break;
  }
  return fail(Errc::syntax, "SCRAM: a message too many");
}

// [RFC5802 7] server-first-message; what follows the iteration count are extensions that we may ignore.
Result<std::string> ScramClient::answer_first(std::string_view server_first) {
  std::string_view in = server_first;
  if (in.starts_with("m=")) return fail(Errc::syntax, "SCRAM: the server wants an extension that is not known");
  TRY(const auto nonce, take_attribute(in, 'r'));
  TRY(const auto salt_text, take_attribute(in, 's'));
  TRY(const auto count_text, take_attribute(in, 'i'));
  if (!nonce.starts_with(options_.nonce) || nonce.size() == options_.nonce.size())
    return fail(Errc::denied, "SCRAM: the server did not repeat our nonce with one of its own");
  TRY(const auto salt, text::base64_decode(salt_text));
  std::uint32_t iterations = 0;
  const auto [end, error] = std::from_chars(count_text.data(), count_text.data() + count_text.size(), iterations);
  if (salt.empty() || error != std::errc() || end != count_text.data() + count_text.size())
    return fail(Errc::syntax, "SCRAM: neither salt nor iterations");
  if (iterations < kMinIterations || iterations > kMaxIterations)
    return fail(Errc::limit, "SCRAM: the server asks for " + std::to_string(iterations) + " iterations, which is too " +
                                 (iterations < kMinIterations ? "few" : "many"));

  const auto keys = crypto::derive_scram_keys(options_.hash, options_.password, salt, iterations);
  const auto without_proof = "c=" + text::base64_encode(gs2_header_ + options_.binding_data) + ",r=" + std::string(nonce);
  const auto auth_message = bare_ + ',' + std::string(server_first) + ',' + without_proof;
  expected_final_ = crypto::server_signature(keys, auth_message);
  state_ = State::final;
  return without_proof + ",p=" + text::base64_encode(crypto::client_proof(keys, options_.password, auth_message));
}

// [RFC5802 7] server-final-message
Result<std::string> ScramClient::check_final(std::string_view server_final) {
  if (server_final.starts_with("e=")) return fail(Errc::denied, "SCRAM: the server says " + std::string(server_final.substr(2, 64)));
  TRY(const auto verifier, take_attribute(server_final, 'v'));
  TRY(const auto signature, text::base64_decode(verifier));
  if (!crypto::constant_time_equal(signature, expected_final_))
    return fail(Errc::denied, "SCRAM: the server could not prove that it knows the password");
  state_ = State::proven;
  return std::string();
}

Result<void> ScramClient::succeeded() {
  if (state_ != State::proven) return fail(Errc::denied, "SCRAM: the server let us in without proving that it knows the password");
  return {};
}

}  // namespace posthorn::client
