// Host names and listening addresses as the file writes them.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/config.h"

namespace posthorn::config {

// [RFC1123 2.1] Letters, digits and hyphens in labels of 1 to 63, 253 in all, not an address.  Gives it in
// lower case.  Errc::invalid with what is wrong.
Result<std::string> parse_hostname(std::string_view);

// "1.2.3.4:25", "[::1]:25", "localhost:25" (means 127.0.0.1), "/run/posthorn/lmtp".  Addresses come out in
// their shortest form.  Errc::invalid with what is wrong.
Result<Endpoint> parse_endpoint(std::string_view);

}  // namespace posthorn::config
