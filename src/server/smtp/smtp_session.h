// SMTP [RFC5321], submission [RFC6409] and LMTP [RFC2033] for one connection.
#pragma once

#include "async/task.h"
#include "server/common/session_context.h"

namespace posthorn::server {

// Runs the whole session, TLS handshake of an implicit-TLS listener included; the caller closes the connection afterwards.
// Ends early when connection.shut_down() is called.  Never throws.  REQUIRES: context.connection and context.services outlive it;
// on the connection's reactor.
Task<> run_smtp_session(SessionContext context);

}  // namespace posthorn::server
