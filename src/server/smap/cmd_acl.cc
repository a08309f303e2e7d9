// ACL, GETACL, SETACL, DELETEACL. [SMAP1 11]
#include <algorithm>
#include <optional>
#include <utility>

#include "base/log.h"
#include "proto/smap/words.h"
#include "server/smap/acl_text.h"
#include "server/smap/session.h"
#include "text/ascii.h"

namespace posthorn::smap {

struct Session::AclEdit {
  store::AclEntry entry;  // whose, and which rights
  RightsChange::Action action = RightsChange::Action::replace;
};

Session::Outcome Session::cmd_acl(Words& words) {
  CO_TRY(auto path, take_path(words));
  CO_TRY(const auto ref, co_await locate(std::move(path), {}));
  output() += "* ACL ";
  put_word(output(), rights_text(ref.rights));
  end_line();
  co_return ok("ACLs retrieved");
}

// Directories that are nobody's have no list that anybody may see.
Task<Result<server::MailboxRef>> Session::find_to_administer(Path path) const {
  if (path.front() == "public" && path.size() < 3) co_return std::unexpected(needs_right('a'));
  co_return co_await locate(std::move(path), store::kAdminister);
}

Session::Outcome Session::cmd_getacl(Words& words) {
  CO_TRY(auto path, take_path(words));
  CO_TRY(const auto ref, co_await find_to_administer(std::move(path)));
  CO_TRY_OK(co_await put_acl(ref));
  co_return ok("ACLs retrieved");
}

// The owner comes first, and has every right.  `ref` lives in the caller's frame.
Task<Result<void>> Session::put_acl(const server::MailboxRef& ref) {
  constexpr std::size_t kPairsALine = 6;
  const auto state = ref.account->mailbox(ref.state->id);
  if (!state) co_return fail(Errc::not_found, "the mailbox has been deleted");
  std::string list = "* GETACL \"owner\" ";
  put_word(list, rights_text(store::kAllRights));
  std::size_t pairs = 1;
  for (const auto& entry : state->acl) {
    std::string identifier = entry.negative ? "-" : "";
    if (entry.who == store::kAnyone) {
      identifier += "anyone";
    } else {
      CO_TRY(const auto address, co_await access_.address_of(entry.who));
      if (!address) continue;
      identifier.append("user=").append(*address);
    }
    list += pairs++ % kPairsALine == 0 ? "\n* GETACL " : " ";
    put_word(list, identifier);
    list += ' ';
    put_word(list, rights_text(entry.rights));
  }
  put_line(list);
  co_return Result<void>{};
}

// Whom an identifier means; the owner by his own name, too.
Task<Result<server::MailboxAccess::Grantee>> Session::find_identifier(std::string identifier, AccountId owner) {
  if (!is_text(identifier)) co_return fail(Errc::syntax, "Invalid identifier");
  const bool negative = identifier.starts_with('-');
  const auto name = std::string_view(identifier).substr(negative ? 1 : 0);
  constexpr std::string_view kUser = "user=";
  if (name == "owner") co_return server::MailboxAccess::Grantee{.who = owner, .negative = negative};
  if (name == "anyone" || name == "anonymous") co_return server::MailboxAccess::Grantee{.who = store::kAnyone, .negative = negative};
  if (!name.starts_with(kUser)) co_return fail(Errc::syntax, "Identifiers are owner, anyone and user=ADDRESS");
  // An account cannot be called "anyone", and none has a name with '-' before it.
  auto found = co_await context_.services.directory.find_account(std::string(name.substr(kUser.size())));
  if (!found && found.error().code != Errc::not_found && found.error().code != Errc::invalid) co_return std::unexpected(std::move(found).error());
  if (!found) co_return fail(Errc::syntax, "There is no such user");
  co_return server::MailboxAccess::Grantee{.who = found->id, .negative = negative};
}

Session::Outcome Session::cmd_setacl(Words& words) {
  CO_TRY(auto path, take_path(words));
  if (words.left() == 0 || words.left() % 2 != 0) co_return err("Syntax: SETACL folder \"\" identifier rights ...");
  co_return co_await change_acl(std::move(path), words, false);
}

Session::Outcome Session::cmd_deleteacl(Words& words) {
  CO_TRY(auto path, take_path(words));
  if (words.at_end()) co_return err("Syntax: DELETEACL folder \"\" identifier ...");
  co_return co_await change_acl(std::move(path), words, true);
}

// All of it or nothing.
Session::Outcome Session::change_acl(Path path, Words& words, bool remove) {
  auto again = path;
  CO_TRY(const auto ref, co_await find_to_administer(std::move(path)));
  const auto owner = ref.account->id();
  CO_TRY(const auto shared, co_await access_.shared_account());
  const bool anyone_counts = access_.anyone_in(shared).counts(owner);
  std::vector<AclEdit> edits;
  while (!words.at_end()) {
    CO_TRY(const auto grantee, co_await find_identifier(words.take(), owner));
    const auto change = remove ? RightsChange{} : parse_rights_change(words.take());
    if (!change) co_return err("There is no such right");
    const auto action = change->action;
    if (grantee.who == owner) {
      // [SMAP1 11] He has every right, and keeps it.
      const bool keeps = !grantee.negative && (action == RightsChange::Action::add || (action == RightsChange::Action::replace && change->rights.contains(kSmapRights)));
      if (!keeps) co_return err("The owner has every right, always");
      continue;
    }
    const bool grants = !grantee.negative && action != RightsChange::Action::remove && !change->rights.empty();
    if (grants && grantee.who == store::kAnyone && !anyone_counts) co_return err("Rights for anyone are switched off here");
    edits.push_back({.entry = {.who = grantee.who, .negative = grantee.negative, .rights = change->rights}, .action = action});
  }
  // Whom they mean took its time: what counts is the right that the user has now.
  CO_TRY_OK(co_await locate(std::move(again), store::kAdminister));
  CO_TRY_OK(co_await ref.account->edit_acl(ref.state->id, [&edits](store::Acl& acl) {
    for (const auto& edit : edits) apply(acl, edit);
  }));
  for (const auto& edit : edits)
    log::info("smap.acl_changed", {{"session", context_.session_id},
                                   {"owner", owner},
                                   {"mailbox", ref.state->name},
                                   {"who", edit.entry.who},
                                   {"negative", edit.entry.negative},
                                   {"rights", sign_of(edit.action) + rights_text(edit.entry.rights)}});
  CO_TRY_OK(co_await put_acl(ref));
  co_return ok("Updated ACLs");
}

// Rights that SMAP has no letter for stay as they are, but for an entry that is removed.
void Session::apply(store::Acl& acl, const AclEdit& edit) {
  auto entry = std::ranges::find_if(acl, [&](const auto& e) { return e.who == edit.entry.who && e.negative == edit.entry.negative; });
  if (entry == acl.end()) entry = acl.insert(entry, {.who = edit.entry.who, .negative = edit.entry.negative});
  const auto rights = edit.entry.rights;
  switch (edit.action) {
    case RightsChange::Action::replace: entry->rights = rights.empty() ? rights : rights | (entry->rights - kSmapRights); break;
    case RightsChange::Action::add: entry->rights = entry->rights | rights; break;
    case RightsChange::Action::remove: entry->rights = entry->rights - rights; break;
  }
}

}  // namespace posthorn::smap
