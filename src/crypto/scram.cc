#include "crypto/scram.h"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>

#include "crypto/base64.h"
#include "crypto/random.h"

namespace posthorn::crypto {
namespace {

constexpr std::string_view kPrefix = "SCRAM-SHA-256$";
constexpr std::uint32_t kMaxIterations = 1'000'000;  // what a stored key may ask of verify_scram_password
constexpr std::size_t kMaxText = 512;

Sha256Digest exclusive_or(const Sha256Digest& a, std::string_view b) {
  Sha256Digest out;
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(a[i] ^ static_cast<unsigned char>(b[i]));
  return out;
}

Result<Sha256Digest> decode_key(std::string_view text) {
  TRY(const auto bytes, decode_base64(text, Padding::equals));
  Sha256Digest out;
  if (bytes.size() != out.size()) return fail(Errc::corrupt, "a SCRAM key of the wrong length");
  std::ranges::transform(bytes, out.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
  return out;
}

}  // namespace

// [RFC5802 3] SaltedPassword = Hi(password, salt, i); ClientKey = HMAC(SaltedPassword, "Client Key");
// StoredKey = H(ClientKey); ServerKey = HMAC(SaltedPassword, "Server Key").  Hi is PBKDF2 [RFC8018 5.2].
ScramKeys derive_scram_keys(std::string_view password, std::string_view salt, std::uint32_t iterations) {
  CHECK(iterations > 0);
  Sha256Digest salted{};
  CHECK(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                          reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                          static_cast<int>(iterations), EVP_sha256(), static_cast<int>(salted.size()),
                          salted.data()) == 1);
  return {.salt = std::string(salt),
          .iterations = iterations,
          .stored_key = sha256(view(hmac_sha256(view(salted), "Client Key"))),
          .server_key = hmac_sha256(view(salted), "Server Key")};
}

ScramKeys make_scram_keys(std::string_view password) {
  return derive_scram_keys(password, random_bytes(16), kScramIterations);
}

std::string to_text(const ScramKeys& keys) {
  return std::string(kPrefix) + std::to_string(keys.iterations) + ":" +
         encode_base64(keys.salt, Padding::equals) + "$" +
         encode_base64(view(keys.stored_key), Padding::equals) + ":" +
         encode_base64(view(keys.server_key), Padding::equals);
}

Result<ScramKeys> parse_scram_keys(std::string_view text) {
  const auto damaged = [] { return fail(Errc::corrupt, "not SCRAM-SHA-256 keys"); };
  if (text.size() > kMaxText || !text.starts_with(kPrefix)) return damaged();
  text.remove_prefix(kPrefix.size());
  ScramKeys keys;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), keys.iterations);
  if (code != std::errc() || keys.iterations == 0 || keys.iterations > kMaxIterations) return damaged();
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  const std::size_t dollar = text.find('$');
  const std::size_t colon = text.find(':', dollar == text.npos ? 0 : dollar);
  if (!text.starts_with(':') || dollar == text.npos || colon == text.npos) return damaged();
  TRY(keys.salt, decode_base64(text.substr(1, dollar - 1), Padding::equals));
  TRY(keys.stored_key, decode_key(text.substr(dollar + 1, colon - dollar - 1)));
  TRY(keys.server_key, decode_key(text.substr(colon + 1)));
  return keys;
}

// [RFC5802 3] ClientKey = ClientProof XOR HMAC(StoredKey, AuthMessage), and H(ClientKey) must be StoredKey.
bool verify_client_proof(const ScramKeys& keys, std::string_view auth_message, std::string_view proof) {
  if (proof.size() != sizeof(Sha256Digest)) return false;
  const Sha256Digest client_key = exclusive_or(hmac_sha256(view(keys.stored_key), auth_message), proof);
  return constant_time_equal(view(sha256(view(client_key))), view(keys.stored_key));
}

Sha256Digest server_signature(const ScramKeys& keys, std::string_view auth_message) {
  return hmac_sha256(view(keys.server_key), auth_message);
}

bool verify_scram_password(const ScramKeys& keys, std::string_view password) {
  if (keys.iterations == 0) return false;
  const ScramKeys given = derive_scram_keys(password, keys.salt, keys.iterations);
  return constant_time_equal(view(given.stored_key), view(keys.stored_key));
}

}  // namespace posthorn::crypto
