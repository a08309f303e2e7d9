// NAMESPACE. [RFC2342]
#include "proto/imap/writer.h"
#include "server/imap/session.h"

namespace posthorn::imap {

Task<Result<Reply>> Session::cmd_namespace(Command&) {
  CO_TRY(const auto shared, co_await access_.shared_owner());
  Writer w(output());
  w.untagged().raw("NAMESPACE ((\"\" \"/\")) ((").quoted(kOtherUsers).raw(" \"/\")) ");
  if (shared) w.raw("((").quoted(kShared).raw(" \"/\"))");
  else w.nil();
  w.crlf();
  co_return ok("NAMESPACE completed");
}

}  // namespace posthorn::imap
