// OPEN, SOPEN, NOOP, CLOSE. [SMAP1 5]
#include <utility>

#include "server/smap/session.h"

namespace posthorn::smap {

Session::Outcome Session::cmd_open(Words& words) {
  folder_.reset();  // [SMAP1 5.1] also when what follows fails
  CO_TRY(auto path, take_path(words));
  co_return co_await open(std::move(path), false, {});
}

Session::Outcome Session::cmd_sopen(Words& words) {
  folder_.reset();
  if (words.at_end()) co_return err("Syntax error.");
  auto snapshot = words.take();
  CO_TRY(auto path, take_path(words));
  co_return co_await open(std::move(path), true, std::move(snapshot));
}

Session::Outcome Session::open(Path path, bool with_snapshots, std::string snapshot) {
  CO_TRY(auto found, co_await locate(std::move(path), store::kRead));
  const auto account = found.account;
  const auto id = found.state->id;
  const auto state = account->mailbox(id);  // before the view: never newer than it
  CO_TRY(auto view, co_await account->view(id));
  if (!state) co_return fail(Errc::not_found, "the mailbox has been deleted");
  folder_.emplace(OpenFolder{.account = account, .id = id, .rights = found.rights, .anyone = found.anyone, .told = std::move(view),
                             .mod_seq = state->highest_mod_seq, .makes_snapshots = with_snapshots});
  if (context_.services.mailbox_opened) context_.services.mailbox_opened(account->id(), id);
  if (!snapshot.empty()) {
    const auto known = co_await tell_since_snapshot(snapshot);
    if (!known) {
      folder_.reset();
      co_return std::unexpected(known.error());
    }
    if (*known) co_return ok("Folder opened");
  }
  put_line("* EXISTS " + std::to_string(folder_->told->size()));
  co_return ok("Folder opened");
}

Session::Outcome Session::cmd_noop(Words&) {
  if (!folder_) co_return ok("NOOP completed");
  CO_TRY(const bool told, co_await tell_changes());
  if (!told && folder_->makes_snapshots) put_snapshot();
  co_return ok("Folder updated");
}

Session::Outcome Session::cmd_close(Words&) {
  folder_.reset();
  co_return ok("Folder closed");
}

}  // namespace posthorn::smap
