// EXPUNGE [RFC3501 6.4.3], UID EXPUNGE [RFC4315 2.1].
#include "server/imap/session.h"

namespace posthorn::imap {

// The dispatcher tells the EXPUNGE responses, ours and those of others alike.
Task<Result<Reply>> Session::cmd_expunge(Command& command) {
  const auto& expunge = std::get<Expunge>(command.command);
  if (!selected_->rights.contains(store::kExpunge)) co_return no("You may not expunge here", "NOPERM");  // [RFC4314 4]
  std::optional<store::UidSet> uids;
  if (expunge.uids) {
    CO_TRY(const auto ranges, resolve(*expunge.uids, Numbers::uid, *selected_));
    uids = uids_of(ranges, *selected_->told);
  }
  CO_TRY(const auto result, co_await selected_->account->expunge(selected_->id, std::move(uids)));
  auto reply = ok("EXPUNGE completed");
  reply.expunged = !result.uids.empty();
  co_return reply;
}

}  // namespace posthorn::imap
