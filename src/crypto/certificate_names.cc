#include "crypto/certificate_names.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>

#include "crypto/openssl_handle.h"

namespace posthorn::crypto {
namespace {

using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;

constexpr std::size_t kMaxPem = 1 << 20;

std::string plain(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string out(name);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return out;
}

std::string text_of(const ASN1_STRING* s) {
  return plain({reinterpret_cast<const char*>(ASN1_STRING_get0_data(s)), static_cast<std::size_t>(ASN1_STRING_length(s))});
}

// Calls `put` with each name of a host.
template <class Put>
void for_each_name(const X509* certificate, Put put) {
  bool any = false;
  const Names names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    any = true;
    put(text_of(name->d.dNSName));
  }
  if (any) return;
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) put(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
}

}  // namespace

Result<void> CertificateNames::add(const std::string& pem, std::size_t index) {
  const BufferHandle buffer(BIO_new_mem_buf(pem.data(), static_cast<int>(std::min(pem.size(), kMaxPem))));
  // The auxiliary form, too, as OpenSSL does where it reads a chain.
  const Certificate certificate(buffer ? PEM_read_bio_X509_AUX(buffer.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!certificate) return openssl_failed("no certificate", Errc::invalid);
  for_each_name(certificate.get(), [&](std::string name) { index_of_.try_emplace(std::move(name), index); });
  return {};
}

std::optional<std::size_t> CertificateNames::find(std::string_view host) const {
  auto name = plain(host);
  if (name.starts_with('*')) return std::nullopt;
  if (const auto exact = index_of_.find(name); exact != index_of_.end()) return exact->second;
  const auto dot = name.find('.');
  if (dot == name.npos || dot == 0) return std::nullopt;
  name.replace(0, dot, "*");
  const auto any = index_of_.find(name);
  return any == index_of_.end() ? std::nullopt : std::optional(any->second);
}

}  // namespace posthorn::crypto
