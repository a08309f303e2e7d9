// From the words of a path to a mailbox. [SMAP1 15]
#include <utility>

#include "server/smap/acl_text.h"
#include "server/smap/session.h"
#include "text/ascii.h"

namespace posthorn::smap {
namespace {

// The levels from `from` on as one name.  syntax: the store's delimiter is in one of them.
Result<std::string> joined(const Path& path, std::size_t from) {
  std::string name;
  for (auto i = from; i < path.size(); ++i) {
    if (path[i].find('/') != std::string::npos) return fail(Errc::syntax, "The name of a folder cannot have a / here");
    if (i > from) name += '/';
    name += path[i];
  }
  return name;
}

}  // namespace

Task<Result<server::Place>> Session::find_place(Path path) const {
  const bool is_public = path.front() == "public";
  if (!is_public && path.front() != "INBOX") co_return fail(Errc::syntax, "The first word of a folder is INBOX or public");
  if (is_public && path.size() < 3) co_return fail(Errc::not_found, "a directory");
  if (path.size() == 1) co_return access_.own_place("INBOX");
  CO_TRY(auto name, joined(path, is_public ? 2 : 1));
  // Every mailbox has one name.
  if (!is_public && path.size() == 2 && text::iequals(name, "INBOX")) co_return fail(Errc::not_found, "INBOX is not below itself");
  if (is_public) co_return co_await access_.place_of(std::move(path[1]), std::move(name));
  co_return access_.own_place(std::move(name));
}

Task<Result<server::MailboxRef>> Session::locate(Path path, store::Rights right) const {
  CO_TRY(auto place, co_await find_place(std::move(path)));
  auto found = access_.locate(std::move(place), right);
  if (!found && found.error().code == Errc::denied) co_return std::unexpected(needs_right(letter_of(right)));
  co_return found;
}

}  // namespace posthorn::smap
