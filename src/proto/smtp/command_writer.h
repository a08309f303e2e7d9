// What an SMTP or LMTP client says: the commands of command.h as lines. [RFC5321 4.1.1] and the extensions named there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "proto/smtp/command.h"

namespace posthorn::smtp {

// Each appends one line with its CRLF.  Errc::invalid: a value that no such command can carry; nothing is appended then.  So nothing that
// comes from outside can end the line early: control characters are refused wherever they are not encoded.

// With every parameter that is set (7BIT is said by silence); whether the server offers them is the caller's to know (ehlo.h).
Result<void> put_command(std::string& out, const Mail&);
Result<void> put_command(std::string& out, const Rcpt&);
Result<void> put_hello(std::string& out, std::string_view verb, std::string_view domain);  // EHLO, HELO, LHLO
void put_bdat(std::string& out, std::uint64_t size, bool last);                            // [RFC3030]
// AUTH with an initial response that is not base64 yet; nullopt: none.  [RFC4954 4]
Result<void> put_auth(std::string& out, std::string_view mechanism, const std::optional<std::string>& initial_response);

}  // namespace posthorn::smtp
