// LIST [RFC3501 6.3.8] with CHILDREN [RFC3348], SPECIAL-USE [RFC6154], LIST-EXTENDED [RFC5258], LIST-STATUS [RFC5819] and
// LIST-MYRIGHTS [RFC8440].
#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "async/reactor.h"
#include "async/timer.h"
#include "proto/imap/writer.h"
#include "server/imap/mailbox_tree.h"
#include "server/imap/session.h"

namespace posthorn::imap {
namespace {

std::string_view use_attribute(store::SpecialUse use) {
  switch (use) {
    case store::SpecialUse::none: return {};
    case store::SpecialUse::all: return "\\All";
    case store::SpecialUse::archive: return "\\Archive";
    case store::SpecialUse::drafts: return "\\Drafts";
    case store::SpecialUse::flagged: return "\\Flagged";
    case store::SpecialUse::junk: return "\\Junk";
    case store::SpecialUse::sent: return "\\Sent";
    case store::SpecialUse::trash: return "\\Trash";
  }
  return {};
}

// Names that satisfy a selection, sorted.
using NameList = std::vector<std::string>;

NameList::const_iterator first_below(const NameList& names, std::string_view parent) {
  return std::ranges::lower_bound(names, std::string(parent) + '/');
}

bool is_below(std::string_view name, std::string_view parent) {
  return name.size() > parent.size() && name[parent.size()] == '/' && name.starts_with(parent);
}

bool has_below(const NameList& names, std::string_view parent) {
  const auto at = first_below(names, parent);
  return at != names.end() && is_below(*at, parent);
}

// [RFC5258 3.5] A parent that is told for what is below it only, is told only when something of that is not told itself.
bool has_untold_below(const NameList& names, std::string_view parent, const MailboxPatterns& patterns) {
  for (auto at = first_below(names, parent); at != names.end() && is_below(*at, parent); ++at)
    if (!patterns.matches(*at)) return true;
  return false;
}

}  // namespace

struct Session::ListJob {
  static constexpr auto kTurn = std::chrono::milliseconds(10);

  const List& list;
  MailboxPatterns patterns;
  std::string met;  // the name met last: what stands above it has been told
  std::uint32_t steps = 0;
  Deadline turn_ends = after(kTurn);

  // Of a long walk: others on this reactor want to do something, too.
  bool turn_is_over() { return ++steps % 64 == 0 && std::chrono::steady_clock::now() > turn_ends; }
  Task<> next_turn() {
    co_await sleep_for({});
    turn_ends = after(kTurn);
  }

  // Calls f(parent) for those of "a/b/c", "a" and "a/b", that have not been met yet.
  template <class F>
  static void for_new_parents(std::string_view name, std::string_view met, F f) {
    for (auto slash = name.find('/'); slash != name.npos; slash = name.find('/', slash + 1))
      if (met.substr(0, slash + 1) != name.substr(0, slash + 1)) f(name.substr(0, slash));
  }
};

// Whether there may be something to tell of the mailboxes whose names begin so.
bool Session::leads_into(const ListJob& job, std::string_view prefix) {
  bool leads = job.patterns.match(prefix).dead == MailboxPatterns::Outcome::kAlive;
  ListJob::for_new_parents(prefix, job.met, [&](std::string_view parent) { leads |= job.patterns.matches(parent); });
  return leads;
}

// One name to be told.
struct Session::Listed {
  MailboxRef mailbox;               // without a state: a name without a mailbox
  bool has_children = false;
  bool is_selected = true;          // [RFC5258 3.3] it satisfies the selection itself
  bool has_selected_below = false;  // [RFC5258 3.5] CHILDINFO
};

Task<Result<Reply>> Session::cmd_list(Command& command) {
  const auto& list = std::get<List>(command.command);
  if (!list.extended && list.patterns.front().empty()) {
    // [RFC3501 6.3.8] Only the delimiter and the root are asked for.
    Writer(output()).untagged().raw("LIST (\\Noselect) \"/\" \"\"").crlf();
    co_return ok("LIST completed");
  }
  const bool selects = list.selects(ListSelect::subscribed) || list.selects(ListSelect::special_use);
  if (list.selects(ListSelect::recursive_match) && !selects) co_return bad("RECURSIVEMATCH needs another selection");  // [RFC5258 3.1]
  if (list.status_items & static_cast<std::uint16_t>(StatusItem::highest_mod_seq)) enable_condstore();
  ListJob job{.list = list, .patterns = MailboxPatterns(list.reference, list.patterns), .met = {}};
  if (job.patterns.bytes() > MailboxPatterns::kMaxBytes) co_return no("The patterns are too long", "LIMIT");
  if (job.patterns.empty()) co_return ok("LIST completed");
  auto told = selects ? list_selected(job) : list_existing(job);
  CO_TRY_OK(co_await std::move(told));
  co_return ok("LIST completed");
}

Task<Result<void>> Session::list_existing(ListJob& job) {
  const MailboxTree own(account_);
  CO_TRY_OK(co_await list_tree(job, own));
  if (!leads_into(job, kOtherUsers) && !leads_into(job, kShared)) co_return Result<void>{};
  CO_TRY(const auto parts, co_await shared_parts());
  for (const auto& part : parts) {
    if (!leads_into(job, part.prefix)) continue;
    CO_TRY(const auto tree, co_await shared_tree(part));
    CO_TRY_OK(co_await list_tree(job, tree));
  }
  co_return Result<void>{};
}

// `tree` lives in the caller's frame.
Task<Result<void>> Session::list_tree(ListJob& job, const MailboxTree& tree) {
  MailboxWalk walk(tree, job.patterns);
  MailboxWalk::Step step;
  while (walk.next(step)) {
    if (job.turn_is_over()) co_await job.next_turn();
    if (!tree.is_own() && account_->find_mailbox(step.name)) continue;  // his own has the name
    std::vector<std::string> parents;
    ListJob::for_new_parents(step.name, job.met, [&](std::string_view parent) {
      const bool above = parent.size() < tree.prefix().size();
      const bool exists = above ? account_->find_mailbox(parent) != nullptr : tree.contains(parent.substr(tree.prefix().size()));
      if (!exists && job.patterns.matches(parent)) parents.emplace_back(parent);
    });
    for (auto& parent : parents) CO_TRY_OK(co_await put_listed(job, {.mailbox = {.name = std::move(parent)}, .has_children = true}));
    job.met = step.name;
    if (!step.matches) continue;
    const auto rights = step.state->rights_of(account_->id(), tree.account()->id());
    CO_TRY_OK(co_await put_listed(job, {.mailbox = {.account = tree.account(), .state = step.state, .name = step.name, .rights = rights},
                                        .has_children = step.has_children}));
  }
  co_return Result<void>{};
}

Task<Result<void>> Session::list_selected(ListJob& job) {
  const auto names = selected_names(job.list);
  const bool recursive = job.list.selects(ListSelect::recursive_match);
  for (const auto& name : names) {
    if (job.turn_is_over()) co_await job.next_turn();
    std::vector<std::string> due;
    if (recursive) {
      ListJob::for_new_parents(name, job.met, [&](std::string_view parent) {
        if (!std::ranges::binary_search(names, parent, std::less<>{}) && job.patterns.matches(parent) &&
            has_untold_below(names, parent, job.patterns))
          due.emplace_back(parent);
      });
      job.met = name;
    }
    const auto parents = due.size();
    if (job.patterns.matches(name)) due.push_back(name);
    for (std::size_t i = 0; i < due.size(); ++i) {
      CO_TRY(auto listed, co_await look_up(due[i]));
      listed.is_selected = i == parents;
      listed.has_selected_below = recursive && has_below(names, due[i]);
      CO_TRY_OK(co_await put_listed(job, std::move(listed)));
    }
  }
  co_return Result<void>{};
}

// What satisfies the selection.  Special uses are those of the user's own mailboxes: bob's \Sent is nobody else's. [RFC6154 2]
std::vector<std::string> Session::selected_names(const List& list) const {
  constexpr std::size_t kPage = 1024;
  if (list.selects(ListSelect::subscribed)) {
    auto names = account_->subscriptions();
    if (list.selects(ListSelect::special_use)) {
      std::erase_if(names, [&](const std::string& name) {
        const auto state = account_->find_mailbox(name);
        return !state || state->special_use == store::SpecialUse::none;
      });
    }
    return names;
  }
  std::vector<std::string> names;
  std::string from;
  for (auto page = account_->mailboxes_from(from, kPage); !page.empty(); page = account_->mailboxes_from(from, kPage)) {
    for (const auto& state : page)
      if (state->special_use != store::SpecialUse::none) names.push_back(state->name);
    from = page.back()->name + '\0';
  }
  return names;
}

Task<Result<Session::Listed>> Session::look_up(std::string name) {
  Listed listed{.mailbox = {.name = name}};
  auto found = co_await locate(name, store::kLookup);
  if (!found && found.error().code != Errc::not_found && found.error().code != Errc::denied)
    co_return std::unexpected(std::move(found).error());
  if (found) listed.mailbox = *std::move(found);
  listed.has_children = account_->has_children(listed.mailbox.name);
  if (listed.has_children) co_return listed;
  CO_TRY(listed.has_children, co_await has_shared_below(listed.mailbox.name));
  co_return listed;
}

// `name` lives in the caller's frame.
Task<Result<bool>> Session::has_shared_below(const std::string& name) {
  const auto below = name + '/';
  if (!below.starts_with(kOtherUsers) && !below.starts_with(kShared)) co_return false;
  CO_TRY(const auto parts, co_await shared_parts());
  for (const auto& part : parts) {
    const bool whole = part.prefix.starts_with(below);
    if (!whole && !below.starts_with(part.prefix)) continue;
    CO_TRY(const auto tree, co_await shared_tree(part));
    if (whole ? !tree.page({}, 1).empty() : tree.has_children(name.substr(part.prefix.size()))) co_return true;
  }
  co_return false;
}

Task<Result<void>> Session::put_listed(ListJob& job, Listed listed) {
  const auto& list = job.list;
  const auto& ref = listed.mailbox;
  std::string attributes;
  const auto add = [&](std::string_view attribute) {
    if (!attributes.empty() && !attribute.empty()) attributes += ' ';
    attributes += attribute;
  };
  // [RFC5258 3] \NonExistent says more, to those who know it.
  if (!ref.state) add(list.extended || rev2_ ? "\\NonExistent" : "\\Noselect");
  else if (!ref.rights.contains(store::kRead)) add("\\Noselect");  // [RFC5819 2]
  if (listed.has_children) add("\\HasChildren");
  else if (ref.state) add("\\HasNoChildren");
  if ((list.selects(ListSelect::subscribed) || list.wants(ListReturn::subscribed)) && account_->is_subscribed(ref.name)) add("\\Subscribed");
  if (ref.state && ref.account == account_) add(use_attribute(ref.state->special_use));

  Writer w(output());
  w.untagged().raw("LIST (").raw(attributes).raw(") \"/\" ").mailbox(ref.name, names());
  if (listed.has_selected_below) {
    w.raw(" (\"CHILDINFO\" (");
    if (list.selects(ListSelect::subscribed)) w.raw("\"SUBSCRIBED\"");
    if (list.selects(ListSelect::subscribed) && list.selects(ListSelect::special_use)) w.sp();
    if (list.selects(ListSelect::special_use)) w.raw("\"SPECIAL-USE\"");
    w.raw("))");
  }
  w.crlf();
  // [RFC8440 3] [RFC5819 2] Nothing of the kind for a name that is told because of its children.
  if (ref.state && listed.is_selected) {
    if (list.wants(ListReturn::my_rights)) w.untagged().raw("MYRIGHTS ").mailbox(ref.name, names()).sp().raw(ref.rights.text()).crlf();
    if (list.wants(ListReturn::status) && ref.rights.contains(store::kRead)) {
      auto told = co_await put_status(ref, list.status_items);
      if (!told && told.error().code != Errc::not_found) co_return told;
    }
  }
  co_return co_await flush_if_large();
}

}  // namespace posthorn::imap
