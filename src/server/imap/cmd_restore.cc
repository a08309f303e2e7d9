// XRESTORE, our own: docs/formats/control.md.
#include <utility>

#include "server/imap/session.h"

namespace posthorn::imap {

Task<Result<Reply>> Session::cmd_restore(Command& command) {
  auto& restore = std::get<Restore>(command.command);
  auto target = co_await access_.locate(std::move(restore.mailbox), store::kInsert);
  if (!target && target.error().code == Errc::not_found) co_return no("There is no such mailbox", "NONEXISTENT");
  if (!target) co_return std::unexpected(std::move(target).error());
  if (target->account != account_) co_return no("Only mailboxes of one's own are restored", "NOPERM");
  const auto done = co_await account_->restore_uids(target->state->id, UidValidity(restore.uid_validity), Uid(restore.uid_next));
  // In its own words: who asks is the operator.
  if (!done && (done.error().code == Errc::busy || done.error().code == Errc::limit)) co_return no(done.error().text, "CANNOT");
  if (!done) co_return std::unexpected(done.error());
  co_return ok("XRESTORE completed");
}

}  // namespace posthorn::imap
