// GETQUOTA, GETQUOTAROOT, SETQUOTA. [RFC9208 4.1]
#include "server/imap/session.h"

namespace posthorn::imap {

Task<Result<Reply>> Session::cmd_getquota(Command&) { co_return no("Not supported", "CANNOT"); }
Task<Result<Reply>> Session::cmd_getquotaroot(Command&) { co_return no("Not supported", "CANNOT"); }
Task<Result<Reply>> Session::cmd_setquota(Command&) { co_return no("Not supported", "CANNOT"); }

}  // namespace posthorn::imap
