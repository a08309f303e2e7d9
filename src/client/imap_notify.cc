// All mailboxes followed at once. [RFC5465]
#include "client/imap_connection.h"
#include "client/imap_state.h"

namespace posthorn::client {
namespace {

constexpr std::size_t kMostMailboxes = 200'000;
constexpr const char* kAll = "NOTIFY SET STATUS (personal (MessageNew MessageExpunge FlagChange MailboxName))";
// As if NOTIFY had never been used. [RFC5465 3.1]  After NOTIFY NONE not even the selected mailbox would be told about.
constexpr const char* kAsEver = "NOTIFY SET (selected-delayed (MessageNew MessageExpunge FlagChange))";

// false: the server said no.
Task<Result<bool>> ask(ImapState& s, std::string line, Taker take) {
  auto done = co_await run_command(s, std::move(line), std::move(take));
  if (!done && !s.check_usable()) co_return std::unexpected(done.error());
  co_return done.has_value();
}

Taker taker_for(MailboxStates& states) {
  return [&states](imap::Response& response) {
    if (auto* status = std::get_if<imap::MailboxStatusResponse>(&response)) {
      if (states.size() < kMostMailboxes) states[status->mailbox] = std::move(status->items);
      return true;
    }
    const auto* list = std::get_if<imap::ListResponse>(&response);
    if (!list) return false;
    if (list->no_select) states.erase(list->mailbox);
    else if (states.size() < kMostMailboxes) states.try_emplace(list->mailbox);
    return true;
  };
}

}  // namespace

Task<Result<std::optional<MailboxStates>>> ImapConnection::follow_all() {
  auto& s = *state_;
  CO_TRY_OK(s.check_usable());
  if (!s.has("NOTIFY")) s.notify = ImapState::Notify::refused;
  // What could not be taken back is not begun.
  if (s.notify == ImapState::Notify::untried) {
    CO_TRY(const bool may, co_await ask(s, kAsEver, {}));
    s.notify = may ? ImapState::Notify::works : ImapState::Notify::refused;
  }
  if (s.notify == ImapState::Notify::refused) co_return std::nullopt;
  CO_TRY_OK(co_await unselect());  // "personal" is about all others
  s.unsolicited = {};
  s.follows_all = true;
  MailboxStates states;
  CO_TRY(const bool may, co_await ask(s, kAll, taker_for(states)));
  // [RFC5465 3.1] All are told now; where they are not, what happened just before would go unheard.
  if (may && !states.empty() && states.size() < kMostMailboxes) co_return states;
  s.notify = ImapState::Notify::refused;
  CO_TRY_OK(co_await follow_selected());
  co_return std::nullopt;
}

Task<Result<void>> ImapConnection::follow_selected() {
  auto& s = *state_;
  if (!s.follows_all) co_return Result<void>{};
  CO_TRY_OK(co_await run_command(s, kAsEver));
  s.follows_all = false;
  s.unsolicited = {};
  co_return Result<void>{};
}

}  // namespace posthorn::client
