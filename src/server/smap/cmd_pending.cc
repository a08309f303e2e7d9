#include "server/smap/session.h"

namespace posthorn::smap {

namespace {
Reply missing() { return err("Not available on this server"); }
}  // namespace

Session::Outcome Session::cmd_list(Words&) { co_return missing(); }
Session::Outcome Session::cmd_create(Words&) { co_return missing(); }
Session::Outcome Session::cmd_mkdir(Words&) { co_return missing(); }
Session::Outcome Session::cmd_delete(Words&) { co_return missing(); }
Session::Outcome Session::cmd_rmdir(Words&) { co_return missing(); }
Session::Outcome Session::cmd_rename(Words&) { co_return missing(); }
Session::Outcome Session::cmd_status(Words&) { co_return missing(); }
Session::Outcome Session::cmd_idle(Words&) { co_return missing(); }
Session::Outcome Session::cmd_store(Words&) { co_return missing(); }
Session::Outcome Session::cmd_expunge(Words&) { co_return missing(); }
Session::Outcome Session::cmd_copy(Words&) { co_return missing(); }
Session::Outcome Session::cmd_move(Words&) { co_return missing(); }
Session::Outcome Session::cmd_acl(Words&) { co_return missing(); }
Session::Outcome Session::cmd_getacl(Words&) { co_return missing(); }
Session::Outcome Session::cmd_setacl(Words&) { co_return missing(); }
Session::Outcome Session::cmd_deleteacl(Words&) { co_return missing(); }
void Session::put_snapshot() {}
Task<Result<bool>> Session::tell_since_snapshot(std::string_view) { co_return false; }

}  // namespace posthorn::smap
