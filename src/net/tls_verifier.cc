#include "net/tls_verifier.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include "net/certificate_text.h"

namespace posthorn::net {
namespace {

constexpr int kNamesShown = 4;
constexpr std::size_t kNameShown = 80;

// Where the callback of a verification finds its TlsVerifier.
int slot() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

bool is_address(const std::string& name) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, name.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

bool is_host_name(std::string_view name) {
  // OpenSSL would take ".example.org" for all names below.
  return !name.empty() && name.size() <= 253 && name.front() != '.' && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
  });
}

TlsProblem problem_of(int error, TlsTrust trust) {
  switch (error) {
    case X509_V_OK: return TlsProblem::none;
    case X509_V_ERR_CERT_HAS_EXPIRED: return TlsProblem::expired;
    case X509_V_ERR_CERT_NOT_YET_VALID: return TlsProblem::not_yet_valid;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return TlsProblem::name_mismatch;
    case X509_V_ERR_CERT_REVOKED: return TlsProblem::revoked;
    case X509_V_ERR_DANE_NO_MATCH:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
      // With DANE no authority is trusted by itself: that the chain ends nowhere means that no record names its end.
      if (trust == TlsTrust::dane) return TlsProblem::no_matching_tlsa;
      if (trust == TlsTrust::pinned) return TlsProblem::no_matching_pin;
      return error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ? TlsProblem::self_signed : TlsProblem::unknown_issuer;
    default: return TlsProblem::bad_certificate;
  }
}

// As much as a log line can bear.
std::string shown(std::string_view text) { return printable_text(text, kNameShown); }
std::string text_of(const X509_NAME* name) { return net::text_of(name, kNameShown); }

std::string text_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable time";
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
  return text;
}

std::string address_text(const ASN1_OCTET_STRING* ip) {
  char text[INET6_ADDRSTRLEN] = "?";
  const int size = ASN1_STRING_length(ip);
  if (size == 4 || size == 16) ::inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(ip), text, sizeof text);
  return text;
}

// "a.example.org, b.example.org and 7 more"
std::string names_of(X509* certificate) {
  struct Free {
    void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  };
  const std::unique_ptr<GENERAL_NAMES, Free> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string out;
  int found = 0;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    if (++found > kNamesShown) continue;
    if (!out.empty()) out += ", ";
    if (name->type == GEN_IPADD) out += address_text(name->d.iPAddress);
    else
      out += shown({reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                    static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))});
  }
  if (found > kNamesShown) out += " and " + std::to_string(found - kNamesShown) + " more";
  return found ? out : text_of(X509_get_subject_name(certificate));
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : " or ") + name;
  return out;
}

}  // namespace

bool TlsVerifier::refuse(TlsProblem problem, std::string text) {
  fail(problem, std::move(text));
  return false;
}

void TlsVerifier::fail(TlsProblem problem, std::string text) {
  verdict_ = {.verified = false, .problem = problem, .text = std::move(text)};
}

bool TlsVerifier::set_up(SSL* ssl) {
  SSL_set_ex_data(ssl, slot(), this);
  const bool ready = [&] {
    switch (policy_.trust) {
      case TlsTrust::none: return true;
      case TlsTrust::ca_and_name: return set_names(ssl);
      case TlsTrust::dane: return set_dane(ssl);
      case TlsTrust::pinned: return set_pins(ssl);
    }
    return false;
  }();
  if (!ready) return false;
  if (is_host_name(policy_.server_name) && !is_address(policy_.server_name)) SSL_set_tlsext_host_name(ssl, policy_.server_name.c_str());
  if (policy_.trust == TlsTrust::none) {
    // Weak is better than clear text, which is what a client that asks nothing of the certificate would fall back to.
    SSL_set_security_level(ssl, 0);
    SSL_set_options(ssl, SSL_OP_LEGACY_SERVER_CONNECT);
  } else {
    SSL_set_verify(ssl, policy_.on_mistrust == OnMistrust::fail ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, &on_certificate);
  }
  return true;
}

// [RFC6125 6.4.3] No wildcard for a part of a label.
bool TlsVerifier::set_names(SSL* ssl) {
  const auto& names = policy_.names;
  if (names.empty()) return refuse(TlsProblem::bad_policy, "no name to look for in the certificate");
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (names.size() == 1 && is_address(names.front())) {
    X509_VERIFY_PARAM_set1_host(SSL_get0_param(ssl), nullptr, 0);
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), names.front().c_str()) == 1 ||
           refuse(TlsProblem::bad_policy, "a bad address");
  }
  for (const auto& name : names) {
    const bool first = &name == &names.front();
    if (!is_host_name(name) || (first ? SSL_set1_host(ssl, name.c_str()) : SSL_add1_host(ssl, name.c_str())) != 1)
      return refuse(TlsProblem::bad_policy, "'" + shown(name) + "' is no name of a host");
  }
  return true;
}

bool TlsVerifier::set_dane(SSL* ssl) {
  if (!any_usable(policy_.tlsa)) return refuse(TlsProblem::tlsa_unusable, "no TLSA record is usable");
  if (SSL_dane_enable(ssl, nullptr) <= 0) return refuse(TlsProblem::bad_policy, "DANE is not available");
  // [RFC7672 3.1.1] With DANE-EE neither names nor dates count; OpenSSL leaves out the dates by itself.
  SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
  if (!set_names(ssl)) return false;
  for (const auto& record : policy_.tlsa)
    if (is_usable(record))
      SSL_dane_tlsa_add(ssl, record.usage, record.selector, record.matching_type,
                        reinterpret_cast<const unsigned char*>(record.data.data()), record.data.size());
  ERR_clear_error();
  return true;
}

// A pin is what a record of usage 3 is, without the DNS.
bool TlsVerifier::set_pins(SSL* ssl) {
  if (SSL_dane_enable(ssl, nullptr) <= 0) return refuse(TlsProblem::bad_policy, "DANE is not available");
  SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
  int added = 0;
  for (const auto& pin : policy_.pins)
    for (const std::uint8_t selector : {0, 1})
      if (pin.size() == 32 && SSL_dane_tlsa_add(ssl, 3, selector, 1, reinterpret_cast<const unsigned char*>(pin.data()), pin.size()) > 0)
        ++added;
  ERR_clear_error();
  return added > 0 || refuse(TlsProblem::bad_policy, "no pin to compare the certificate with");
}

int TlsVerifier::on_certificate(int ok, X509_STORE_CTX* context) {
  if (ok) return ok;
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* self = static_cast<TlsVerifier*>(SSL_get_ex_data(ssl, slot()));
  if (self && !self->has_problem()) self->judge(X509_STORE_CTX_get_error(context), X509_STORE_CTX_get_current_cert(context));
  return ok;
}

void TlsVerifier::judge(int error, X509* certificate) {
  const auto problem = problem_of(error, policy_.trust);
  fail(problem, what_was_wrong(problem, error, certificate));
}

std::string TlsVerifier::what_was_wrong(TlsProblem problem, int error, X509* certificate) const {
  const std::string plain = X509_verify_cert_error_string(error);
  if (!certificate) return plain;
  switch (problem) {
    case TlsProblem::expired:
      return "the certificate of " + names_of(certificate) + " expired at " + text_of(X509_get0_notAfter(certificate));
    case TlsProblem::not_yet_valid:
      return "the certificate of " + names_of(certificate) + " is valid from " + text_of(X509_get0_notBefore(certificate));
    case TlsProblem::name_mismatch: return "the certificate is for " + names_of(certificate) + ", not for " + joined(policy_.names);
    case TlsProblem::self_signed: return "the certificate of " + names_of(certificate) + " is self-signed";
    case TlsProblem::unknown_issuer: return "the issuer of the certificate is not known: " + text_of(X509_get_issuer_name(certificate));
    case TlsProblem::no_matching_tlsa: return "no TLSA record matches the certificate";
    case TlsProblem::no_matching_pin: return "no pin matches the certificate";
    default: return plain;
  }
}

bool TlsVerifier::accept(SSL* ssl) {
  SSL_set_ex_data(ssl, slot(), nullptr);
  if (policy_.trust == TlsTrust::none) return true;
  const bool must = policy_.on_mistrust == OnMistrust::fail;
  if (has_problem()) return !must;
  // The callback was not asked, or it was content: OpenSSL's own result must say so too.
  const long result = SSL_get_verify_result(ssl);
  X509* certificate = SSL_get0_peer_certificate(ssl);
  if (result != X509_V_OK || !certificate) {
    judge(certificate ? static_cast<int>(result) : X509_V_ERR_CERT_UNTRUSTED, certificate);
    return !must;
  }
  std::uint8_t usage = 0, selector = 0, matching_type = 0;
  if (policy_.trust != TlsTrust::ca_and_name) {
    if (SSL_get0_dane_authority(ssl, nullptr, nullptr) < 0) {
      judge(X509_V_ERR_DANE_NO_MATCH, certificate);
      return !must;
    }
    SSL_get0_dane_tlsa(ssl, &usage, &selector, &matching_type, nullptr, nullptr);
  }
  verdict_.verified = true;
  switch (policy_.trust) {
    case TlsTrust::none: break;
    case TlsTrust::ca_and_name: verdict_.text = "issued by " + text_of(X509_get_issuer_name(certificate)); break;
    case TlsTrust::dane:
      verdict_.text = "TLSA " + std::to_string(usage) + ' ' + std::to_string(selector) + ' ' + std::to_string(matching_type) + " matches";
      break;
    case TlsTrust::pinned: verdict_.text = "a pin matches"; break;
  }
  return true;
}

}  // namespace posthorn::net
