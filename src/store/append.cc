// Messages coming in: one to many accounts, many to one mailbox; one commit either way.
#include "store/change.h"
#include "store/mail_store.h"

namespace posthorn::store {

Task<Result<AppendedAll>> MailStore::append_all(AccountPtr, MailboxId, std::vector<NewMessage>, std::optional<Replaced>) {
  co_return fail(Errc::unsupported, "several messages at once");
}
Task<Result<CopyResult>> MailStore::copy(AccountPtr from, MailboxId source, UidSet uids, AccountPtr to, MailboxId target) {
  if (from != to) co_return fail(Errc::unsupported, "copying between accounts");
  co_return co_await from->copy(source, std::move(uids), target);
}
Task<Result<CopyResult>> MailStore::move(AccountPtr from, MailboxId source, UidSet uids, AccountPtr to, MailboxId target) {
  if (from != to) co_return fail(Errc::unsupported, "moving between accounts");
  co_return co_await from->move(source, std::move(uids), target);
}
Task<Result<std::vector<ThreadId>>> Account::threads(std::vector<MessageId> ids) {
  std::vector<ThreadId> out;
  for (MessageId id : ids) out.emplace_back(id.value());
  co_return out;
}

}  // namespace posthorn::store
