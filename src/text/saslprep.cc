#include "text/saslprep.h"

#include <unicode/usprep.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <vector>

#include "text/ascii.h"
#include "text/utf8.h"

namespace posthorn::text {
namespace {

constexpr std::size_t kMaxInput = 64 * 1024;  // far beyond any name or password

Error refused() { return {Errc::invalid, "text that SASLprep does not allow"}; }

const UStringPrepProfile* profile() {
  static const UStringPrepProfile* const opened = [] {
    UErrorCode error = U_ZERO_ERROR;
    auto* const p = usprep_openByType(USPREP_RFC4013_SASLPREP, &error);
    CHECK(U_SUCCESS(error));
    return p;
  }();
  return opened;
}

Result<std::string> saslprep_slow(std::string_view s) {
  UErrorCode error = U_ZERO_ERROR;
  std::vector<UChar> in(s.size()), out(4 * s.size() + 64);  // a code unit of UTF-16 takes a byte of UTF-8 or more
  int32_t length = 0;
  u_strFromUTF8(in.data(), static_cast<int32_t>(in.size()), &length, s.data(), static_cast<int32_t>(s.size()), &error);
  const auto prepare = [&] {
    error = U_ZERO_ERROR;
    return usprep_prepare(profile(), in.data(), length, out.data(), static_cast<int32_t>(out.size()), USPREP_ALLOW_UNASSIGNED,
                          nullptr, &error);
  };
  int32_t made = prepare();
  if (error == U_BUFFER_OVERFLOW_ERROR) {  // NFKC makes eighteen characters of one, at most
    out.resize(static_cast<std::size_t>(made) + 1);
    made = prepare();
  }
  if (U_FAILURE(error)) return std::unexpected(refused());
  std::string utf8(static_cast<std::size_t>(made) * 3, '\0');
  u_strToUTF8(utf8.data(), static_cast<int32_t>(utf8.size()), &length, out.data(), made, &error);
  if (U_FAILURE(error)) return std::unexpected(refused());
  utf8.resize(static_cast<std::size_t>(length));
  return utf8;
}

}  // namespace

Result<std::string> saslprep(std::string_view s) {
  if (s.size() > kMaxInput || !is_valid_utf8(s)) return std::unexpected(refused());
  if (!is_ascii(s)) return saslprep_slow(s);
  // [RFC3454 C.2.1] ASCII is its own form; controls are prohibited.
  const bool control = std::ranges::any_of(s, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (control) return std::unexpected(refused());
  return std::string(s);
}

}  // namespace posthorn::text
