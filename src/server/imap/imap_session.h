// The IMAP4rev1 server side of one connection. [RFC3501]
#pragma once

#include "async/task.h"
#include "server/common/session_context.h"

namespace posthorn::imap {

// Serves the connection until either side ends it.  Never throws; a bug in a command closes this connection only.
// REQUIRES: on the reactor of the connection; the services outlive the task.
Task<> run_imap_session(server::SessionContext context);

}  // namespace posthorn::imap
