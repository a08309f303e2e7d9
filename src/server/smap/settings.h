// What is counted of SMAP; its limits are those of server/common/imap_port.h.
#pragma once

#include "base/metrics.h"

namespace posthorn::smap {

inline Gauge sessions_open{"smap.sessions", "SMAP connections open now."};
inline Gauge sessions_idling{"smap.idling", "SMAP connections in IDLE now."};
inline Counter commands_done{"smap.commands", "SMAP commands answered."};
inline Counter logins{"smap.logins", "SMAP sign-ins that succeeded."};
inline Counter login_failures{"smap.login_failures", "SMAP sign-ins that were refused."};

}  // namespace posthorn::smap
