#include "sync/remote_watch.h"

#include "sync/tree_sync.h"

namespace posthorn::sync {
namespace {

// Takes `now` for known; true: it was told, and is another.
template <class T>
bool renew(std::optional<T>& known, const std::optional<T>& now) {
  if (!now || known == now) return false;
  known = now;
  return true;
}

// Without mod-sequences UNSEEN may be all that is told of flags. [RFC5465 5.1]
bool renew(imap::StatusItems& known, const imap::StatusItems& now) {
  bool changed = renew(known.messages, now.messages);
  changed |= renew(known.uid_next, now.uid_next);
  changed |= renew(known.uid_validity, now.uid_validity);
  changed |= renew(known.unseen, now.unseen);
  changed |= renew(known.high_mod_seq, now.high_mod_seq);
  return changed;
}

}  // namespace

bool RemoteWatch::look(const client::MailboxStates& states, const SyncOptions& options) {
  bool changed = std::erase_if(known_, [&states](const auto& one) { return !states.contains(one.first); }) != 0;
  for (const auto& [name, status] : states) {
    if (!is_wanted(options, name)) continue;
    changed |= !known_.contains(name);
    changed |= renew(known_[name], status);
  }
  return changed;
}

bool RemoteWatch::hear_status(const imap::MailboxStatusResponse& told) { return renew(known_[told.mailbox], told.items); }

bool RemoteWatch::hear_list(const imap::ListResponse& told, bool wanted) {
  bool changed = !told.old_name.empty() && known_.erase(told.old_name) != 0;
  if (told.no_select) changed |= known_.erase(told.mailbox) != 0;
  else if (wanted) changed |= known_.try_emplace(told.mailbox).second;
  return changed;
}

bool RemoteWatch::hear(const client::Unsolicited& told, const SyncOptions& options) {
  bool changed = told.overflow;
  for (const auto& one : told.responses) {
    if (const auto* status = std::get_if<imap::MailboxStatusResponse>(&one); status && is_wanted(options, status->mailbox)) changed |= hear_status(*status);
    if (const auto* list = std::get_if<imap::ListResponse>(&one)) changed |= hear_list(*list, is_wanted(options, list->mailbox));
  }
  return changed;
}

}  // namespace posthorn::sync
