// FETCH.
#include "server/smap/session.h"

namespace posthorn::smap {

Session::Outcome Session::cmd_fetch(Words&) { co_return err("FETCH is not available on this server"); }

}  // namespace posthorn::smap
