// The SMAP server side of one connection. [SMAP1]
#pragma once

#include "async/task.h"
#include "server/common/session_context.h"

namespace posthorn::smap {

// Serves a connection that was greeted as IMAP and whose first \SMAP1 line waits in its input, until either side ends it.  Never throws; a
// bug in a command closes this connection only.
// REQUIRES: on the reactor of the connection; the services outlive the task.
Task<> run_smap_session(server::SessionContext context);

}  // namespace posthorn::smap
