// Password hashes in a PHC-like text form:
//
//   $argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>      [RFC9106], cost as OWASP advises: 19 MiB, 2 passes, 1
//   lane $posthorn-sha256$<salt>$<hash>                    one salted SHA-256: for tests, benchmarks and
//   imports only
//
// (salt and hash: base64 without padding.)  verify honours the cost written in the hash, within bounds, so
// hashes imported from elsewhere work ($argon2i$ and $argon2d$ too).
//
// argon2id takes some 20 ms and 19 MiB: call these on the worker pool, never on a reactor.  Passwords are
// bytes as given: neither trimmed nor normalised.  A password longer than kMaxPassword is refused.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/settings.h"

namespace posthorn::crypto {

inline constexpr std::size_t kMaxPassword = 1024;

enum class PasswordScheme { argon2id, sha256 };
inline constexpr std::string_view kPasswordSchemeNames[] = {"argon2id", "sha256"};

inline const Setting<PasswordScheme> kPasswordScheme{
    "auth.password_scheme", PasswordScheme::argon2id, kPasswordSchemeNames,
    "How new passwords are hashed: argon2id, or sha256, which is cheap and for tests and benchmarks only."};

// Errc::invalid: empty or too long.  Errc::no_space: no memory for argon2.
Result<std::string> hash_password(std::string_view password, PasswordScheme scheme);

// True when `password` is the one that `stored` was made from; false also for one that is too long.
// Errc::corrupt: `stored` is not a hash we know, or its cost is beyond the bounds (256 MiB, 16 passes, 16
// lanes). Errc::no_space: no memory for argon2.
Result<bool> verify_password(std::string_view password, std::string_view stored);

// Whether `stored` was made in another way than hash_password would make it today.  (To be made anew at the
// next successful sign-in.)
bool needs_rehash(std::string_view stored, PasswordScheme scheme);

// Takes as long as verifying `password` against a hash of `scheme`, and always says no: for users who do not
// exist, so that the time does not tell who does.
bool verify_unknown_user(std::string_view password, PasswordScheme scheme);

}  // namespace posthorn::crypto
