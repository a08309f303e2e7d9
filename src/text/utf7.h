// IMAP's modified UTF-7 for mailbox names [RFC3501 5.1.3].
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::text {

// Errc::syntax for 8-bit bytes, control characters, bad or non-canonical BASE64, encoded printable ASCII,
// superfluous shifts and lone surrogates: so that one name has one form.
Result<std::string> imap_utf7_to_utf8(std::string_view name);

// The canonical form.  Errc::syntax when the input is not UTF-8.
Result<std::string> utf8_to_imap_utf7(std::string_view name);

}  // namespace posthorn::text
