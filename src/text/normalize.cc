#include "text/normalize.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

#include "base/result.h"
#include "text/ascii.h"

namespace posthorn::text {

std::string nfc(std::string_view utf8) {
  if (is_ascii(utf8)) return std::string(utf8);
  UErrorCode error = U_ZERO_ERROR;
  static const icu::Normalizer2* const form_c = icu::Normalizer2::getNFCInstance(error);
  CHECK(form_c);
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  form_c->normalizeUTF8(0, icu::StringPiece(utf8.data(), static_cast<int32_t>(utf8.size())), sink, nullptr, error);
  CHECK(U_SUCCESS(error));
  return out;
}

}  // namespace posthorn::text
