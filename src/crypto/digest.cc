#include "crypto/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <new>

namespace posthorn::crypto {
namespace {

// Looking an algorithm up by name costs more than hashing a short text, so it is done once.
const EVP_MD* algorithm(const char* name) {
  EVP_MD* const md = EVP_MD_fetch(nullptr, name, nullptr);
  CHECK(md != nullptr);
  return md;
}
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const md = algorithm("SHA256");
  return md;
}
const EVP_MD* sha1_algorithm() {
  static const EVP_MD* const md = algorithm("SHA1");
  return md;
}

const EVP_MD* md5_algorithm() {
  static const EVP_MD* const md = algorithm("MD5");
  return md;
}

template <class Digest>
Digest digest(std::string_view data, const EVP_MD* md) {
  Digest out{};
  unsigned size = 0;
  CHECK(EVP_Digest(data.data(), data.size(), out.data(), &size, md, nullptr) == 1 && size == out.size());
  return out;
}

template <class Digest>
Digest hmac(std::string_view key, std::string_view data, const EVP_MD* md) {
  Digest out{};
  unsigned size = 0;
  static constexpr char kEmpty = 0;  // a null key would mean "the key of the last call"
  const void* const key_data = key.empty() ? &kEmpty : key.data();
  CHECK(HMAC(md, key_data, static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(data.data()), data.size(),
             out.data(), &size) != nullptr &&
        size == out.size());
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Sha256Digest sha256(std::string_view data) { return digest<Sha256Digest>(data, sha256_algorithm()); }
Sha1Digest sha1(std::string_view data) { return digest<Sha1Digest>(data, sha1_algorithm()); }
Md5Digest md5(std::string_view data) { return digest<Md5Digest>(data, md5_algorithm()); }

Sha256Digest hmac_sha256(std::string_view key, std::string_view data) {
  return hmac<Sha256Digest>(key, data, sha256_algorithm());
}
Sha1Digest hmac_sha1(std::string_view key, std::string_view data) { return hmac<Sha1Digest>(key, data, sha1_algorithm()); }

struct Sha256::Impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  Impl() { restart(); }
  ~Impl() { EVP_MD_CTX_free(context); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  void restart() { CHECK(context && EVP_DigestInit_ex2(context, sha256_algorithm(), nullptr) == 1); }
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view piece) {
  CHECK(EVP_DigestUpdate(impl_->context, piece.data(), piece.size()) == 1);
}

Sha256Digest Sha256::finish() {
  Sha256Digest out{};
  unsigned size = 0;
  CHECK(EVP_DigestFinal_ex(impl_->context, out.data(), &size) == 1 && size == out.size());
  impl_->restart();
  return out;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

Result<std::string> from_hex(std::string_view digits) {
  if (digits.size() % 2) return fail(Errc::syntax, "an odd number of hexadecimal digits");
  std::string out;
  out.reserve(digits.size() / 2);
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = hex_digit(digits[i]), low = hex_digit(digits[i + 1]);
    if (high < 0 || low < 0) return fail(Errc::syntax, "not a hexadecimal digit");
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

}  // namespace posthorn::crypto
