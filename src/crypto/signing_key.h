// Private keys that sign a SHA-256 digest: RSA and Ed25519, as DKIM uses them.  OpenSSL is behind it and not visible here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/digest.h"

struct evp_pkey_st;

namespace posthorn::crypto {

enum class KeyAlgorithm : std::uint8_t { rsa = 1, ed25519 = 2 };  // the numbers are stored
std::string_view name_of(KeyAlgorithm);                           // "rsa", "ed25519", as in k= [RFC6376 3.6.1] [RFC8463 4.2]

// Threads: any, at the same time; it never changes.
class SigningKey {
 public:
  // RSA of 2048 bits [RFC8301 3.2], some 0.1 s of CPU and now and then half a second: not on a reactor.
  static Result<SigningKey> generate(KeyAlgorithm);

  // An unencrypted private key: "PRIVATE KEY" (PKCS #8), or "RSA PRIVATE KEY" (PKCS #1).  RSA from 1024 [RFC8301 3.2] to 4096 bits.
  // Errc::corrupt: it cannot be read, or is encrypted.  Errc::unsupported: another algorithm or size.
  static Result<SigningKey> from_pem(std::string_view);
  // PKCS #8, unencrypted: a secret.
  std::string to_pem() const;

  KeyAlgorithm algorithm() const { return algorithm_; }

  // RSA: RSASSA-PKCS1-v1_5 with SHA-256 [RFC6376 3.3.2], as long as the key, some 0.7 ms of CPU for 2048 bits.
  // Ed25519: PureEdDSA of the 32 bytes of the digest [RFC8463 3], 64 bytes, some 0.05 ms.
  // The same digest gives the same bytes every time.  Errc::io: OpenSSL failed.
  Result<std::string> sign(const Sha256Digest&) const;

  // The bytes whose base64 is p= of the DNS record.  RSA: DER of SubjectPublicKeyInfo, which is what the world publishes and the
  // examples of [RFC6376 C] show, though its 3.6.1 says RSAPublicKey.  Ed25519: the 32 bytes [RFC8463 4.2].
  std::string public_key() const;

 private:
  struct Free {
    void operator()(evp_pkey_st*) const;
  };
  using Handle = std::unique_ptr<evp_pkey_st, Free>;
  SigningKey(Handle key, KeyAlgorithm algorithm) : key_(std::move(key)), algorithm_(algorithm) {}
  static Result<SigningKey> wrap(Handle);

  Handle key_;
  KeyAlgorithm algorithm_;
};

// A key and the name under which others find its public half: DKIM's selector.
struct NamedKey {
  std::string name;
  std::shared_ptr<const SigningKey> key;
};

}  // namespace posthorn::crypto
