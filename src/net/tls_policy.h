// What a client asks of the certificate of a server, and why it was not satisfied.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::net {

// [RFC6698 2.1] `data` is bytes, not hexadecimal.
struct TlsaRecord {
  std::uint8_t usage = 0, selector = 0, matching_type = 0;
  std::string data;
  friend bool operator==(const TlsaRecord&, const TlsaRecord&) = default;
};
// [RFC7672 3.1] DANE-TA(2) or DANE-EE(3), with a selector, a digest and data that we understand; the PKIX usages are not for SMTP.
// Where there are TLSA records and none is usable, TLS is wanted all the same, without authentication [RFC7672 2.2]: the caller then uses
// TlsTrust::none.
bool is_usable(const TlsaRecord&);
bool any_usable(const std::vector<TlsaRecord>&);

enum class TlsTrust : std::uint8_t {
  none,         // any certificate
  ca_and_name,  // a chain to the context's authorities, valid today, with one of `names` [RFC6125 6]
  dane,         // one of `tlsa` matches; with usage 2 also dates and one of `names`, with usage 3 neither [RFC7672 3.1.1]
  pinned,       // one of `pins` is the SHA-256 of the certificate's public key (SubjectPublicKeyInfo) or of the certificate; nothing else
};
enum class OnMistrust : std::uint8_t {
  fail,    // the handshake fails, nothing was sent to this server
  report,  // it goes on; tls_verdict() tells
};

struct TlsPolicy {
  TlsTrust trust = TlsTrust::none;
  OnMistrust on_mistrust = OnMistrust::fail;
  std::string server_name;         // for SNI: a host name; empty, or an address: none is sent
  // Host names (A-labels), or one address alone; one of them must be in the certificate.  A name is looked for in the subject's CN only
  // if the certificate has no names of hosts elsewhere [RFC6125 6.4.4]; "*" stands for the whole of the leftmost label.
  std::vector<std::string> names;  // REQUIRES: at least one, for ca_and_name and dane
  std::vector<TlsaRecord> tlsa;
  std::vector<std::string> pins;   // 32 bytes each
};

// What was wrong with a certificate or a handshake.
enum class TlsProblem : std::uint8_t {
  none,
  expired,
  not_yet_valid,
  unknown_issuer,   // no chain to a known authority
  self_signed,
  name_mismatch,
  revoked,
  no_matching_tlsa,
  tlsa_unusable,    // DANE was asked for, and no record is usable
  no_matching_pin,
  bad_certificate,  // another defect of the chain: weak keys, not meant for servers ...
  handshake,        // no common version or cipher, no TLS at all, damaged records, an alert
  connection,       // the peer left or was silent
  bad_policy,       // ours: a policy without the names, records or pins that it needs
};
std::string_view to_string(TlsProblem);
// result-type of a TLSRPT report [RFC8460 4.3]: "certificate-expired", "certificate-host-mismatch", "certificate-not-trusted",
// "tlsa-invalid", "validation-failure"; empty for `none`.
std::string_view tlsrpt_result(TlsProblem);

struct TlsVerdict {
  bool verified = false;  // the certificate satisfied the policy; never with TlsTrust::none
  TlsProblem problem = TlsProblem::none;
  // For people: "the certificate is for mx.example.net, not for mx.example.org", "TLSA 3 1 1 matches".  No control characters.
  std::string text;
};

}  // namespace posthorn::net
