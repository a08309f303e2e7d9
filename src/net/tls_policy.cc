#include "net/tls_policy.h"

#include <algorithm>

namespace posthorn::net {
namespace {

constexpr std::size_t kSha256 = 32, kSha512 = 64;
constexpr std::size_t kMaxCertificate = 16 * 1024;

}  // namespace

bool is_usable(const TlsaRecord& record) {
  if (record.usage != 2 && record.usage != 3) return false;
  if (record.selector > 1) return false;
  switch (record.matching_type) {
    case 0: return !record.data.empty() && record.data.size() <= kMaxCertificate;
    case 1: return record.data.size() == kSha256;
    case 2: return record.data.size() == kSha512;
    default: return false;
  }
}

bool any_usable(const std::vector<TlsaRecord>& records) { return std::ranges::any_of(records, is_usable); }

std::string_view to_string(TlsProblem problem) {
  switch (problem) {
    case TlsProblem::none: return "none";
    case TlsProblem::expired: return "certificate expired";
    case TlsProblem::not_yet_valid: return "certificate not yet valid";
    case TlsProblem::unknown_issuer: return "unknown issuer";
    case TlsProblem::self_signed: return "self-signed certificate";
    case TlsProblem::name_mismatch: return "name mismatch";
    case TlsProblem::revoked: return "certificate revoked";
    case TlsProblem::no_matching_tlsa: return "no matching TLSA record";
    case TlsProblem::tlsa_unusable: return "no usable TLSA record";
    case TlsProblem::no_matching_pin: return "no matching pin";
    case TlsProblem::bad_certificate: return "bad certificate";
    case TlsProblem::handshake: return "handshake failed";
    case TlsProblem::connection: return "connection lost";
    case TlsProblem::bad_policy: return "incomplete policy";
  }
  return "?";
}

std::string_view tlsrpt_result(TlsProblem problem) {
  switch (problem) {
    case TlsProblem::none: return "";
    case TlsProblem::expired: return "certificate-expired";
    case TlsProblem::name_mismatch: return "certificate-host-mismatch";
    case TlsProblem::unknown_issuer:
    case TlsProblem::self_signed:
    case TlsProblem::revoked:
    case TlsProblem::not_yet_valid: return "certificate-not-trusted";
    case TlsProblem::tlsa_unusable: return "tlsa-invalid";
    // [RFC8460 4.3.2.1] tlsa-invalid is about the records themselves; that none of them matches is none of the named reasons.
    case TlsProblem::no_matching_tlsa:
    case TlsProblem::no_matching_pin:
    case TlsProblem::bad_certificate:
    case TlsProblem::handshake:
    case TlsProblem::connection:
    case TlsProblem::bad_policy: return "validation-failure";
  }
  return "validation-failure";
}

}  // namespace posthorn::net
