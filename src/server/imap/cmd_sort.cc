// SORT. [RFC5256 3] [RFC5957] [RFC5267]
#include "server/imap/session.h"

namespace posthorn::imap {

Task<Result<Reply>> Session::cmd_sort(Command&) { co_return no("Not supported", "CANNOT"); }

}  // namespace posthorn::imap
