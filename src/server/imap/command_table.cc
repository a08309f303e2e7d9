#include "server/imap/command_table.h"

#include <utility>
#include <variant>

namespace posthorn::imap {
namespace {

constexpr std::uint8_t kNew = static_cast<std::uint8_t>(State::not_authenticated);
constexpr std::uint8_t kSelected = static_cast<std::uint8_t>(State::selected);
constexpr std::uint8_t kSignedIn = static_cast<std::uint8_t>(State::authenticated) | kSelected;
constexpr std::uint8_t kAny = kNew | kSignedIn;

template <class C, std::size_t I = 0>
constexpr std::size_t index_of() {
  if constexpr (std::is_same_v<std::variant_alternative_t<I, AnyCommand>, C>) return I;
  else return index_of<C, I + 1>();
}

constexpr Rule kRules[] = {
    // struct              verb            allowed in  flags  capability      handler
    {index_of<Capability>(), "CAPABILITY", kAny, 0, {}, &Session::cmd_capability},
    {index_of<Noop>(), "NOOP", kAny, 0, {}, &Session::cmd_noop},
    {index_of<Logout>(), "LOGOUT", kAny, 0, {}, &Session::cmd_logout},
    {index_of<Id>(), "ID", kAny, 0, "ID", &Session::cmd_id},
    {index_of<StartTls>(), "STARTTLS", kNew, 0, {}, &Session::cmd_starttls},
    {index_of<Authenticate>(), "AUTHENTICATE", kNew, 0, {}, &Session::cmd_authenticate},
    {index_of<Login>(), "LOGIN", kNew, 0, {}, &Session::cmd_login},
    // [RFC5161 3.1] We need not check that no mailbox is selected.
    {index_of<Enable>(), "ENABLE", kSignedIn, 0, "ENABLE", &Session::cmd_enable},
    {index_of<Select>(), "SELECT", kSignedIn, 0, {}, &Session::cmd_select},
    {index_of<Create>(), "CREATE", kSignedIn, 0, {}, &Session::cmd_create},
    {index_of<Delete>(), "DELETE", kSignedIn, 0, {}, &Session::cmd_delete},
    {index_of<Rename>(), "RENAME", kSignedIn, 0, {}, &Session::cmd_rename},
    {index_of<Subscribe>(), "SUBSCRIBE", kSignedIn, 0, {}, &Session::cmd_subscribe},
    {index_of<Unsubscribe>(), "UNSUBSCRIBE", kSignedIn, 0, {}, &Session::cmd_unsubscribe},
    {index_of<List>(), "LIST", kSignedIn, 0, {}, &Session::cmd_list},
    {index_of<Lsub>(), "LSUB", kSignedIn, 0, {}, &Session::cmd_lsub},
    {index_of<Status>(), "STATUS", kSignedIn, 0, {}, &Session::cmd_status},
    {index_of<Namespace>(), "NAMESPACE", kSignedIn, 0, "NAMESPACE", &Session::cmd_namespace},
    {index_of<Idle>(), "IDLE", kSignedIn, 0, "IDLE", &Session::cmd_idle},
    {index_of<SetAcl>(), "SETACL", kSignedIn, 0, "ACL", &Session::cmd_setacl},
    {index_of<DeleteAcl>(), "DELETEACL", kSignedIn, 0, "ACL", &Session::cmd_deleteacl},
    {index_of<GetAcl>(), "GETACL", kSignedIn, 0, "ACL", &Session::cmd_getacl},
    {index_of<ListRights>(), "LISTRIGHTS", kSignedIn, 0, "ACL", &Session::cmd_listrights},
    {index_of<MyRights>(), "MYRIGHTS", kSignedIn, 0, "ACL", &Session::cmd_myrights},
    {index_of<GetQuota>(), "GETQUOTA", kSignedIn, 0, "QUOTA", &Session::cmd_getquota},
    {index_of<GetQuotaRoot>(), "GETQUOTAROOT", kSignedIn, 0, "QUOTA", &Session::cmd_getquotaroot},
    {index_of<SetQuota>(), "SETQUOTA", kSignedIn, 0, "QUOTASET", &Session::cmd_setquota},
    {index_of<Compress>(), "COMPRESS", kSignedIn, 0, "COMPRESS=DEFLATE", &Session::cmd_compress},
    {index_of<Restore>(), "XRESTORE", kSignedIn, 0, kRestoring, &Session::cmd_restore},
    {index_of<Check>(), "CHECK", kSelected, 0, {}, &Session::cmd_noop},
    {index_of<Close>(), "CLOSE", kSelected, 0, {}, &Session::cmd_close},
    {index_of<Unselect>(), "UNSELECT", kSelected, 0, "UNSELECT", &Session::cmd_unselect},
    {index_of<Expunge>(), "EXPUNGE", kSelected, kWrites, {}, &Session::cmd_expunge},
    {index_of<Search>(), "SEARCH", kSelected, kKeepsExpunged | kRefreshes, {}, &Session::cmd_search},
    {index_of<Sort>(), "SORT", kSelected, kKeepsExpunged | kRefreshes, "SORT", &Session::cmd_sort},
    {index_of<Thread>(), "THREAD", kSelected, kKeepsExpunged | kRefreshes, {}, &Session::cmd_thread},
    {index_of<Fetch>(), "FETCH", kSelected, kKeepsExpunged | kRefreshes, {}, &Session::cmd_fetch},
    {index_of<Store>(), "STORE", kSelected, kKeepsExpunged | kWrites, {}, &Session::cmd_store},
    {index_of<Copy>(), "COPY", kSelected, 0, {}, &Session::cmd_copy},
    {index_of<Move>(), "MOVE", kSelected, kWrites, "MOVE", &Session::cmd_move},
};

constexpr bool is_in_order() {
  if (std::size(kRules) != std::variant_size_v<AnyCommand>) return false;
  for (std::size_t i = 0; i < std::size(kRules); ++i)
    if (kRules[i].command != i) return false;
  return true;
}
static_assert(is_in_order(), "kRules has one line for each command, in the order of AnyCommand");

}  // namespace

const Rule& find_rule(const AnyCommand& command) { return kRules[command.index()]; }

}  // namespace posthorn::imap
