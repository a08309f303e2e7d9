// Access control lists, and who finds mailboxes of others by them.
#include <algorithm>

#include "store/change.h"
#include "store/mail_store.h"

namespace posthorn::store {

Task<Result<void>> Account::set_acl(MailboxId id, Acl acl) {
  std::erase_if(acl, [](const AclEntry& e) { return e.rights.empty(); });
  if (acl.size() > kMaxAclEntries) co_return fail(Errc::limit, "the access control list is too long");
  CO_TRY(auto change, co_await Change::begin(shared_from_this()));
  MailboxState* state = change.edit(id);
  if (!state) co_return fail(Errc::not_found, "the mailbox has been deleted");
  if (state->acl == acl) co_return Result<void>{};
  state->acl = std::move(acl);
  change.log(ChangeKind::rights, id);
  co_return co_await change.commit();
}

Task<Result<std::vector<Share>>> MailStore::shared_with(AccountId) { co_return std::vector<Share>{}; }

}  // namespace posthorn::store
