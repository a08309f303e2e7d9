// SASLprep [RFC4013]: user names and passwords in the one form in which they are compared and hashed.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::text {

// As for a query: characters unassigned in Unicode 3.2 pass [RFC4013 2.5].  May come out empty.
// Errc::invalid: no UTF-8, or characters that are prohibited, or directions mixed [RFC4013 2.3, 2.4].
Result<std::string> saslprep(std::string_view s);

}  // namespace posthorn::text
