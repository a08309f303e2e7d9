#include "text/idna.h"

#include <unicode/bytestream.h>
#include <unicode/idna.h>

#include <memory>

#include "text/ascii.h"
#include "text/utf8.h"

namespace posthorn::text {
namespace {

constexpr std::size_t kMaxInput = 1024;  // a name of 253 octets in A-labels has fewer in UTF-8 for any script
constexpr std::size_t kMaxDomain = 253, kMaxLabel = 63;  // [RFC1035 2.3.4]
constexpr std::string_view kPrefix = "xn--";              // [RFC5890 2.3.2.5]

// Immutable once made; any thread may use it.
const icu::IDNA& mapper() {
  static const std::unique_ptr<icu::IDNA> made = [] {
    UErrorCode error = U_ZERO_ERROR;
    std::unique_ptr<icu::IDNA> idna(icu::IDNA::createUTS46Instance(
        UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_NONTRANSITIONAL_TO_UNICODE | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ, error));
    CHECK(U_SUCCESS(error));
    return idna;
  }();
  return *made;
}

constexpr std::uint32_t kTooLong = UIDNA_ERROR_LABEL_TOO_LONG | UIDNA_ERROR_DOMAIN_NAME_TOO_LONG;

Result<void> check_lengths(std::string_view domain) {
  if (domain.ends_with('.')) domain.remove_suffix(1);
  if (domain.size() > kMaxDomain) return fail(Errc::limit, "the domain is longer than 253 octets");
  while (!domain.empty()) {
    const auto label = domain.substr(0, domain.find('.'));
    if (label.size() > kMaxLabel) return fail(Errc::limit, "a part of the domain is longer than 63 octets");
    domain.remove_prefix(std::min(domain.size(), label.size() + 1));
  }
  return {};
}

// The label when it is an A-label that becomes a U-label and back; else as it was.
std::string readable(std::string_view label) {
  if (!istarts_with(label, kPrefix)) return std::string(label);
  UErrorCode error = U_ZERO_ERROR;
  icu::IDNAInfo info;
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  mapper().labelToUnicodeUTF8({label.data(), static_cast<int32_t>(label.size())}, sink, info, error);
  return U_FAILURE(error) || info.hasErrors() ? std::string(label) : out;
}

}  // namespace

Result<std::string> domain_to_ascii(std::string_view utf8) {
  if (utf8.size() > kMaxInput) return fail(Errc::limit, "the domain is longer than 253 octets");
  if (!is_valid_utf8(utf8)) return fail(Errc::syntax, "the domain is no UTF-8");
  std::string out;
  if (is_ascii(utf8)) {
    out = to_lower(utf8);
  } else {
    UErrorCode error = U_ZERO_ERROR;
    icu::IDNAInfo info;
    icu::StringByteSink<std::string> sink(&out);
    mapper().nameToASCII_UTF8({utf8.data(), static_cast<int32_t>(utf8.size())}, sink, info, error);
    if (U_FAILURE(error)) return fail(Errc::syntax, "the domain cannot be converted");
    if (info.getErrors() & ~kTooLong) return fail(Errc::syntax, "the domain has a part that IDNA does not allow");
    if (info.getErrors()) return fail(Errc::limit, "the domain, or a part of it, is too long");
  }
  TRY_OK(check_lengths(out));
  return out;
}

std::string domain_to_unicode(std::string_view ascii) {
  std::string out;
  for (;;) {
    const auto label = ascii.substr(0, ascii.find('.'));
    out += label.size() > kMaxLabel ? std::string(label) : readable(label);
    if (label.size() == ascii.size()) return out;
    out += '.';
    ascii.remove_prefix(label.size() + 1);
  }
}

}  // namespace posthorn::text
