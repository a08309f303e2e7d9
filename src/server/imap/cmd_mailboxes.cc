// CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE. [RFC3501 6.3.3 - 6.3.7] [RFC6154 3] [RFC8474 4.1]
#include <optional>
#include <utility>

#include "proto/imap/writer.h"
#include "server/imap/session.h"
#include "store/object_id.h"
#include "text/normalize.h"

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

Reply no_such_mailbox() { return no("There is no such mailbox", "NONEXISTENT"); }

// [RFC3501 6.3.3] A delimiter at the end says that there will be children; it is no part of the name.
void drop_last_delimiter(std::string& name) {
  if (name.ends_with('/')) name.pop_back();
}

// A client composed its characters in another way than names have them here.
bool is_denormalized(std::string_view name) { return text::nfc(name) != name; }

}  // namespace

void Session::put_old_name(std::string_view attributes, std::string_view name, std::string_view supplied) {
  if (!rev2_) return;
  Writer w(output());
  w.untagged().raw("LIST (").raw(attributes).raw(") \"/\" ").mailbox(name, names()).raw(" (\"OLDNAME\" (").mailbox(supplied, names()).raw("))").crlf();
}

Task<Result<Reply>> Session::cmd_create(Command& command) {
  auto& create = std::get<Create>(command.command);
  drop_last_delimiter(create.mailbox);
  const std::string supplied = create.mailbox;
  const auto use = special_use_of(create);
  if (!use) co_return no("That use is not supported", "USEATTR");
  auto place = co_await access_.find_place(std::move(create.mailbox));
  if (!place && place.error().code == Errc::not_found) co_return fail(Errc::denied);  // nobody's, as good as somebody's
  if (!place) co_return std::unexpected(std::move(place).error());
  CO_TRY_OK(access_.may_create(*place));
  if (place->account->find_mailbox(place->name)) co_return no("The mailbox exists already", "ALREADYEXISTS");
  if (!place->is_own() && *use != store::SpecialUse::none) co_return no("Uses are for the owner's mailboxes", "USEATTR");
  CO_TRY(const auto made, co_await place->account->create_mailbox(std::move(place->name), store::CreateOptions{.special_use = *use}));
  if (is_denormalized(supplied)) put_old_name("", place->prefix + made->name, supplied);
  auto reply = ok("CREATE completed");
  if (offers("OBJECTID")) reply.code = "MAILBOXID (" + store::mailbox_object_id(place->account->id(), made->id) + ")";
  co_return reply;
}

Task<Result<Reply>> Session::cmd_delete(Command& command) {
  auto& name = std::get<Delete>(command.command).mailbox;
  drop_last_delimiter(name);
  const std::string supplied = name;
  const bool has_children = account_->has_children(text::nfc(name));
  auto found = co_await access_.locate(std::move(name), store::kDeleteMailbox);
  // [RFC3501 6.3.4] With others below it the name stays as a \Noselect name, and cannot be deleted again.
  if (!found && found.error().code == Errc::not_found && has_children) co_return no("There are mailboxes below it", "HASCHILDREN");
  if (!found) co_return std::unexpected(std::move(found).error());
  if (found->state->name == "INBOX") co_return no("INBOX cannot be deleted", "CANNOT");
  const auto id = found->state->id;
  CO_TRY_OK(co_await found->account->delete_mailbox(found->state->name));
  if (selected_ && selected_->account == found->account && selected_->id == id) unselect();
  if (is_denormalized(supplied)) put_old_name("\\NonExistent", found->name, supplied);
  co_return ok("DELETE completed");
}

Task<Result<Reply>> Session::cmd_rename(Command& command) {
  auto& [from_name, to_name] = std::get<Rename>(command.command);
  drop_last_delimiter(from_name);
  drop_last_delimiter(to_name);
  const bool denormalized = is_denormalized(from_name) || is_denormalized(to_name);
  const std::string supplied = from_name, wanted = text::nfc(to_name);
  auto from = co_await access_.find_place(from_name);
  if (!from) co_return std::unexpected(std::move(from).error());
  if (!from->is_own()) {
    // A name without a mailbox is the owner's to rename.
    CO_TRY(const auto found, co_await access_.locate(from_name, store::kDeleteMailbox));
    if (found.state->name == "INBOX") co_return no("It is not your INBOX", "CANNOT");
  }
  auto to = co_await access_.find_place(std::move(to_name));
  if (!to && to.error().code == Errc::not_found) co_return fail(Errc::denied);
  if (!to) co_return std::unexpected(std::move(to).error());
  CO_TRY_OK(access_.may_create(*to));
  if (from->account != to->account) co_return no("A mailbox stays with its owner", "CANNOT");
  CO_TRY_OK(co_await from->account->rename_mailbox(std::move(from->name), std::move(to->name)));
  if (denormalized) put_old_name("", wanted, supplied);
  co_return ok("RENAME completed");
}

// Mailboxes of others are in the user's own list, by the names that he sees.
Task<Result<Reply>> Session::cmd_subscribe(Command& command) {
  auto& name = std::get<Subscribe>(command.command).mailbox;
  drop_last_delimiter(name);
  CO_TRY(auto found, co_await access_.locate(std::move(name), store::kLookup));
  CO_TRY_OK(co_await account_->set_subscribed(std::move(found.name), true));
  co_return ok("SUBSCRIBE completed");
}

Task<Result<Reply>> Session::cmd_unsubscribe(Command& command) {
  auto& name = std::get<Unsubscribe>(command.command).mailbox;
  drop_last_delimiter(name);
  if (!account_->is_subscribed(name)) {
    // It may be spelled in another way than it was subscribed, as far as case does not matter.
    const auto place = co_await access_.find_place(std::move(name));
    if (!place) co_return no_such_mailbox();
    const auto normal = store::normal_mailbox_name(place->name);
    if (!normal || !account_->is_subscribed(place->prefix + *normal)) co_return no("It is not subscribed", "NONEXISTENT");
    name = place->prefix + *normal;
  }
  CO_TRY_OK(co_await account_->set_subscribed(std::move(name), false));
  co_return ok("UNSUBSCRIBE completed");
}

}  // namespace posthorn::imap
