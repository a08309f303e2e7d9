// CREATE, MKDIR, DELETE, RMDIR, RENAME, STATUS. [SMAP1 4]
#include <utility>

#include "proto/smap/words.h"
#include "server/smap/session.h"

namespace posthorn::smap {

// Where a folder may be made.  Nobody's part of `public` is as good as somebody's.
Task<Result<server::Place>> Session::find_place_for_new(Path path) const {
  if (path.size() == 1) co_return fail(Errc::syntax, "Cannot create a folder at the top level");
  auto place = co_await find_place(std::move(path));
  if (!place && place.error().code == Errc::not_found) co_return std::unexpected(needs_right('c'));
  if (!place) co_return std::unexpected(std::move(place).error());
  auto allowed = access_.may_create(*place);
  if (!allowed && allowed.error().code == Errc::denied) co_return std::unexpected(needs_right('c'));
  if (!allowed) co_return std::unexpected(std::move(allowed).error());
  CO_TRY(place->name, store::normal_mailbox_name(place->name));
  co_return place;
}

bool Session::is_open(const server::MailboxRef& ref) const { return folder_ && folder_->account == ref.account && folder_->id == ref.state->id; }

Session::Outcome Session::cmd_create(Words& words) {
  CO_TRY(auto path, take_path(words));
  CO_TRY(auto place, co_await find_place_for_new(std::move(path)));
  CO_TRY_OK(co_await place.account->create_mailbox(std::move(place.name)));
  co_return ok("Folder created.");
}

// Directories are there as long as there is something in them [SMAP1 4.1].
Session::Outcome Session::cmd_mkdir(Words& words) {
  CO_TRY(auto path, take_path(words));
  CO_TRY_OK(co_await find_place_for_new(std::move(path)));
  co_return ok("Directory created.");
}

Session::Outcome Session::cmd_delete(Words& words) {
  CO_TRY(auto path, take_path(words));
  CO_TRY(const auto found, co_await locate(std::move(path), store::kDeleteMailbox));
  if (found.state->name == "INBOX") co_return err("INBOX may not be deleted");
  if (is_open(found)) co_return err("The folder is open");
  CO_TRY_OK(co_await found.account->delete_mailbox(found.state->name));
  co_return ok("Folder deleted.");
}

Session::Outcome Session::cmd_rmdir(Words& words) {
  CO_TRY(auto path, take_path(words));
  const auto found = co_await locate(std::move(path), store::kDeleteMailbox);
  if (!found && found.error().code != Errc::not_found) co_return std::unexpected(found.error());
  co_return ok("Directory removed.");
}

Session::Outcome Session::cmd_rename(Words& words) {
  CO_TRY(auto from_path, take_path(words));
  CO_TRY(auto to_path, take_path(words));
  CO_TRY(auto from, co_await find_place(from_path));
  const auto found = co_await locate(std::move(from_path), store::kDeleteMailbox);
  // A name that has folders below it only is the owner's to rename.
  const bool is_own_directory = !found && found.error().code == Errc::not_found && from.is_own() && account_->has_children(from.name);
  if (!found && !is_own_directory) co_return std::unexpected(found.error());
  if (found && found->state->name == "INBOX") co_return err("INBOX may not be renamed");
  if (found && is_open(*found)) co_return err("The folder is open");
  CO_TRY(auto to, co_await find_place_for_new(std::move(to_path)));
  if (from.account != to.account) co_return err("A folder stays with its owner");
  if (to.account->find_mailbox(to.name)) co_return fail(Errc::exists);
  CO_TRY_OK(co_await from.account->rename_mailbox(std::move(from.name), std::move(to.name)));
  co_return ok("Folder renamed.");
}

// [SMAP1 4.6] The keywords ask for nothing that is dear here.
Session::Outcome Session::cmd_status(Words& words) {
  if (words.at_end()) co_return err("Syntax error.");
  (void)words.take();
  CO_TRY(auto path, take_path(words));
  CO_TRY(const auto found, co_await locate(std::move(path), store::kLookup));
  std::uint32_t messages = found.state->messages, unseen = found.state->unseen;
  if (is_open(found)) {
    messages = folder_->told->size();
    unseen = 0;
    folder_->told->for_each_flagged(0, store::kSeen, [&](std::uint32_t, const store::Entry&) { ++unseen; });
  }
  put_line("* STATUS EXISTS=" + std::to_string(messages) + " UNSEEN=" + std::to_string(unseen));
  co_return ok("Folder status retrieved");
}

}  // namespace posthorn::smap
