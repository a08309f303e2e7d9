// The addresses and domains that may be served here, in the one form in which they are stored and compared.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::auth {

// Lower case, split.  Case is folded for ASCII letters only: a UTF-8 local part is compared as it is.
struct LocalAddress {
  std::string local;  // empty: the catch-all of the domain
  std::string domain;
  std::string text() const { return local + '@' + domain; }
  friend bool operator==(const LocalAddress&, const LocalAddress&) = default;
};

enum class CatchAll { refuse, allow };

// A host name: labels of letters, digits and hyphens, or UTF-8 (the same domain's xn-- form is another domain here).
// [RFC5321 4.1.2] [RFC6531 3.3]  Errc::invalid, with a text fit for the operator.
Result<std::string> normal_domain(std::string_view domain);

// "user@domain" with a dot-string as local part, at most 64 octets [RFC5321 4.5.3.1.1]; "@domain" where allowed.
// Errc::invalid, with a text fit for the operator.
Result<LocalAddress> normal_address(std::string_view address, CatchAll = CatchAll::refuse);

// The same for an address that need not be ours: its local part keeps its case, and may have 255 octets.
Result<LocalAddress> any_address(std::string_view address);

}  // namespace posthorn::auth
