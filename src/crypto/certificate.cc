#include "crypto/certificate.h"

#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include "base/file_descriptor.h"
#include "crypto/digest.h"
#include "crypto/openssl_handle.h"
#include "crypto/random.h"

namespace posthorn::crypto {
namespace {

using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Number = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;

constexpr long kDay = 86400;

// The extension language of OpenSSL would read commas and colons in a name, so nothing else is let in.
bool is_host_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && name.front() != '-' && name.front() != '.' &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                  c == '.';
         });
}

bool add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
  // [RFC5280 4.1.2.2] positive, at most 20 octets
  std::string bytes = random_bytes(16);
  bytes[0] = static_cast<char>((bytes[0] & 0x7f) | 0x40);
  const Number number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), 16, nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_names(X509* certificate, const std::string& hostname) {
  // [RFC5280 A.1] ub-common-name is 64; clients look at the SAN anyway [RFC6125 6.4.4].
  const std::string common_name = hostname.size() <= 64 ? hostname : "posthorn";
  X509_NAME* const name = X509_get_subject_name(certificate);
  std::string alternatives = "DNS:" + hostname;
  if (hostname != "localhost") alternatives += ",DNS:localhost";
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                    reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                                    0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1 &&
         add_extension(certificate, NID_subject_alt_name, alternatives + ",IP:127.0.0.1,IP:::1");
}

Error system_error(const std::string& what, const std::string& path) {
  const int code = errno;
  return {code == ENOSPC || code == EDQUOT ? Errc::no_space : Errc::io,
          what + " " + path + ": " + std::generic_category().message(code)};
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool exists(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0;
}

}  // namespace

Result<CertificatePem> make_self_signed(std::string_view hostname) {
  if (!is_host_name(hostname))
    return fail(Errc::invalid, "not a host name: " + std::string(hostname.substr(0, 80)));
  const KeyHandle key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  if (!key || !certificate) return openssl_failed("cannot make a key");
  X509* const c = certificate.get();
  const bool made =
      X509_set_version(c, X509_VERSION_3) == 1 && set_serial(c) &&
      X509_gmtime_adj(X509_getm_notBefore(c), -kDay) != nullptr &&  // clocks differ
      X509_gmtime_adj(X509_getm_notAfter(c), 3650 * kDay) != nullptr && X509_set_pubkey(c, key.get()) == 1 &&
      set_names(c, std::string(hostname)) && add_extension(c, NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(c, NID_key_usage, "critical,digitalSignature") &&
      add_extension(c, NID_ext_key_usage, "serverAuth") &&
      add_extension(c, NID_subject_key_identifier, "hash") && X509_sign(c, key.get(), EVP_sha256()) > 0;
  if (!made) return openssl_failed("cannot make a certificate");
  CertificatePem out;
  out.certificate = to_pem([&](BIO* b) { return PEM_write_bio_X509(b, c); });
  out.key = to_pem([&](BIO* b) {
    return PEM_write_bio_PKCS8PrivateKey(b, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  if (out.certificate.empty() || out.key.empty()) return openssl_failed("cannot write a certificate");
  return out;
}

Result<void> write_file_atomically(const std::string& path, std::string_view content, FileMode mode) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const std::string temporary = path + ".new-" + to_hex(random_bytes(6));
  {
    const FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                           static_cast<mode_t>(mode)));
    if (file.fd() < 0) return std::unexpected(system_error("cannot create", temporary));
    if (!write_all(file.fd(), content) || ::fsync(file.fd()) != 0) {
      auto error = system_error("cannot write", temporary);
      ::unlink(temporary.c_str());
      return std::unexpected(std::move(error));
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    auto error = system_error("cannot rename to", path);
    ::unlink(temporary.c_str());
    return std::unexpected(std::move(error));
  }
  const FileDescriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.fd() < 0 || ::fsync(directory.fd()) != 0)
    return std::unexpected(system_error("cannot sync the folder", folder));
  return {};
}

Result<void> ensure_self_signed(const std::string& certificate_path, const std::string& key_path,
                                std::string_view hostname) {
  if (exists(certificate_path) && exists(key_path)) return {};
  TRY(const auto pem, make_self_signed(hostname));
  TRY_OK(write_file_atomically(key_path, pem.key, FileMode::secret));
  return write_file_atomically(certificate_path, pem.certificate, FileMode::open);
}

Result<std::string> public_key_digest(const std::string& pem) {
  const BufferHandle buffer(BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<std::size_t>(pem.size(), 1 << 20))));
  const Certificate certificate(buffer ? PEM_read_bio_X509(buffer.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!certificate) return openssl_failed("no certificate", Errc::invalid);
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &der);
  if (size <= 0) return openssl_failed("its public key", Errc::invalid);
  const auto digest = sha256(std::string_view(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)));
  OPENSSL_free(der);
  return std::string(digest.begin(), digest.end());
}

}  // namespace posthorn::crypto
