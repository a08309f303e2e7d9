// Public keys as others publish them.  Pure; OpenSSL is behind it and not visible here.
#pragma once

#include <string_view>

#include "base/result.h"

namespace posthorn::crypto {

// The length of the modulus of an RSA key: DER of SubjectPublicKeyInfo, or of RSAPublicKey alone, as DKIM records have both
// [RFC6376 3.6.1].  Errc::invalid: it is none, or something is behind it.
Result<int> rsa_public_key_bits(std::string_view der);

}  // namespace posthorn::crypto
