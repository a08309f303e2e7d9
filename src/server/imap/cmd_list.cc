// LIST [RFC3501 6.3.8] with CHILDREN [RFC3348] and SPECIAL-USE [RFC6154], LSUB [RFC3501 6.3.9].
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "proto/imap/writer.h"
#include "server/imap/mailbox_pattern.h"
#include "server/imap/session.h"

namespace posthorn::imap {
namespace {

void put_line(std::string& out, std::string_view verb, std::string_view attributes, std::string_view name) {
  Writer(out).untagged().raw(verb).raw(" (").raw(attributes).raw(") \"/\" ").mailbox(name).crlf();
}

std::string_view use_attribute(store::SpecialUse use) {
  switch (use) {
    case store::SpecialUse::none: return {};
    case store::SpecialUse::all: return " \\All";
    case store::SpecialUse::archive: return " \\Archive";
    case store::SpecialUse::drafts: return " \\Drafts";
    case store::SpecialUse::flagged: return " \\Flagged";
    case store::SpecialUse::junk: return " \\Junk";
    case store::SpecialUse::sent: return " \\Sent";
    case store::SpecialUse::trash: return " \\Trash";
  }
  return {};
}

// Names that are no mailbox (LIST) or not subscribed (LSUB) themselves, but have such below them.
class Parents {
 public:
  using IsListed = std::function<bool(std::string_view)>;
  Parents(std::string_view pattern, IsListed is_listed) : pattern_(pattern), is_listed_(std::move(is_listed)) {}

  // The parents of `name` that are due now: "a/b/c" has "a" and "a/b".
  std::vector<std::string> next(std::string_view name) {
    std::vector<std::string> out;
    for (auto slash = name.find('/'); slash != name.npos; slash = name.find('/', slash + 1)) {
      const auto parent = name.substr(0, slash);
      if (matches_mailbox_pattern(parent, pattern_) && !is_listed_(parent) && told_.emplace(parent).second)
        out.emplace_back(parent);
    }
    return out;
  }

 private:
  std::string_view pattern_;
  IsListed is_listed_;
  std::set<std::string, std::less<>> told_;
};

}  // namespace

Task<Result<Reply>> Session::cmd_list(Command& command) {
  const auto& list = std::get<List>(command.command);
  if (list.patterns.front().empty()) {
    // [RFC3501 6.3.8] Only the delimiter and the root are asked for.
    put_line(output(), "LIST", "\\Noselect", "");
    co_return ok("LIST completed");
  }
  const auto pattern = list.reference + list.patterns.front();
  Parents parents(pattern, [this](std::string_view name) { return account_->find_mailbox(name) != nullptr; });
  const auto mailboxes = account_->mailboxes();
  for (const auto& mailbox : mailboxes) {
    for (const auto& parent : parents.next(mailbox->name)) put_line(output(), "LIST", "\\Noselect \\HasChildren", parent);
    if (!matches_mailbox_pattern(mailbox->name, pattern)) continue;
    std::string attributes = account_->has_children(mailbox->name) ? "\\HasChildren" : "\\HasNoChildren";
    attributes += use_attribute(mailbox->special_use);
    put_line(output(), "LIST", attributes, mailbox->name);
    CO_TRY_OK(co_await flush_if_large());
  }
  co_return ok("LIST completed");
}

Task<Result<Reply>> Session::cmd_lsub(Command& command) {
  const auto& lsub = std::get<Lsub>(command.command);
  if (lsub.pattern.empty()) {
    put_line(output(), "LSUB", "\\Noselect", "");
    co_return ok("LSUB completed");
  }
  const auto pattern = lsub.reference + lsub.pattern;
  // [RFC3501 6.3.9] "foo" is told as \Noselect when only "foo/bar" is subscribed and the pattern is "%"; `*` tells "foo/bar" itself.
  const bool wants_parents = pattern.find('%') != pattern.npos;
  Parents parents(pattern, [this](std::string_view name) { return account_->is_subscribed(name); });
  const auto subscriptions = account_->subscriptions();
  for (const auto& name : subscriptions) {
    if (matches_mailbox_pattern(name, pattern)) {
      put_line(output(), "LSUB", account_->find_mailbox(name) ? "" : "\\Noselect", name);
    } else if (wants_parents) {
      for (const auto& parent : parents.next(name)) put_line(output(), "LSUB", "\\Noselect", parent);
    }
    CO_TRY_OK(co_await flush_if_large());
  }
  co_return ok("LSUB completed");
}

}  // namespace posthorn::imap
