// SEARCH.
#include "server/smap/session.h"

namespace posthorn::smap {

Session::Outcome Session::cmd_search(Words&) { co_return err("SEARCH is not available on this server"); }

}  // namespace posthorn::smap
