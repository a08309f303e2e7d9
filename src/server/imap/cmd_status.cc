// STATUS. [RFC3501 6.3.10] [RFC7162 3.1.7] [RFC7889] [RFC8438] [RFC8474 4.3] [RFC9051 6.3.11] [RFC9208 4.1.4]
#include <string>
#include <string_view>

#include "config/core_settings.h"
#include "proto/imap/writer.h"
#include "server/imap/session.h"
#include "store/object_id.h"

namespace posthorn::imap {
namespace {

// "MESSAGES 3 UNSEEN 1", of what was asked for.
class Items {
 public:
  explicit Items(std::uint16_t wanted) : wanted_(wanted) {}
  bool wants(StatusItem item) const { return wanted_ & static_cast<std::uint16_t>(item); }
  void put(StatusItem item, std::string_view name, std::uint64_t value) { put(item, name, std::to_string(value)); }
  void put(StatusItem item, std::string_view name, const std::string& value) {
    if (!wants(item)) return;
    if (!text_.empty()) text_ += ' ';
    text_.append(name).append(" ").append(value);
  }
  const std::string& text() const { return text_; }

 private:
  std::uint16_t wanted_;
  std::string text_;
};

}  // namespace

// `ref` lives in the caller's frame.  not_found: the mailbox has gone meanwhile.
Task<Result<void>> Session::put_status(const MailboxRef& ref, std::uint16_t wanted) {
  const auto& state = *ref.state;
  Items items(wanted);
  // Everything but these two is a counter.
  std::uint64_t recent = 0, deleted_bytes = 0;
  if (items.wants(StatusItem::recent) && state.recent_from < state.uid_next && state.messages > 0) {
    CO_TRY(const auto view, co_await ref.account->view(state.id));
    recent = view->size() - view->lower_bound(state.recent_from);
  }
  if (items.wants(StatusItem::deleted_storage)) {
    CO_TRY(deleted_bytes, co_await ref.account->deleted_bytes(state.id));
  }
  items.put(StatusItem::messages, "MESSAGES", state.messages);
  items.put(StatusItem::recent, "RECENT", recent);
  items.put(StatusItem::uid_next, "UIDNEXT", state.uid_next.value());
  items.put(StatusItem::uid_validity, "UIDVALIDITY", state.uid_validity.value());
  items.put(StatusItem::unseen, "UNSEEN", state.unseen);
  items.put(StatusItem::highest_mod_seq, "HIGHESTMODSEQ", state.highest_mod_seq.value());
  items.put(StatusItem::size, "SIZE", state.bytes);
  items.put(StatusItem::mailbox_id, "MAILBOXID", "(" + store::mailbox_object_id(ref.account->id(), state.id) + ")");
  items.put(StatusItem::deleted, "DELETED", state.deleted);
  items.put(StatusItem::deleted_storage, "DELETED-STORAGE", deleted_bytes);
  items.put(StatusItem::append_limit, "APPENDLIMIT", static_cast<std::uint64_t>(config::kMaxMessageSize.get()));
  Writer(output()).untagged().raw("STATUS ").mailbox(ref.name, names()).raw(" (").raw(items.text()).raw(")").crlf();
  co_return Result<void>{};
}

Task<Result<Reply>> Session::cmd_status(Command& command) {
  auto& status = std::get<Status>(command.command);
  if (status.wants(StatusItem::highest_mod_seq)) enable_condstore();
  CO_TRY(const auto ref, co_await access_.locate(std::move(status.mailbox), store::kRead));
  CO_TRY_OK(co_await put_status(ref, status.items));
  co_return ok("STATUS completed");
}

}  // namespace posthorn::imap
