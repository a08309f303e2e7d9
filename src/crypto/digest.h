// Digests, message authentication, comparison without timing, hexadecimal.  Pure functions, any thread.
// Input is bytes in a string_view; OpenSSL is behind it and not visible here.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::crypto {

using Md5Digest = std::array<std::uint8_t, 16>;
using Sha1Digest = std::array<std::uint8_t, 20>;
using Sha256Digest = std::array<std::uint8_t, 32>;

Sha256Digest sha256(std::string_view data);                             // FIPS 180-4
Sha1Digest sha1(std::string_view data);                                 // FIPS 180-4; not for signatures
Md5Digest md5(std::string_view data);                                   // for APOP only: it is broken for all else
Sha256Digest hmac_sha256(std::string_view key, std::string_view data);  // [RFC2104]
Sha1Digest hmac_sha1(std::string_view key, std::string_view data);      // for SCRAM-SHA-1

// SHA-256 of what comes in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::string_view piece);
  Sha256Digest finish();  // and begins anew

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// CRC-32C (Castagnoli) as in [RFC3720 B.4], by the processor's instruction where it has one.  To continue
// over the next piece, give the result so far: crc32c(b, crc32c(a)) == crc32c(a + b).
std::uint32_t crc32c(std::string_view data, std::uint32_t so_far = 0);

// Equal, in a time that depends on the lengths only.  Different lengths are unequal.
bool constant_time_equal(std::string_view a, std::string_view b);

// A digest as bytes in a view (valid while the digest lives).
template <std::size_t N>
std::string_view view(const std::array<std::uint8_t, N>& digest) {
  return {reinterpret_cast<const char*>(digest.data()), N};
}

std::string to_hex(std::string_view bytes);             // lower case
Result<std::string> from_hex(std::string_view digits);  // either case; Errc::syntax

}  // namespace posthorn::crypto
