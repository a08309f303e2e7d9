// GETQUOTA, GETQUOTAROOT, SETQUOTA. [RFC9208 4.1]  An account is one quota root; its name is the account's address.
#include <string>
#include <utility>

#include "base/log.h"
#include "proto/imap/writer.h"
#include "server/imap/imap_settings.h"
#include "server/imap/session.h"
#include "text/ascii.h"

namespace posthorn::imap {
namespace {

constexpr std::uint64_t kUnit = 1024;  // [RFC9208 5.1] octets
constexpr std::uint64_t kMaxLimit = std::uint64_t{1} << 62;

void put_quota(std::string& out, std::string_view root, const store::Quota& quota, Names names) {
  Writer w(out);
  w.untagged().raw("QUOTA ").astring(root, names).raw(" (");
  const char* separator = "";
  // [RFC9208 4.2.1] What is not limited is not named.
  const auto put = [&](std::string_view resource, std::uint64_t used, store::Limit limit, std::uint64_t unit) {
    if (!limit) return;
    w.raw(separator).raw(resource).sp().number((used + unit - 1) / unit).sp().number(*limit / unit);
    separator = " ";
  };
  put("STORAGE", quota.bytes_used, quota.bytes_limit, kUnit);
  put("MESSAGE", quota.messages_used, quota.messages_limit, 1);
  put("MAILBOX", quota.mailboxes_used, quota.mailboxes_limit, 1);
  w.raw(")").crlf();
}

// unsupported: a resource that we do not have.  limit: a number beyond reason.
Result<store::QuotaLimits> limits_of(const SetQuota& set) {
  store::QuotaLimits limits;
  for (const auto& [resource, limit] : set.limits) {
    if (limit > kMaxLimit / kUnit) return fail(Errc::limit);
    // A limit may be below what there is already: then nothing more comes.
    if (resource == "STORAGE") limits.bytes = limit * kUnit;
    else if (resource == "MESSAGE") limits.messages = limit;
    else if (resource == "MAILBOX") limits.mailboxes = limit;
    else return fail(Errc::unsupported);
  }
  return limits;
}

}  // namespace

bool Session::is_quota_admin() const {
  bool found = false;
  std::string_view rest = kQuotaAdmins.get();
  while (!rest.empty() && !found) {
    const auto space = rest.find(' ');
    found = text::iequals(rest.substr(0, space), user_);
    rest.remove_prefix(space == rest.npos ? rest.size() : space + 1);
  }
  return found;
}

// The account of a quota root.  denied: not the user's business, whether or not there is one.
Task<Result<store::AccountPtr>> Session::find_quota_root(std::string root) {
  if (text::iequals(root, user_)) co_return account_;
  if (!is_quota_admin()) co_return fail(Errc::denied);
  CO_TRY(const auto record, co_await context_.services.directory.find_account(std::move(root)));
  co_return co_await context_.services.store.account(record.id);
}

Task<Result<Reply>> Session::cmd_getquota(Command& command) {
  const auto& get = std::get<GetQuota>(command.command);
  CO_TRY(const auto account, co_await find_quota_root(get.root));
  put_quota(output(), text::to_lower(get.root), account->quota(), names());
  co_return ok("GETQUOTA completed");
}

Task<Result<Reply>> Session::cmd_getquotaroot(Command& command) {
  auto& name = std::get<GetQuotaRoot>(command.command).mailbox;
  CO_TRY(const auto place, co_await access_.find_place(name));
  auto root = user_;
  auto shown = name;
  if (!place.is_own()) {
    // [RFC9208 6] How much there is, is told to those who may read it.
    CO_TRY(const auto ref, co_await access_.locate(std::move(name), store::kRead));
    CO_TRY(const auto owner, co_await context_.services.directory.find_account(ref.account->id()));
    root = owner.address;
    shown = ref.name;
  }
  Writer(output()).untagged().raw("QUOTAROOT ").mailbox(shown, names()).sp().astring(root, names()).crlf();
  put_quota(output(), root, place.account->quota(), names());
  co_return ok("GETQUOTAROOT completed");
}

Task<Result<Reply>> Session::cmd_setquota(Command& command) {
  const auto& set = std::get<SetQuota>(command.command);
  if (!is_quota_admin()) co_return no("You may not change quotas", "NOPERM");
  CO_TRY(const auto limits, limits_of(set));
  CO_TRY(const auto account, co_await find_quota_root(set.root));
  CO_TRY_OK(co_await account->set_quota(limits));
  const auto text = [](store::Limit limit) { return limit ? std::to_string(*limit) : "none"; };
  log::info("imap.quota_changed", {{"session", context_.session_id},
                                   {"account", account->id()},
                                   {"bytes", text(limits.bytes)},
                                   {"messages", text(limits.messages)},
                                   {"mailboxes", text(limits.mailboxes)}});
  put_quota(output(), text::to_lower(set.root), account->quota(), names());
  co_return ok("SETQUOTA completed");
}

}  // namespace posthorn::imap
