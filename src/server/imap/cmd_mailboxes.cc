// CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE. [RFC3501 6.3.3 - 6.3.7] [RFC6154 3]
#include <optional>
#include <utility>

#include "server/imap/session.h"

namespace posthorn::imap {
namespace {

// One use for one mailbox is all we keep; \Important we do not have.
std::optional<store::SpecialUse> special_use_of(const Create& create) {
  if (create.unknown_special_use) return {};
  if (create.special_use == 0) return store::SpecialUse::none;
  constexpr std::pair<SpecialUse, store::SpecialUse> kUses[] = {
      {SpecialUse::all, store::SpecialUse::all},         {SpecialUse::archive, store::SpecialUse::archive},
      {SpecialUse::drafts, store::SpecialUse::drafts},   {SpecialUse::flagged, store::SpecialUse::flagged},
      {SpecialUse::junk, store::SpecialUse::junk},       {SpecialUse::sent, store::SpecialUse::sent},
      {SpecialUse::trash, store::SpecialUse::trash},
  };
  for (const auto& [bit, use] : kUses)
    if (create.special_use == static_cast<std::uint8_t>(bit)) return use;
  return {};
}

}  // namespace

Task<Result<Reply>> Session::cmd_create(Command& command) {
  auto& create = std::get<Create>(command.command);
  // [RFC3501 6.3.3] A delimiter at the end says that there will be children; it is no part of the name.
  if (create.mailbox.ends_with('/')) create.mailbox.pop_back();
  const auto use = special_use_of(create);
  if (!use) co_return no("That use is not supported", "USEATTR");
  if (account_->find_mailbox(create.mailbox)) co_return no("The mailbox exists already", "ALREADYEXISTS");
  CO_TRY_OK(co_await account_->create_mailbox(std::move(create.mailbox), store::CreateOptions{.special_use = *use}));
  co_return ok("CREATE completed");
}

Task<Result<Reply>> Session::cmd_delete(Command& command) {
  auto& name = std::get<Delete>(command.command).mailbox;
  if (name == "INBOX") co_return no("INBOX cannot be deleted", "CANNOT");
  // [RFC3501 6.3.4] With others below it the name stays as a \Noselect name, and cannot be deleted again.
  const auto found = account_->find_mailbox(name);
  if (!found && account_->has_children(name)) co_return no("There are mailboxes below it", "HASCHILDREN");
  if (!found) co_return no("There is no such mailbox", "NONEXISTENT");
  CO_TRY_OK(co_await account_->delete_mailbox(std::move(name)));
  if (selected_ && selected_->id == found->id) unselect();
  co_return ok("DELETE completed");
}

Task<Result<Reply>> Session::cmd_rename(Command& command) {
  auto& [from, to] = std::get<Rename>(command.command);
  if (to.ends_with('/')) to.pop_back();
  CO_TRY_OK(co_await account_->rename_mailbox(std::move(from), std::move(to)));
  co_return ok("RENAME completed");
}

Task<Result<Reply>> Session::cmd_subscribe(Command& command) {
  auto& name = std::get<Subscribe>(command.command).mailbox;
  if (!account_->find_mailbox(name)) co_return no("There is no such mailbox", "NONEXISTENT");
  CO_TRY_OK(co_await account_->set_subscribed(std::move(name), true));
  co_return ok("SUBSCRIBE completed");
}

Task<Result<Reply>> Session::cmd_unsubscribe(Command& command) {
  auto& name = std::get<Unsubscribe>(command.command).mailbox;
  if (!account_->is_subscribed(name)) co_return no("It is not subscribed", "NONEXISTENT");
  CO_TRY_OK(co_await account_->set_subscribed(std::move(name), false));
  co_return ok("UNSUBSCRIBE completed");
}

}  // namespace posthorn::imap
