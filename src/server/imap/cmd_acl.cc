// SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS. [RFC4314 3]
#include "server/imap/session.h"

namespace posthorn::imap {

Task<Result<Reply>> Session::cmd_setacl(Command&) { co_return no("Not supported", "CANNOT"); }
Task<Result<Reply>> Session::cmd_deleteacl(Command&) { co_return no("Not supported", "CANNOT"); }
Task<Result<Reply>> Session::cmd_getacl(Command&) { co_return no("Not supported", "CANNOT"); }
Task<Result<Reply>> Session::cmd_listrights(Command&) { co_return no("Not supported", "CANNOT"); }
Task<Result<Reply>> Session::cmd_myrights(Command&) { co_return no("Not supported", "CANNOT"); }

}  // namespace posthorn::imap
