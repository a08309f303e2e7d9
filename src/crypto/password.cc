#include "crypto/password.h"

#include <argon2.h>

#include <charconv>
#include <cstdint>

#include "crypto/base64.h"
#include "crypto/digest.h"
#include "crypto/random.h"

namespace posthorn::crypto {
namespace {

// OWASP's first choice for argon2id where memory matters: 19 MiB, 2 passes, 1 lane.
constexpr std::uint32_t kMemoryKib = 19456, kPasses = 2, kLanes = 1;
constexpr std::size_t kSaltSize = 16, kHashSize = 32;
constexpr std::string_view kArgonPrefix = "$argon2id$v=19$m=19456,t=2,p=1$";
constexpr std::string_view kShaPrefix = "$posthorn-sha256$";

// What a stored hash may ask of us.
constexpr std::uint32_t kMaxMemoryKib = 256 * 1024, kMaxPasses = 16, kMaxLanes = 16;
constexpr std::size_t kMaxStored = 512;

bool take(std::string_view& in, std::string_view word) {
  if (!in.starts_with(word)) return false;
  in.remove_prefix(word.size());
  return true;
}

// "name=number", the number within 1..max.
bool take_cost(std::string_view& in, std::string_view name, std::uint32_t max) {
  std::uint32_t value = 0;
  if (!take(in, name)) return false;
  const auto [end, code] = std::from_chars(in.data(), in.data() + in.size(), value);
  if (code != std::errc() || value == 0 || value > max) return false;
  in.remove_prefix(static_cast<std::size_t>(end - in.data()));
  return true;
}

// [RFC9106 3.1] bounds; argon2 itself would obey up to 4 TiB.
bool cost_is_bearable(std::string_view parameters) {
  if (take(parameters, "v=") && !take(parameters, "19$") && !take(parameters, "16$")) return false;
  return take_cost(parameters, "m=", kMaxMemoryKib) && take_cost(parameters, ",t=", kMaxPasses) &&
         take_cost(parameters, ",p=", kMaxLanes) && parameters.starts_with('$');
}

Result<bool> verify_argon(std::string_view password, std::string_view stored, std::string_view parameters,
                          argon2_type type) {
  if (stored.size() > kMaxStored || !cost_is_bearable(parameters))
    return fail(Errc::corrupt, "an argon2 hash that is damaged or too costly");
  const std::string encoded(stored);  // argon2 wants its terminating zero
  const int code = argon2_verify(encoded.c_str(), password.data(), password.size(), type);
  if (code == ARGON2_OK) return true;
  if (code == ARGON2_VERIFY_MISMATCH) return false;
  if (code == ARGON2_MEMORY_ALLOCATION_ERROR || code == ARGON2_THREAD_FAIL)
    return fail(Errc::no_space, argon2_error_message(code));
  return fail(Errc::corrupt, std::string("argon2 hash: ") + argon2_error_message(code));
}

std::string salted_sha256(std::string_view salt, std::string_view password) {
  Sha256 hash;
  hash.update(salt);
  hash.update(password);
  return std::string(view(hash.finish()));
}

Result<bool> verify_sha(std::string_view password, std::string_view rest) {
  const std::size_t dollar = rest.find('$');
  if (dollar == rest.npos || rest.size() > kMaxStored) return fail(Errc::corrupt, "a damaged sha256 hash");
  TRY(const auto salt, decode_base64(rest.substr(0, dollar), Padding::none));
  TRY(const auto hash, decode_base64(rest.substr(dollar + 1), Padding::none));
  if (hash.size() != sizeof(Sha256Digest)) return fail(Errc::corrupt, "a sha256 hash of the wrong length");
  return constant_time_equal(hash, salted_sha256(salt, password));
}

Result<std::string> hash_argon(std::string_view password) {
  const std::string salt = random_bytes(kSaltSize);
  std::string encoded(argon2_encodedlen(kPasses, kMemoryKib, kLanes, kSaltSize, kHashSize, Argon2_id), '\0');
  const int code = argon2id_hash_encoded(kPasses, kMemoryKib, kLanes, password.data(), password.size(),
                                         salt.data(), salt.size(), kHashSize, encoded.data(), encoded.size());
  if (code != ARGON2_OK) return fail(Errc::no_space, std::string("argon2: ") + argon2_error_message(code));
  encoded.resize(encoded.find('\0'));
  return encoded;
}

}  // namespace

Result<std::string> hash_password(std::string_view password, PasswordScheme scheme) {
  if (password.empty()) return fail(Errc::invalid, "the password is empty");
  if (password.size() > kMaxPassword) return fail(Errc::invalid, "the password is longer than 1024 bytes");
  if (scheme == PasswordScheme::argon2id) return hash_argon(password);
  const std::string salt = random_bytes(kSaltSize);
  return std::string(kShaPrefix) + encode_base64(salt, Padding::none) + "$" +
         encode_base64(salted_sha256(salt, password), Padding::none);
}

Result<bool> verify_password(std::string_view password, std::string_view stored) {
  if (password.empty() || password.size() > kMaxPassword) return false;
  std::string_view rest = stored;
  if (take(rest, kShaPrefix)) return verify_sha(password, rest);
  if (take(rest, "$argon2id$")) return verify_argon(password, stored, rest, Argon2_id);
  if (take(rest, "$argon2i$")) return verify_argon(password, stored, rest, Argon2_i);
  if (take(rest, "$argon2d$")) return verify_argon(password, stored, rest, Argon2_d);
  return fail(Errc::corrupt, "a password hash of an unknown scheme");
}

bool needs_rehash(std::string_view stored, PasswordScheme scheme) {
  return !stored.starts_with(scheme == PasswordScheme::argon2id ? kArgonPrefix : kShaPrefix);
}

bool verify_unknown_user(std::string_view password, PasswordScheme scheme) {
  // Making a hash is the same work as checking one; the empty and the overlong are refused at once by both.
  (void)hash_password(password, scheme);
  return false;
}

}  // namespace posthorn::crypto
