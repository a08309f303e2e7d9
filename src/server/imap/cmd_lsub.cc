// LSUB. [RFC3501 6.3.9]
#include <set>
#include <string>
#include <utility>

#include "proto/imap/writer.h"
#include "server/imap/mailbox_pattern.h"
#include "server/imap/session.h"

namespace posthorn::imap {

void Session::put_lsub(std::string_view attributes, std::string_view name) {
  Writer(output()).untagged().raw("LSUB (").raw(attributes).raw(") \"/\" ").mailbox(name, names()).crlf();
}

Task<Result<Reply>> Session::cmd_lsub(Command& command) {
  const auto& lsub = std::get<Lsub>(command.command);
  if (lsub.pattern.empty()) {
    put_lsub("\\Noselect", "");
    co_return ok("LSUB completed");
  }
  const MailboxPatterns patterns(lsub.reference, {lsub.pattern});
  if (patterns.bytes() > MailboxPatterns::kMaxBytes) co_return no("The pattern is too long", "LIMIT");
  // "foo" is told as \Noselect when only "foo/bar" is subscribed and the pattern is "%"; `*` tells "foo/bar" itself.
  const bool wants_parents = lsub.pattern.find('%') != lsub.pattern.npos;
  std::set<std::string, std::less<>> parents;
  const auto subscriptions = account_->subscriptions();
  for (const auto& name : subscriptions) {
    if (patterns.matches(name)) {
      const auto found = co_await locate(name, store::kLookup);
      put_lsub(found ? "" : "\\Noselect", name);
    } else if (wants_parents) {
      for (auto slash = name.find('/'); slash != name.npos; slash = name.find('/', slash + 1)) {
        const auto parent = name.substr(0, slash);
        if (patterns.matches(parent) && !account_->is_subscribed(parent) && parents.insert(parent).second) put_lsub("\\Noselect", parent);
      }
    }
    CO_TRY_OK(co_await flush_if_large());
  }
  co_return ok("LSUB completed");
}

}  // namespace posthorn::imap
