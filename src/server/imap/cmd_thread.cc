// THREAD. [RFC5256 3]
#include "server/imap/session.h"

namespace posthorn::imap {

Task<Result<Reply>> Session::cmd_thread(Command&) { co_return no("Not supported", "CANNOT"); }

}  // namespace posthorn::imap
