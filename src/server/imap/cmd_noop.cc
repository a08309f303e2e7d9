// NOOP [RFC3501 6.1.2], CHECK [RFC3501 6.4.1], LOGOUT [RFC3501 6.1.3].
#include "server/imap/session.h"

namespace posthorn::imap {

// What has changed is told behind every command; nothing is left to do.  A checkpoint is not needed: all that was
// answered is durable.
Task<Result<Reply>> Session::cmd_noop(Command&) { co_return ok("Completed"); }

Task<Result<Reply>> Session::cmd_logout(Command&) {
  selected_.reset();
  say_bye({}, "Logging out", "logout");
  co_return ok("LOGOUT completed");
}

}  // namespace posthorn::imap
