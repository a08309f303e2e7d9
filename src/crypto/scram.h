// SCRAM keys [RFC5802 3]: what the server keeps so that a client can prove it knows the password without sending
// it.  Pure functions, any thread; derivation takes a few milliseconds.  The password is given as it is to be
// hashed: preparing it [RFC4013] is the caller's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::crypto {

enum class ScramHash : std::uint8_t { sha1, sha256 };
std::string_view mechanism_of(ScramHash);  // "SCRAM-SHA-1", "SCRAM-SHA-256"

inline constexpr std::uint32_t kScramIterations = 4096;  // [RFC5802 5.1] [RFC7677 4] at least 4096
inline constexpr std::size_t kScramSaltSize = 16;

struct ScramKeys {
  ScramHash hash = ScramHash::sha256;
  std::string salt;  // bytes, as are the keys, which are as long as the hash
  std::uint32_t iterations = 0;
  std::string stored_key, server_key;
  friend bool operator==(const ScramKeys&, const ScramKeys&) = default;
};

// REQUIRES: iterations > 0.
ScramKeys derive_scram_keys(ScramHash, std::string_view password, std::string_view salt, std::uint32_t iterations);
ScramKeys make_scram_keys(ScramHash, std::string_view password);  // fresh salt, kScramIterations

// The text form, the same as PostgreSQL's:  SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>
std::string to_text(const ScramKeys&);
Result<ScramKeys> parse_scram_keys(std::string_view text);  // Errc::corrupt

// [RFC5802 3] ClientProof is right for this AuthMessage; constant time.
bool verify_client_proof(const ScramKeys&, std::string_view auth_message, std::string_view proof);
// [RFC5802 3] ServerSignature, to be sent to the client.
std::string server_signature(const ScramKeys&, std::string_view auth_message);
// The other end: ClientProof of one who knows the password.  Only salt, iterations and hash of the keys are read.
std::string client_proof(const ScramKeys&, std::string_view password, std::string_view auth_message);
// A plain password against the keys (AUTH PLAIN for an account that has these only); constant time.
bool verify_scram_password(const ScramKeys&, std::string_view password);

}  // namespace posthorn::crypto
