// LIST [RFC3501 6.3.8] with CHILDREN [RFC3348], SPECIAL-USE [RFC6154], LIST-EXTENDED [RFC5258], LIST-STATUS [RFC5819] and
// LIST-MYRIGHTS [RFC8440].
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/imap/writer.h"
#include "server/imap/mailbox_walk.h"
#include "server/imap/session.h"
#include "async/turns.h"

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

struct NameRange {
  std::size_t begin = 0, end = 0;
  bool empty() const { return begin == end; }
};
NameRange those_below(const NameList& names, std::string_view parent) {
  const auto at = [&](const std::string& name) { return static_cast<std::size_t>(std::ranges::lower_bound(names, name) - names.begin()); };
  return {at(std::string(parent) + '/'), at(std::string(parent) + '0')};  // '0' follows '/'
}

}  // namespace

struct Session::ListJob {
  const List& list;
  MailboxPatterns patterns;
  bool tells_children, tells_uses;  // [RFC3348] [RFC6154]
  std::string met = {};  // the name met last: what stands above it has been told
  Turns turns = {};
  // What others share with the user, by prefix: looked up once, when it is first asked for.
  std::optional<SharedParts> parts = {};
  std::optional<MailboxTree> part_tree = {};  // of the part asked for last: names come in order

  // Whether the first `length` bytes of the name, which a '/' follows, are above the name met last, too.
  bool has_met(std::string_view name, std::size_t length) const {
    return std::string_view(met).substr(0, length + 1) == name.substr(0, length + 1);
  }
};

// Whether there may be something to tell of the mailboxes whose names begin so.
bool Session::leads_into(const ListJob& job, std::string_view prefix) {
  std::vector<std::size_t> parents;
  const bool leads = job.patterns.match(prefix, parents).dead == MailboxPatterns::Outcome::kAlive;
  return leads || std::ranges::any_of(parents, [&](std::size_t length) { return !job.has_met(prefix, length); });
}

Task<Result<void>> Session::find_parts(ListJob& job) {
  if (job.parts) co_return Result<void>{};
  CO_TRY(job.parts, co_await access_.shared_parts());
  co_return Result<void>{};
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
  auto patterns = MailboxPatterns::make(list.reference, list.patterns);
  if (!patterns) co_return no("The patterns are too long", "LIMIT");
  if (patterns->empty()) co_return ok("LIST completed");
  ListJob job{.list = list,
              .patterns = *std::move(patterns),
              .tells_children = offers("CHILDREN") || list.wants(ListReturn::children),
              .tells_uses = offers("SPECIAL-USE")};
  auto told = selects ? list_selected(job) : list_existing(job);
  CO_TRY_OK(co_await std::move(told));
  co_return ok("LIST completed");
}

Task<Result<void>> Session::list_existing(ListJob& job) {
  const MailboxTree own(account_);
  CO_TRY_OK(co_await list_tree(job, own));
  if (!leads_into(job, kOtherUsers) && !leads_into(job, kShared)) co_return Result<void>{};
  CO_TRY_OK(co_await find_parts(job));
  for (const auto& part : job.parts->list) {
    if (!leads_into(job, part.prefix)) continue;
    CO_TRY(const auto tree, co_await access_.shared_tree(part, job.parts->anyone));
    CO_TRY_OK(co_await list_tree(job, tree));
  }
  co_return Result<void>{};
}

// `tree` lives in the caller's frame.
Task<Result<void>> Session::list_tree(ListJob& job, const MailboxTree& tree) {
  MailboxWalk walk(tree, job.patterns);
  MailboxWalk::Step step;
  while (walk.next(step)) {
    if (job.turns.over()) co_await job.turns.next();
    if (!tree.is_own() && account_->find_mailbox(step.name)) continue;  // his own has the name
    std::vector<std::string> parents;
    for (const auto length : step.parents) {
      if (job.has_met(step.name, length)) continue;
      auto parent = step.name.substr(0, length);
      const bool above = length < tree.prefix().size();
      const bool exists = above ? account_->find_mailbox(parent) != nullptr : tree.contains(std::string_view(parent).substr(tree.prefix().size()));
      if (!exists) parents.push_back(std::move(parent));
    }
    for (auto& parent : parents) CO_TRY_OK(co_await put_listed(job, {.mailbox = {.name = std::move(parent)}, .has_children = true}));
    job.met = step.name;
    if (!step.matches) continue;
    const auto rights = step.state->rights_of(account_->id(), tree.account()->id(), job.parts ? job.parts->anyone : store::AnyoneIn());
    CO_TRY_OK(co_await put_listed(job, {.mailbox = {.account = tree.account(), .state = step.state, .name = step.name, .rights = rights},
                                        .has_children = step.has_children}));
  }
  co_return Result<void>{};
}

Task<Result<void>> Session::list_selected(ListJob& job) {
  if (job.list.selects(ListSelect::recursive_match)) co_return co_await list_recursively(job);
  std::string from;
  for (auto names = next_selected(job.list, from); names; names = next_selected(job.list, from)) {
    for (auto& name : *names) {
      if (job.turns.over()) co_await job.turns.next();
      if (!job.patterns.matches(name)) continue;
      CO_TRY(auto listed, co_await look_up(job, std::move(name)));
      CO_TRY_OK(co_await put_listed(job, std::move(listed)));
    }
    if (job.turns.over()) co_await job.turns.next();
  }
  co_return Result<void>{};
}

// [RFC5258 3.5] A parent that is told for what is below it only, is told only when something of that is not told itself.
Task<Result<void>> Session::list_recursively(ListJob& job) {
  NameList names;
  std::vector<std::uint32_t> untold{0};  // untold[i]: how many of the first i names do not match
  std::string from;
  for (auto page = next_selected(job.list, from); page; page = next_selected(job.list, from)) {
    for (auto& name : *page) {
      if (job.turns.over()) co_await job.turns.next();
      untold.push_back(untold.back() + !job.patterns.matches(name));
      names.push_back(std::move(name));
    }
    if (job.turns.over()) co_await job.turns.next();
  }
  std::vector<std::size_t> parents;
  for (const auto& name : names) {
    if (job.turns.over()) co_await job.turns.next();
    const bool matches = job.patterns.match(name, parents).matches;
    std::erase_if(parents, [&](std::size_t length) { return job.has_met(name, length); });
    job.met = name;
    for (const auto length : parents) {
      auto parent = name.substr(0, length);
      const auto below = those_below(names, parent);
      if (untold[below.end] == untold[below.begin] || std::ranges::binary_search(names, parent)) continue;
      CO_TRY(auto listed, co_await look_up(job, std::move(parent)));
      listed.is_selected = false;
      listed.has_selected_below = true;
      CO_TRY_OK(co_await put_listed(job, std::move(listed)));
    }
    if (!matches) continue;
    CO_TRY(auto listed, co_await look_up(job, name));
    listed.has_selected_below = !those_below(names, name).empty();
    CO_TRY_OK(co_await put_listed(job, std::move(listed)));
  }
  co_return Result<void>{};
}

// Of those that satisfy the selection some more, behind what came before; nothing: that was all.  Special uses are those of the user's own
// mailboxes: bob's \Sent is nobody else's. [RFC6154 2]
std::optional<std::vector<std::string>> Session::next_selected(const List& list, std::string& from) const {
  constexpr std::size_t kPage = 256;
  std::vector<std::string> names;
  if (list.selects(ListSelect::subscribed)) {
    names = account_->subscriptions_from(from, kPage);
    if (names.empty()) return {};
    from = names.back() + '\0';
    if (!list.selects(ListSelect::special_use)) return names;
    std::erase_if(names, [&](const std::string& name) {
      const auto state = account_->find_mailbox(name);
      return !state || state->special_use == store::SpecialUse::none;
    });
    return names;
  }
  const auto page = account_->mailboxes_from(from, kPage);
  if (page.empty()) return {};
  from = page.back()->name + '\0';
  for (const auto& state : page)
    if (state->special_use != store::SpecialUse::none) names.push_back(state->name);
  return names;
}

Task<Result<Session::Listed>> Session::look_up(ListJob& job, std::string name) {
  Listed listed{.mailbox = {.name = name}};
  auto found = co_await access_.locate(name, store::kLookup);
  if (!found && found.error().code != Errc::not_found && found.error().code != Errc::denied)
    co_return std::unexpected(std::move(found).error());
  if (found) listed.mailbox = *std::move(found);
  listed.has_children = account_->has_children(listed.mailbox.name);
  if (listed.has_children) co_return listed;
  CO_TRY(listed.has_children, co_await has_shared_below(job, listed.mailbox.name));
  co_return listed;
}

// `name` lives in the caller's frame.
Task<Result<bool>> Session::has_shared_below(ListJob& job, const std::string& name) {
  const auto below = name + '/';
  if (!below.starts_with(kOtherUsers) && !below.starts_with(kShared)) co_return false;
  CO_TRY_OK(co_await find_parts(job));
  // No prefix begins with another one: the last that is not behind the name is the only one that may stand above it.
  const auto& [parts, anyone] = *job.parts;
  auto part = std::ranges::upper_bound(parts, below, {}, &SharedPart::prefix);
  if (part != parts.begin() && below.starts_with(std::prev(part)->prefix)) {
    --part;
    if (!job.part_tree || job.part_tree->prefix() != part->prefix) {
      CO_TRY(job.part_tree, co_await access_.shared_tree(*part, anyone));
    }
    if (part->prefix == below) co_return !job.part_tree->page({}, 1).empty();
    co_return job.part_tree->has_children(std::string_view(name).substr(part->prefix.size()));
  }
  for (; part != parts.end() && part->prefix.starts_with(below); ++part) {
    CO_TRY(const auto tree, co_await access_.shared_tree(*part, anyone));
    if (!tree.page({}, 1).empty()) co_return true;
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
  if (job.tells_children && listed.has_children) add("\\HasChildren");
  else if (job.tells_children && ref.state) add("\\HasNoChildren");
  if ((list.selects(ListSelect::subscribed) || list.wants(ListReturn::subscribed)) && account_->is_subscribed(ref.name)) add("\\Subscribed");
  if (job.tells_uses && ref.state && ref.account == account_) add(use_attribute(ref.state->special_use));

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
