// Unicode Normalization Form C: what looks the same has the same bytes. [RFC5198 3]
#pragma once

#include <string>
#include <string_view>

namespace posthorn::text {

// Malformed UTF-8 becomes U+FFFD.  At most three times as long as before.
std::string nfc(std::string_view utf8);

}  // namespace posthorn::text
