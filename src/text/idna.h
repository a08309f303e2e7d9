// Domain names in any script [RFC5890]: between what people write and what the DNS holds.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::text {

// "Bücher.example" becomes "xn--bcher-kva.example": mapped (UTS 46, not transitional: "ß" stays itself), then U-labels become A-labels
// [RFC5891 4].  ASCII comes back in lower case and otherwise as it is, "_" and damaged "xn--" included: whether such a name exists, the DNS knows.
// Errc::syntax: no UTF-8, or a label that IDNA does not allow; Errc::limit: a label beyond 63 octets, the whole beyond 253.
Result<std::string> domain_to_ascii(std::string_view utf8);

// For people to read: A-labels become U-labels where that can be undone; any other label stays as it is.
std::string domain_to_unicode(std::string_view ascii);

}  // namespace posthorn::text
