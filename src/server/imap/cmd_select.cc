// SELECT and EXAMINE [RFC3501 6.3.1, 6.3.2], CLOSE [RFC3501 6.4.2], UNSELECT [RFC3691].
#include "proto/imap/writer.h"
#include "server/imap/session.h"
#include "store/object_id.h"
#include "text/normalize.h"

namespace posthorn::imap {

Task<Result<Reply>> Session::cmd_select(Command& command) {
  const auto& select = std::get<Select>(command.command);
  // [RFC7162 3.2.3] [RFC7162 3.2.5] Without ENABLE a client could not understand the answer.
  if (select.qresync && !qresync_) co_return bad("Say ENABLE QRESYNC first");
  // [RFC7162 3.2.11] From here on responses are about the new mailbox.
  if (selected_) Writer(output()).untagged_status("OK", "CLOSED", "The mailbox selected before is closed");
  unselect();  // [RFC3501 6.3.1] even when what follows fails
  auto found = co_await access_.locate(select.mailbox, store::kRead);
  if (!found) co_return std::unexpected(std::move(found).error());
  const auto account = found->account;
  const auto id = found->state->id;
  const bool read_only = select.read_only || server::is_read_only(found->rights);
  if (select.condstore) enable_condstore();

  selected_.emplace(Selected{.account = account, .id = id, .read_only = read_only, .rights = found->rights, .anyone = found->anyone, .told = std::make_shared<store::View>()});
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
  put_flags_lines(output(), *state, selected_->changeable());
  Writer w(output());
  w.untagged().number(told.size()).raw(" EXISTS").crlf();
  put_recent();
  const auto unseen = told.first_unseen();
  if (unseen && !rev2_)  // [RFC9051 F]
    w.untagged_status("OK", "UNSEEN " + std::to_string(*unseen + 1), "First message without \\Seen");
  w.untagged_status("OK", "UIDVALIDITY " + std::to_string(state->uid_validity.value()), "UIDs are valid");
  const auto uid_next = std::max<std::uint64_t>(state->uid_next.value(), std::uint64_t{told.last_uid().value()} + 1);
  w.untagged_status("OK", "UIDNEXT " + std::to_string(uid_next), "The next UID, or a higher one");
  // [RFC7162 3.1.2.1] Whether or not the client asked for CONDSTORE.
  if (offers("CONDSTORE")) w.untagged_status("OK", "HIGHESTMODSEQ " + std::to_string(state->highest_mod_seq.value()), "Highest mod-sequence");
  if (offers("OBJECTID")) w.untagged_status("OK", "MAILBOXID (" + store::mailbox_object_id(account->id(), id) + ")", "Its name for ever");  // [RFC8474 4.2]
  // [RFC9051 6.3.2]
  if (rev2_) {
    w.untagged().raw("LIST () \"/\" ").mailbox(found->name, names());
    if (text::nfc(select.mailbox) != select.mailbox) w.raw(" (\"OLDNAME\" (").mailbox(select.mailbox, names()).raw("))");
    w.crlf();
  }
  if (select.qresync) {
    auto done = co_await resynchronise(*select.qresync);
    if (!done) {
      unselect();
      co_return std::unexpected(std::move(done).error());
    }
  }
  co_return ok(select.read_only ? "EXAMINE completed" : "SELECT completed", read_only ? "READ-ONLY" : "READ-WRITE");
}

// [RFC3501 6.4.2] Removes what is \Deleted, and says nothing of it.
Task<Result<Reply>> Session::cmd_close(Command&) {
  if (selected_->changeable().contains(store::kExpunge)) CO_TRY_OK(co_await selected_->account->expunge(selected_->id));
  unselect();
  co_return ok("CLOSE completed");
}

Task<Result<Reply>> Session::cmd_unselect(Command&) {
  unselect();
  co_return ok("UNSELECT completed");
}

}  // namespace posthorn::imap
