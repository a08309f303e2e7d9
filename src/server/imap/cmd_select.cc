// SELECT and EXAMINE [RFC3501 6.3.1, 6.3.2], CLOSE [RFC3501 6.4.2], UNSELECT [RFC3691].
#include <optional>

#include "proto/imap/writer.h"
#include "server/imap/session.h"

namespace posthorn::imap {
namespace {

std::optional<std::uint32_t> first_unseen(const store::View& view) {
  for (std::size_t p = 0; p < view.pages().size(); ++p) {
    const auto& entries = view.pages()[p]->entries;
    for (std::size_t i = 0; i < entries.size(); ++i)
      if (!(entries[i].flags & store::kSeen)) return view.first_index(p) + static_cast<std::uint32_t>(i);
  }
  return {};
}

}  // namespace

Task<Result<Reply>> Session::cmd_select(Command& command) {
  const auto& select = std::get<Select>(command.command);
  unselect();  // [RFC3501 6.3.1] even when what follows fails
  auto found = co_await locate(select.mailbox);
  if (!found) co_return no("There is no such mailbox", "NONEXISTENT");
  const auto account = found->account;
  const auto id = found->state->id;
  if (select.condstore) enable_condstore();

  selected_.emplace(Selected{.account = account, .id = id, .read_only = select.read_only, .told = std::make_shared<store::View>()});
  co_await take_recent();
  const auto state = account->mailbox(id);  // before the view: never newer than it
  auto view = co_await account->view(id);
  if (!view || !state) {
    selected_.reset();
    if (!view) co_return std::unexpected(std::move(view).error());
    co_return no("There is no such mailbox", "NONEXISTENT");
  }
  selected_->told = *std::move(view);
  selected_->mod_seq = state->highest_mod_seq;
  selected_->keywords_told = state->keywords.size();
  state_ = State::selected;
  if (context_.services.mailbox_opened) context_.services.mailbox_opened(account->id(), id);

  const auto& told = *selected_->told;
  put_flags_lines(output(), *state, select.read_only);
  Writer w(output());
  w.untagged().number(told.size()).raw(" EXISTS").crlf();
  w.untagged().number(selected_->count_recent()).raw(" RECENT").crlf();
  if (const auto unseen = first_unseen(told))
    w.untagged_status("OK", "UNSEEN " + std::to_string(*unseen + 1), "First message without \\Seen");
  w.untagged_status("OK", "UIDVALIDITY " + std::to_string(state->uid_validity.value()), "UIDs are valid");
  const auto uid_next = std::max<std::uint64_t>(state->uid_next.value(), std::uint64_t{told.last_uid().value()} + 1);
  w.untagged_status("OK", "UIDNEXT " + std::to_string(uid_next), "The next UID, or a higher one");
  // [RFC7162 3.1.2.1] Always, whether or not the client asked for CONDSTORE.
  w.untagged_status("OK", "HIGHESTMODSEQ " + std::to_string(state->highest_mod_seq.value()), "Highest mod-sequence");
  if (select.read_only) co_return ok("EXAMINE completed", "READ-ONLY");
  co_return ok("SELECT completed", "READ-WRITE");
}

// [RFC3501 6.4.2] Removes what is \Deleted, and says nothing of it.
Task<Result<Reply>> Session::cmd_close(Command&) {
  if (!selected_->read_only) CO_TRY_OK(co_await selected_->account->expunge(selected_->id));
  unselect();
  co_return ok("CLOSE completed");
}

Task<Result<Reply>> Session::cmd_unselect(Command&) {
  unselect();
  co_return ok("UNSELECT completed");
}

}  // namespace posthorn::imap
