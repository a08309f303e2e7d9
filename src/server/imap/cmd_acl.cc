// SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS. [RFC4314 3]
//
// Every right can be granted by itself.  The owner has all of them always; he is told first and cannot be changed.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/log.h"
#include "proto/imap/writer.h"
#include "server/imap/session.h"

namespace posthorn::imap {
namespace {

constexpr std::string_view kAnyoneName = "anyone";

Reply no_such_user() { return no("There is no such user", "NONEXISTENT"); }

}  // namespace

// nullopt: the account is gone.
Task<Result<std::optional<std::string>>> Session::identifier_of(store::AclEntry entry) {
  std::string out = entry.negative ? "-" : "";
  if (entry.who == store::kAnyone) co_return out.append(kAnyoneName);
  CO_TRY(const auto address, co_await access_.address_of(entry.who));
  if (!address) co_return std::optional<std::string>();
  co_return out + *address;
}

Task<Result<Reply>> Session::change_acl(std::string mailbox, std::string identifier, SetAcl::Action action, store::Rights rights) {
  CO_TRY(const auto ref, co_await access_.locate(std::move(mailbox), store::kAdminister));
  auto grantee = co_await access_.find_grantee(std::move(identifier));
  if (!grantee && grantee.error().code == Errc::not_found) co_return no_such_user();
  if (!grantee) co_return std::unexpected(std::move(grantee).error());
  if (grantee->who == ref.account->id()) co_return no("The owner has every right, always", "CANNOT");
  const bool grants = !grantee->negative && action != SetAcl::Action::remove && !rights.empty();
  if (grants && grantee->who == store::kAnyone) {
    CO_TRY(const auto shared, co_await access_.shared_account());
    if (!access_.anyone_in(shared).counts(ref.account->id())) co_return no("Rights for anyone are switched off here", "NOPERM");
  }
  CO_TRY_OK(co_await ref.account->edit_acl(ref.state->id, [&](store::Acl& acl) {
    auto entry = std::ranges::find_if(acl, [&](const auto& e) { return e.who == grantee->who && e.negative == grantee->negative; });
    if (entry == acl.end()) entry = acl.insert(entry, {.who = grantee->who, .negative = grantee->negative});
    switch (action) {
      case SetAcl::Action::replace: entry->rights = rights; break;
      case SetAcl::Action::add: entry->rights = entry->rights | rights; break;
      case SetAcl::Action::remove: entry->rights = entry->rights - rights; break;
    }
  }));
  log::info("imap.acl_changed", {{"session", context_.session_id},
                                 {"owner", ref.account->id()},
                                 {"mailbox", ref.state->name},
                                 {"who", grantee->who},
                                 {"negative", grantee->negative},
                                 {"rights", (action == SetAcl::Action::add ? "+" : action == SetAcl::Action::remove ? "-" : "") + rights.text()}});
  co_return ok("Completed");
}

Task<Result<Reply>> Session::cmd_setacl(Command& command) {
  auto& set = std::get<SetAcl>(command.command);
  const auto rights = store::Rights::parse(set.rights);
  if (!rights) co_return bad("There is no such right");  // [RFC4314 3.1]
  co_return co_await change_acl(std::move(set.mailbox), std::move(set.identifier), set.action, *rights);
}

Task<Result<Reply>> Session::cmd_deleteacl(Command& command) {
  auto& remove = std::get<DeleteAcl>(command.command);
  co_return co_await change_acl(std::move(remove.mailbox), std::move(remove.identifier), SetAcl::Action::replace, store::Rights());
}

Task<Result<Reply>> Session::cmd_getacl(Command& command) {
  CO_TRY(const auto ref, co_await access_.locate(std::move(std::get<GetAcl>(command.command).mailbox), store::kAdminister));
  std::string list;
  Writer w(list);
  w.untagged().raw("ACL ").mailbox(ref.name, names());
  store::Acl acl{{.who = ref.account->id(), .rights = store::kAllRights}};
  acl.insert(acl.end(), ref.state->acl.begin(), ref.state->acl.end());
  for (const auto& entry : acl) {
    CO_TRY(const auto identifier, co_await identifier_of(entry));
    if (identifier) w.sp().astring(*identifier, names()).sp().raw(entry.rights.text());
  }
  w.crlf();
  output() += list;
  co_return ok("GETACL completed");
}

Task<Result<Reply>> Session::cmd_listrights(Command& command) {
  auto& list = std::get<ListRights>(command.command);
  CO_TRY(const auto ref, co_await access_.locate(std::move(list.mailbox), store::kAdminister));
  const auto grantee = co_await access_.find_grantee(list.identifier);
  if (!grantee && grantee.error().code == Errc::not_found) co_return no_such_user();
  if (!grantee) co_return std::unexpected(grantee.error());
  bool may_get_any = true;
  if (grantee->who == store::kAnyone && !grantee->negative) {
    CO_TRY(const auto shared, co_await access_.shared_account());
    may_get_any = access_.anyone_in(shared).counts(ref.account->id());
  }
  Writer w(output());
  // [RFC4314 3.4] The identifier as the client wrote it.
  w.untagged().raw("LISTRIGHTS ").mailbox(ref.name, names()).sp().astring(list.identifier, names()).sp();
  if (grantee->who == ref.account->id() && !grantee->negative) {
    w.raw(store::kAllRights.text()).crlf();
    co_return ok("LISTRIGHTS completed");
  }
  w.raw("\"\"");
  if (may_get_any)
    for (const char right : store::kAllRights.text()) w.sp().raw({&right, 1});
  w.crlf();
  co_return ok("LISTRIGHTS completed");
}

Task<Result<Reply>> Session::cmd_myrights(Command& command) {
  CO_TRY(const auto ref, co_await access_.locate(std::move(std::get<MyRights>(command.command).mailbox)));
  Writer(output()).untagged().raw("MYRIGHTS ").mailbox(ref.name, names()).sp().raw(ref.rights.text()).crlf();
  co_return ok("MYRIGHTS completed");
}

}  // namespace posthorn::imap
