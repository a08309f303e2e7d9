#include "server/imap/mailbox_access.h"

#include <utility>

#include "server/imap/session.h"

namespace posthorn::imap {

Task<Result<MailboxRef>> Session::locate(std::string name) {
  auto state = account_->find_mailbox(name);
  if (!state) co_return fail(Errc::not_found, "no such mailbox");
  co_return MailboxRef{.account = account_, .state = std::move(state)};
}

}  // namespace posthorn::imap
