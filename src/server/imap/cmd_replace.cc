// What REPLACE and UID REPLACE have beyond APPEND. [RFC8508]
#include "server/imap/append_job.h"

namespace posthorn::imap {

// [RFC8508 4.1] What UID STORE \Deleted and UID EXPUNGE need; by the rights as they are now.
bool Session::may_replace() {
  if (!selected_ || selected_->read_only) return false;
  const auto state = selected_->account->mailbox(selected_->id);
  return state && refresh_rights(*state) && selected_->changeable().contains(store::kDeleteMessages | store::kExpunge);
}

// The message that it names must be there, and the user must be allowed to remove it.
Task<std::optional<Reply>> Session::refuse_replace(AppendJob& job, const Append& append) {
  if (!offers("REPLACE")) co_return bad("This command is switched off here");
  if (!selected_) co_return bad("No mailbox is selected");
  if (selected_->read_only) co_return refuse_read_only();
  if (!may_replace()) co_return response_for({Errc::denied, {}});
  const auto ranges = resolve(*append.replaced, Numbers(append.replaced_by_uid), *selected_);
  if (!ranges) co_return response_for(ranges.error());
  if (ranges->empty()) co_return no("There is no message with that UID", "NONEXISTENT");
  const auto& entry = selected_->told->at(ranges->front().from);
  const auto now = co_await selected_->account->view(selected_->id);
  if (!now) co_return response_for(now.error());
  if (!(*now)->find(entry.uid)) co_return no("The message no longer exists", "EXPUNGEISSUED");
  job.replaced = entry.uid;
  job.freed = entry.size;
  co_return std::nullopt;
}

}  // namespace posthorn::imap
