// ADD.
#include "server/smap/session.h"

namespace posthorn::smap {

Session::Outcome Session::cmd_add(Words&) { co_return err("ADD is not available on this server"); }

}  // namespace posthorn::smap
