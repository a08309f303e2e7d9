// Base64 for the text forms of hashes and keys in this folder.  Mail's base64 is text/base64.h.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::crypto {

enum class Padding { none, equals };
std::string encode_base64(std::string_view bytes, Padding);
// Strict: no white space, no stray characters, zero bits at the end; padding as asked for.  Errc::corrupt.
Result<std::string> decode_base64(std::string_view text, Padding);

}  // namespace posthorn::crypto
