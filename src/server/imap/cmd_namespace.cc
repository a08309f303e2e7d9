// NAMESPACE [RFC2342], and which mailboxes of others there are in the namespaces.
#include <algorithm>
#include <utility>

#include "proto/imap/writer.h"
#include "server/imap/mailbox_tree.h"
#include "server/imap/session.h"
#include "server/imap/turns.h"

namespace posthorn::imap {

Task<Result<Reply>> Session::cmd_namespace(Command&) {
  CO_TRY(const auto shared, co_await shared_owner());
  Writer w(output());
  w.untagged().raw("NAMESPACE ((\"\" \"/\")) ((").quoted(kOtherUsers).raw(" \"/\")) ");
  if (shared) w.raw("((").quoted(kShared).raw(" \"/\"))");
  else w.nil();
  w.crlf();
  co_return ok("NAMESPACE completed");
}

Task<Result<SharedParts>> Session::shared_parts() {
  CO_TRY(const auto shared, co_await shared_owner());
  SharedParts parts{.list = {}, .anyone = anyone_in(shared)};
  CO_TRY(const auto shares, co_await context_.services.store.shared_with(account_->id(), parts.anyone));
  Turns turns;
  for (auto share = shares.begin(); share != shares.end();) {
    if (turns.over()) co_await turns.next();
    const auto owner = share->owner;
    SharedPart part{.owner = owner};
    for (; share != shares.end() && share->owner == owner; ++share) part.mailboxes.push_back(share->mailbox);
    if (owner == account_->id()) continue;
    if (shared && shared->id == owner) {
      part.prefix = kShared;
    } else {
      const auto record = co_await context_.services.directory.find_account(owner);
      if (!record && record.error().code == Errc::not_found) continue;  // being removed
      if (!record) co_return std::unexpected(record.error());
      part.prefix = std::string(kOtherUsers) + record->address + '/';
    }
    parts.list.push_back(std::move(part));
  }
  std::ranges::sort(parts.list, {}, &SharedPart::prefix);
  co_return parts;
}

// What it is given lives in the caller's frame.
Task<Result<MailboxTree>> Session::shared_tree(const SharedPart& part, const store::AnyoneIn& anyone) {
  auto owner = co_await context_.services.store.account(part.owner);
  if (!owner) co_return std::unexpected(std::move(owner).error());
  std::vector<store::MailboxStatePtr> listable;
  Turns turns;
  for (const auto id : part.mailboxes) {
    if (turns.over()) co_await turns.next();
    auto state = (*owner)->mailbox(id);
    if (state && state->rights_of(account_->id(), part.owner, anyone).contains(store::kLookup)) listable.push_back(std::move(state));
  }
  co_return MailboxTree(*std::move(owner), part.prefix, std::move(listable));
}

}  // namespace posthorn::imap
