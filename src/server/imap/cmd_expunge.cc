// EXPUNGE [RFC3501 6.4.3], UID EXPUNGE [RFC4315 2.1].
#include "server/imap/session.h"

namespace posthorn::imap {

// The dispatcher tells the EXPUNGE responses, ours and those of others alike.
Task<Result<Reply>> Session::cmd_expunge(Command& command) {
  const auto& expunge = std::get<Expunge>(command.command);
  std::optional<store::UidSet> uids;
  if (expunge.uids) {
    CO_TRY(const auto ranges, resolve(*expunge.uids, Numbers::uid, *selected_));
    uids = uids_of(ranges, *selected_->told);
  }
  CO_TRY_OK(co_await selected_->account->expunge(selected_->id, std::move(uids)));
  co_return ok("EXPUNGE completed");
}

}  // namespace posthorn::imap
