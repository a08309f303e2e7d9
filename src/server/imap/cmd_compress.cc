// COMPRESS. [RFC4978]
#include "server/imap/session.h"

namespace posthorn::imap {

Task<Result<Reply>> Session::cmd_compress(Command&) { co_return no("Not supported", "CANNOT"); }

}  // namespace posthorn::imap
