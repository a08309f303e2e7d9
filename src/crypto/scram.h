// SCRAM-SHA-256 keys [RFC5802 3] [RFC7677]: what the server keeps so that a client can prove it knows the
// password without sending it.  Pure functions, any thread; derivation takes about a millisecond.
// Departure from [RFC5802 2.2]: the password is bytes as given, without SASLprep: for ASCII passwords it is
// the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/digest.h"

namespace posthorn::crypto {

inline constexpr std::uint32_t kScramIterations = 4096;  // [RFC7677 4] at least 4096

struct ScramKeys {
  std::string salt;  // bytes
  std::uint32_t iterations = 0;
  Sha256Digest stored_key{};
  Sha256Digest server_key{};
  friend bool operator==(const ScramKeys&, const ScramKeys&) = default;
};

// REQUIRES: iterations > 0.
ScramKeys derive_scram_keys(std::string_view password, std::string_view salt, std::uint32_t iterations);
ScramKeys make_scram_keys(std::string_view password);  // fresh salt of 16 bytes, kScramIterations

// The text form, the same as PostgreSQL's:  SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>
std::string to_text(const ScramKeys&);
Result<ScramKeys> parse_scram_keys(std::string_view text);  // Errc::corrupt

// [RFC5802 3] ClientProof is right for this AuthMessage; constant time.
bool verify_client_proof(const ScramKeys&, std::string_view auth_message, std::string_view proof);
// [RFC5802 3] ServerSignature, to be sent to the client.
Sha256Digest server_signature(const ScramKeys&, std::string_view auth_message);
// A plain password against the keys (AUTH PLAIN for an account that has these only); constant time.
bool verify_scram_password(const ScramKeys&, std::string_view password);

}  // namespace posthorn::crypto
