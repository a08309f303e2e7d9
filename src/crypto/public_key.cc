#include "crypto/public_key.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>

namespace posthorn::crypto {

Result<int> rsa_public_key_bits(std::string_view der) {
  constexpr std::size_t kLongest = 16 << 10;
  if (der.empty() || der.size() > kLongest) return fail(Errc::invalid, "no RSA key");
  const auto* const begin = reinterpret_cast<const unsigned char*>(der.data());
  const auto size = static_cast<long>(der.size());
  const auto* at = begin;
  EVP_PKEY* key = d2i_PUBKEY(nullptr, &at, size);
  if (!key) {
    at = begin;
    key = d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, size);
  }
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> owner(key, &EVP_PKEY_free);
  ERR_clear_error();
  if (!key || at != begin + size || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) return fail(Errc::invalid, "no RSA key");
  return EVP_PKEY_get_bits(key);
}

}  // namespace posthorn::crypto
