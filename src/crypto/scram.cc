#include "crypto/scram.h"

#include <openssl/evp.h>

#include <charconv>

#include "crypto/base64.h"
#include "crypto/digest.h"
#include "crypto/random.h"

namespace posthorn::crypto {
namespace {

constexpr std::uint32_t kMaxIterations = 1'000'000;  // what a stored key may ask of verify_scram_password
constexpr std::size_t kMaxText = 512;

std::size_t size_of(ScramHash hash) { return hash == ScramHash::sha1 ? sizeof(Sha1Digest) : sizeof(Sha256Digest); }

std::string hash_of(ScramHash hash, std::string_view data) {
  return std::string(hash == ScramHash::sha1 ? view(sha1(data)) : view(sha256(data)));
}

std::string hmac(ScramHash hash, std::string_view key, std::string_view data) {
  return std::string(hash == ScramHash::sha1 ? view(hmac_sha1(key, data)) : view(hmac_sha256(key, data)));
}

// REQUIRES: the same length.
std::string exclusive_or(std::string a, std::string_view b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<char>(a[i] ^ b[i]);
  return a;
}

Result<std::string> decode_key(ScramHash hash, std::string_view text) {
  TRY(auto bytes, decode_base64(text, Padding::equals));
  if (bytes.size() != size_of(hash)) return fail(Errc::corrupt, "a SCRAM key of the wrong length");
  return bytes;
}

// [RFC5802 3] SaltedPassword = Hi(password, salt, i).  Hi is PBKDF2 [RFC8018 5.2].
std::string salted_password(ScramHash hash, std::string_view password, std::string_view salt, std::uint32_t iterations) {
  CHECK(iterations > 0);
  std::string salted(size_of(hash), '\0');
  CHECK(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                          reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                          static_cast<int>(iterations), hash == ScramHash::sha1 ? EVP_sha1() : EVP_sha256(),
                          static_cast<int>(salted.size()), reinterpret_cast<unsigned char*>(salted.data())) == 1);
  return salted;
}

}  // namespace

std::string_view mechanism_of(ScramHash hash) { return hash == ScramHash::sha1 ? "SCRAM-SHA-1" : "SCRAM-SHA-256"; }

// [RFC5802 3] ClientKey = HMAC(SaltedPassword, "Client Key");
// StoredKey = H(ClientKey); ServerKey = HMAC(SaltedPassword, "Server Key").
ScramKeys derive_scram_keys(ScramHash hash, std::string_view password, std::string_view salt, std::uint32_t iterations) {
  const auto salted = salted_password(hash, password, salt, iterations);
  return {.hash = hash,
          .salt = std::string(salt),
          .iterations = iterations,
          .stored_key = hash_of(hash, hmac(hash, salted, "Client Key")),
          .server_key = hmac(hash, salted, "Server Key")};
}

ScramKeys make_scram_keys(ScramHash hash, std::string_view password) {
  return derive_scram_keys(hash, password, random_bytes(kScramSaltSize), kScramIterations);
}

std::string to_text(const ScramKeys& keys) {
  return std::string(mechanism_of(keys.hash)) + '$' + std::to_string(keys.iterations) + ':' +
         encode_base64(keys.salt, Padding::equals) + '$' + encode_base64(keys.stored_key, Padding::equals) + ':' +
         encode_base64(keys.server_key, Padding::equals);
}

Result<ScramKeys> parse_scram_keys(std::string_view text) {
  const auto damaged = [] { return fail(Errc::corrupt, "not SCRAM keys"); };
  ScramKeys keys;
  const auto name = text.substr(0, text.find('$'));
  for (const auto hash : {ScramHash::sha1, ScramHash::sha256})
    if (name == mechanism_of(hash)) keys.hash = hash;
  if (text.size() > kMaxText || name == text || name != mechanism_of(keys.hash)) return damaged();
  text.remove_prefix(name.size() + 1);
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), keys.iterations);
  if (code != std::errc() || keys.iterations == 0 || keys.iterations > kMaxIterations) return damaged();
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  const std::size_t dollar = text.find('$');
  const std::size_t colon = text.find(':', dollar == text.npos ? 0 : dollar);
  if (!text.starts_with(':') || dollar == text.npos || colon == text.npos) return damaged();
  TRY(keys.salt, decode_base64(text.substr(1, dollar - 1), Padding::equals));
  TRY(keys.stored_key, decode_key(keys.hash, text.substr(dollar + 1, colon - dollar - 1)));
  TRY(keys.server_key, decode_key(keys.hash, text.substr(colon + 1)));
  return keys;
}

// [RFC5802 3] ClientKey = ClientProof XOR HMAC(StoredKey, AuthMessage), and H(ClientKey) must be StoredKey.
bool verify_client_proof(const ScramKeys& keys, std::string_view auth_message, std::string_view proof) {
  if (proof.size() != size_of(keys.hash)) return false;
  const auto client_key = exclusive_or(hmac(keys.hash, keys.stored_key, auth_message), proof);
  return constant_time_equal(hash_of(keys.hash, client_key), keys.stored_key);
}

std::string server_signature(const ScramKeys& keys, std::string_view auth_message) {
  return hmac(keys.hash, keys.server_key, auth_message);
}

std::string client_proof(const ScramKeys& told, std::string_view password, std::string_view auth_message) {
  const auto client_key = hmac(told.hash, salted_password(told.hash, password, told.salt, told.iterations), "Client Key");
  return exclusive_or(client_key, hmac(told.hash, hash_of(told.hash, client_key), auth_message));
}

bool verify_scram_password(const ScramKeys& keys, std::string_view password) {
  if (keys.iterations == 0) return false;
  const ScramKeys given = derive_scram_keys(keys.hash, password, keys.salt, keys.iterations);
  return constant_time_equal(given.stored_key, keys.stored_key);
}

}  // namespace posthorn::crypto
