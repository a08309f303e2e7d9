#include "auth/scram_testing.h"

#include <charconv>
#include <utility>

#include "crypto/random.h"
#include "text/base64.h"
#include "text/saslprep.h"

namespace posthorn::auth {
namespace {

std::string saslname(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ',') out += "=2C";
    else if (c == '=') out += "=3D";
    else out += c;
  }
  return out;
}

}  // namespace

ScramClient::ScramClient(Options options) : options_(std::move(options)) {
  if (auto prepared = text::saslprep(options_.password)) options_.password = *std::move(prepared);
}

std::string ScramClient::first() {
  nonce_ = text::base64_encode(crypto::random_bytes(18));
  header_ = options_.binding_flag + (options_.authorize_as.empty() ? "," : ",a=" + saslname(options_.authorize_as)) + ",";
  bare_ = "n=" + saslname(options_.user) + ",r=" + nonce_;
  return header_ + bare_;
}

std::string ScramClient::final(std::string_view server_first) {
  const auto salt = server_first.find(",s="), count = server_first.find(",i=");
  if (!server_first.starts_with("r=" + nonce_) || salt == std::string_view::npos || count == std::string_view::npos || count < salt) return {};
  const auto nonce = server_first.substr(2, salt - 2);
  std::uint32_t iterations = 0;
  std::from_chars(server_first.data() + count + 3, server_first.data() + server_first.size(), iterations);
  const auto salt_bytes = text::base64_decode(server_first.substr(salt + 3, count - salt - 3));
  if (!salt_bytes || iterations == 0 || nonce.size() == nonce_.size()) return {};
  keys_ = crypto::derive_scram_keys(options_.hash, options_.password, *salt_bytes, iterations);
  const auto without_proof = "c=" + text::base64_encode(header_ + options_.binding_data) + ",r=" + std::string(nonce);
  auth_message_ = bare_ + ',' + std::string(server_first) + ',' + without_proof;
  return without_proof + ",p=" + text::base64_encode(crypto::client_proof(keys_, options_.password, auth_message_));
}

bool ScramClient::accepts(std::string_view server_final) const {
  return server_final == "v=" + text::base64_encode(crypto::server_signature(keys_, auth_message_));
}

}  // namespace posthorn::auth
