// LSUB. [RFC3501 6.3.9]
#include <algorithm>
#include <string>
#include <utility>

#include "proto/imap/writer.h"
#include "server/imap/mailbox_pattern.h"
#include "server/imap/session.h"
#include "async/turns.h"

namespace posthorn::imap {
namespace {

constexpr std::size_t kPage = 256;  // subscriptions held at once

// Whether both are below the parent that is the first `length` bytes of one.
bool share_parent(std::string_view a, std::string_view b, std::size_t length) { return a.substr(0, length + 1) == b.substr(0, length + 1); }

}  // namespace

void Session::put_lsub(std::string_view attributes, std::string_view name) {
  Writer(output()).untagged().raw("LSUB (").raw(attributes).raw(") \"/\" ").mailbox(name, names()).crlf();
}

Task<Result<Reply>> Session::cmd_lsub(Command& command) {
  const auto& lsub = std::get<Lsub>(command.command);
  if (lsub.pattern.empty()) {
    put_lsub("\\Noselect", "");
    co_return ok("LSUB completed");
  }
  const auto patterns = MailboxPatterns::make(lsub.reference, {lsub.pattern});
  if (!patterns) co_return no("The pattern is too long", "LIMIT");
  // "foo" is told as \Noselect when only "foo/bar" is subscribed and the pattern is "%"; `*` tells "foo/bar" itself.
  const bool wants_parents = lsub.pattern.find('%') != lsub.pattern.npos;
  Turns turns;
  std::vector<std::size_t> parents;
  std::string last;  // whose parents have been told
  std::string from;
  for (auto page = account_->subscriptions_from(from, kPage); !page.empty(); page = account_->subscriptions_from(from, kPage)) {
    for (auto& name : page) {
      if (turns.over()) co_await turns.next();
      if (patterns->match(name, parents).matches) {
        const auto found = co_await access_.locate(name, store::kLookup);
        put_lsub(found ? "" : "\\Noselect", name);
      } else if (wants_parents && !parents.empty()) {
        for (const auto length : parents) {
          const auto parent = std::string_view(name).substr(0, length);
          if (!share_parent(name, last, length) && !account_->is_subscribed(parent)) put_lsub("\\Noselect", parent);
        }
        last = name;
      }
      CO_TRY_OK(co_await flush_if_large());
    }
    from = page.back() + '\0';
  }
  co_return ok("LSUB completed");
}

}  // namespace posthorn::imap
