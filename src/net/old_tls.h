// TLS as nobody should speak it any more.
#pragma once

#include <memory>

#include "base/result.h"
#include "net/tls.h"

namespace posthorn::net {

// Speaks TLS 1.0 and 1.1 only, with any cipher, and trusts nobody: for finding out whether a server still takes them [RFC8996].  Nothing may
// be said over it.  unsupported: the library cannot.
Result<std::shared_ptr<const TlsContext>> client_of_old_tls();

}  // namespace posthorn::net
