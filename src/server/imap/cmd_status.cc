// STATUS. [RFC3501 6.3.10] [RFC7162 3.1.7]
#include <string>

#include "proto/imap/writer.h"
#include "server/imap/session.h"

namespace posthorn::imap {

Task<Result<Reply>> Session::cmd_status(Command& command) {
  const auto& status = std::get<Status>(command.command);
  if (status.wants(StatusItem::highest_mod_seq)) enable_condstore();
  const auto state = account_->find_mailbox(status.mailbox);
  if (!state) co_return no("There is no such mailbox", "NONEXISTENT");
  std::uint64_t recent = 0;
  if (status.wants(StatusItem::recent) && state->recent_from < state->uid_next) {
    CO_TRY(auto view, co_await account_->view(state->id));
    recent = view->size() - view->lower_bound(state->recent_from);
  }
  std::string items;
  const auto put = [&](StatusItem item, std::string_view name, std::uint64_t value) {
    if (!status.wants(item)) return;
    if (!items.empty()) items += ' ';
    items.append(name).append(" ").append(std::to_string(value));
  };
  put(StatusItem::messages, "MESSAGES", state->messages);
  put(StatusItem::recent, "RECENT", recent);
  put(StatusItem::uid_next, "UIDNEXT", state->uid_next.value());
  put(StatusItem::uid_validity, "UIDVALIDITY", state->uid_validity.value());
  put(StatusItem::unseen, "UNSEEN", state->unseen);
  put(StatusItem::highest_mod_seq, "HIGHESTMODSEQ", state->highest_mod_seq.value());
  Writer(output()).untagged().raw("STATUS ").mailbox(state->name).raw(" (").raw(items).raw(")").crlf();
  co_return ok("STATUS completed");
}

}  // namespace posthorn::imap
