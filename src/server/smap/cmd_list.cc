// LIST. [SMAP1 4.2]
#include <algorithm>
#include <optional>
#include <utility>

#include "async/turns.h"
#include "proto/smap/words.h"
#include "server/smap/session.h"

namespace posthorn::smap {
namespace {

// What names below these levels begin with; nullopt: there can be none, since no level has a delimiter in its name.
std::optional<std::string> prefix_of(const Path& path, std::size_t from) {
  std::string prefix;
  for (auto i = from; i < path.size(); ++i) {
    if (path[i].find('/') != std::string::npos) return {};
    prefix.append(path[i]).append("/");
  }
  return prefix;
}

}  // namespace

void Session::put_listed(std::string_view name, std::string_view description, bool folder, bool directory) {
  output() += "* LIST ";
  put_word(output(), name);
  output() += ' ';
  put_word(output(), description);
  if (folder) output() += " FOLDER";
  if (directory) output() += " DIRECTORY";
  end_line();
}

Session::Outcome Session::cmd_list(Words& words) {
  if (words.at_end() || words.peek().empty()) {
    CO_TRY_OK(co_await list_top());
    co_return ok("LIST completed");
  }
  CO_TRY(auto path, take_path(words));
  if (path.front() == "public") {
    CO_TRY_OK(co_await list_public(std::move(path)));
    co_return ok("LIST completed");
  }
  if (path.front() != "INBOX") co_return ok("LIST completed");  // there is nothing
  auto prefix = prefix_of(path, 1);
  const server::MailboxTree own(account_);
  if (prefix) CO_TRY_OK(co_await list_level(own, *std::move(prefix)));
  co_return ok("LIST completed");
}

Task<Result<void>> Session::list_top() {
  put_listed("INBOX", "New Mail", true, false);
  put_listed("INBOX", "Folders", false, true);
  CO_TRY(const auto shared, co_await access_.shared_parts());
  for (const auto& part : shared.list) {
    const bool something = co_await shares_something(part, shared.anyone);
    if (!something) continue;
    put_listed("public", "Public Folders", false, true);
    break;
  }
  co_return Result<void>{};
}

// Whose account cannot be opened now is there all the same, and no reason to keep the others from the user.
// What it is given lives in the caller's frame.
Task<bool> Session::shares_something(const server::SharedPart& part, const store::AnyoneIn& anyone) {
  const auto tree = co_await access_.shared_tree(part, anyone);
  if (!tree) log_failure("LIST", tree.error());
  co_return !tree || !tree->page({}, 1).empty();
}

// Who shares something, or what one of them does.
Task<Result<void>> Session::list_public(Path path) {
  auto prefix = prefix_of(path, 2);
  if (!prefix) co_return Result<void>{};
  CO_TRY(const auto shared, co_await access_.shared_parts());
  for (const auto& part : shared.list) {
    if (path.size() > 1) {
      if (path[1] != part.address) continue;
      CO_TRY(const auto tree, co_await access_.shared_tree(part, shared.anyone));
      co_return co_await list_level(tree, *std::move(prefix));
    }
    const bool something = co_await shares_something(part, shared.anyone);
    if (!something) continue;
    put_listed(part.address, part.address, false, true);
    CO_TRY_OK(co_await flush_if_large());
  }
  co_return Result<void>{};
}

// What is right below `prefix`, which is empty or ends with '/'; passes over what is deeper.  `tree` lives in the caller's frame.
Task<Result<void>> Session::list_level(const server::MailboxTree& tree, std::string prefix) {
  constexpr std::size_t kFirstPage = 16, kMaxPage = 512;
  std::size_t limit = kFirstPage;
  Turns turns;
  for (std::string from = prefix;;) {
    const auto page = tree.page(from, limit);
    bool skipped = false;
    for (const auto& state : page) {
      const std::string_view name = state->name;
      if (!name.starts_with(prefix)) co_return Result<void>{};
      const auto slash = name.find('/', prefix.size());
      const auto level = name.substr(prefix.size(), slash - prefix.size());
      const auto up_to_level = name.substr(0, prefix.size() + level.size());
      if (slash != name.npos) {
        // A folder of that name was listed with what is below it.
        if (!tree.contains(up_to_level)) put_listed(level, level, false, true);
        from = std::string(up_to_level) + '0';  // behind '/'
        skipped = true;
        break;
      }
      const bool is_inbox = tree.is_own() && name == "INBOX";  // whose path is INBOX alone
      const bool has_children = tree.has_children(name);
      if (!is_inbox || has_children) put_listed(level, level, !is_inbox, has_children);
      from = std::string(name) + '\0';
    }
    CO_TRY_OK(co_await flush_if_large());
    if (turns.over()) co_await turns.next();
    if (page.size() < limit && !skipped) co_return Result<void>{};
    limit = skipped ? kFirstPage : std::min(limit * 2, kMaxPage);
  }
}

}  // namespace posthorn::smap
