// The [[relay]] tables.
#pragma once

#include <vector>

#include "config/document.h"
#include "config/relay.h"
#include "config/report.h"

namespace posthorn::config {

// The relays of `relay` that make sense; what does not is in the report.
//
// What the port says [RFC8314 3.3]: 465 is TLS from the first byte, 587 and 2525 are TLS by STARTTLS or nothing, 25 is TLS where the
// server has it.  Clear text at other ports than 25 needs allow_plaintext = true; a password in clear text allow_plaintext_auth = true.
std::vector<Relay> check_relays(const Entry& relay, Report&);

}  // namespace posthorn::config
