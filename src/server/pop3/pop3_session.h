// The POP3 server side of one connection. [RFC1939] [RFC2449] [RFC2595] [RFC5034]
#pragma once

#include "async/task.h"
#include "server/common/session_context.h"

namespace posthorn::pop3 {

// Serves the connection until either side ends it.  Never throws; a bug in a command closes this connection only.
// REQUIRES: on the reactor of the connection; the services outlive the task.
Task<> run_pop3_session(server::SessionContext context);

}  // namespace posthorn::pop3
