#include "net/peer_certificate.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <string_view>

#include "net/certificate_text.h"
#include "net/connection.h"

namespace posthorn::net {
namespace {

std::string shown(std::string_view text) { return printable_text(text, PeerCertificate::kText); }
std::string text_of(const X509_NAME* name) { return net::text_of(name, PeerCertificate::kText); }

std::string_view bytes_of(const ASN1_STRING* s) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(s)), static_cast<std::size_t>(ASN1_STRING_length(s))};
}

std::string part_of(const X509_NAME* name, int what) {
  const int at = X509_NAME_get_index_by_NID(name, what, -1);
  return at < 0 ? std::string() : shown(bytes_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at))));
}

// "Let's Encrypt R11"; of what has neither, all of it.
std::string name_for_people(const X509_NAME* name) {
  const auto organisation = part_of(name, NID_organizationName), common = part_of(name, NID_commonName);
  if (organisation.empty() && common.empty()) return text_of(name);
  if (organisation.empty() || common.find(organisation) != common.npos) return common.empty() ? organisation : common;
  return common.empty() ? organisation : organisation + ' ' + common;
}

SysTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return SysTime(std::chrono::seconds(::timegm(&parts)));
}

void take_names(PeerCertificate& out, X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)), &GENERAL_NAMES_free);
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    if (out.names.size() == PeerCertificate::kNames) {
      ++out.more_names;
      continue;
    }
    if (name->type == GEN_DNS) {
      out.names.push_back(shown(bytes_of(name->d.dNSName)));
      continue;
    }
    const auto ip = bytes_of(name->d.iPAddress);
    char text[INET6_ADDRSTRLEN] = "?";
    if (ip.size() == 4 || ip.size() == 16) ::inet_ntop(ip.size() == 4 ? AF_INET : AF_INET6, ip.data(), text, sizeof text);
    out.names.emplace_back(text);
  }
}

}  // namespace

std::optional<PeerCertificate> Connection::peer_certificate() const {
  X509* const certificate = ssl_ ? SSL_get0_peer_certificate(static_cast<SSL*>(ssl_)) : nullptr;
  if (!certificate) return {};
  const X509_NAME *const subject = X509_get_subject_name(certificate), *const issuer = X509_get_issuer_name(certificate);
  PeerCertificate out{.subject = text_of(subject),
                      .issuer = text_of(issuer),
                      .common_name = part_of(subject, NID_commonName),
                      .issuer_name = name_for_people(issuer),
                      .names = {},
                      .more_names = 0,
                      .not_before = time_of(X509_get0_notBefore(certificate)),
                      .not_after = time_of(X509_get0_notAfter(certificate)),
                      .key_type = {},
                      .key_bits = 0,
                      .self_signed = X509_NAME_cmp(subject, issuer) == 0,
                      .sha256 = std::string(32, '\0')};
  take_names(out, certificate);
  if (const EVP_PKEY* key = X509_get0_pubkey(certificate)) {
    const char* const type = EVP_PKEY_get0_type_name(key);
    out.key_type = shown(type ? type : "?");
    out.key_bits = EVP_PKEY_get_bits(key);
  }
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), reinterpret_cast<unsigned char*>(out.sha256.data()), &size);
  return out;
}

}  // namespace posthorn::net
