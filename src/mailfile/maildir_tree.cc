#include "mailfile/maildir_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>

#include "text/ascii.h"

namespace posthorn::mailfile {
namespace {

constexpr std::size_t kMaxFolders = 100'000;
constexpr std::size_t kMaxDepth = 32;
constexpr std::string_view kOurs = ".posthorn-";  // files that are not the reader's
constexpr std::string_view kGoing =
    ".posthorn-removed-";  // no folder of either layout begins so, see path_to_folder and visit_nested

struct CloseDir {
  void operator()(DIR* d) const { ::closedir(d); }
};

// An error is no "no": of a disk that does not answer nothing is known.
Result<bool> is_readable_directory(const std::string& path) {
  struct stat at {};
  if (::stat(path.c_str(), &at) == 0) return S_ISDIR(at.st_mode);
  if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return false;  // of links see find_rest()
  return errno_failure("look at", path);
}

Result<bool> is_maildir(const std::string& path) {
  TRY(const bool cur, is_readable_directory(path + "/cur"));
  if (!cur) return false;
  return is_readable_directory(path + "/new");
}

// Something has that name, and be it a link to nothing.
Result<bool> is_taken(const std::string& path) {
  struct stat at {};
  if (::lstat(path.c_str(), &at) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return errno_failure("look at", path);
}

// As a disk looks that is not mounted: a link to nothing, or a directory with nothing in it.
bool looks_unmounted(const std::string& path) {
  std::error_code failed;
  return !std::filesystem::exists(path, failed) || (std::filesystem::is_directory(path, failed) && std::filesystem::is_empty(path, failed)) || failed;
}

// The directories in it, by name, without "." and "..".
Result<std::vector<std::string>> sub_directories(const std::string& path) {
  const std::unique_ptr<DIR, CloseDir> dir(::opendir(path.c_str()));
  if (!dir) return errno_failure("list", path);
  std::vector<std::string> out;
  for (;;) {
    errno = 0;
    const auto* one = ::readdir(dir.get());
    if (!one && errno != 0) return errno_failure("list", path);
    if (!one) break;
    const std::string_view name = one->d_name;
    if (name == "." || name == ".." || name == "lost+found") continue;
    const bool may_be = one->d_type == DT_DIR || one->d_type == DT_LNK || one->d_type == DT_UNKNOWN;
    if (!may_be) continue;
    TRY(const bool is, is_readable_directory(path + "/" + one->d_name));
    if (is) out.emplace_back(name);
    if (out.size() > kMaxFolders) return fail(Errc::limit, path + " holds too many folders");
  }
  std::ranges::sort(out);
  return out;
}

bool is_part(std::string_view name) { return name == "cur" || name == "new" || name == "tmp"; }

using Identity = std::pair<dev_t, ino_t>;

Identity identity_of(const std::string& path) {
  struct stat at {};
  return ::stat(path.c_str(), &at) == 0 ? Identity(at.st_dev, at.st_ino) : Identity();
}

// `above`: the directories on the way, which a link may lead back to.
Result<void> visit_nested(const std::string& root, const std::string& relative, std::vector<Identity>& above,
                          std::vector<FolderPath>& out) {
  const auto identity = identity_of(relative.empty() ? root : root + "/" + relative);
  if (above.size() >= kMaxDepth || std::ranges::find(above, identity) != above.end()) return {};
  above.push_back(identity);
  TRY(const auto names, sub_directories(relative.empty() ? root : root + "/" + relative));
  for (const auto& name : names) {
    if (is_part(name) || name.starts_with('.')) continue;
    const auto below = relative.empty() ? name : relative + "/" + name;
    TRY(const bool is, is_maildir(root + "/" + below));
    if (is && std::ranges::find(above, identity_of(root + "/" + below)) == above.end()) {
      TRY(auto folder, path_to_folder(below, MaildirLayout::nested));
      out.push_back(std::move(folder));
    }
    if (out.size() > kMaxFolders) return fail(Errc::limit, root + " holds too many folders");
    TRY_OK(visit_nested(root, below, above, out));
  }
  above.pop_back();
  return {};
}

// Modified UTF-7 that says something else than its letters do.
bool looks_like_utf7(const std::string& name) {
  const auto utf7 = path_to_folder(name, MaildirLayout::maildir_pp), plain = path_to_folder(name, MaildirLayout::maildir_pp_utf8);
  return text::is_ascii(name) && utf7 && plain && *utf7 != *plain;
}

Result<MaildirLayout> find_layout(const std::string& root, MaildirLayout if_new, std::optional<MaildirLayout> before) {
  TRY(const auto names, sub_directories(root));
  bool pp = false, utf7 = false, utf8 = false, nested = false;
  for (const auto& name : names) {
    if (is_part(name) || name.starts_with(kGoing)) continue;
    TRY(const bool is, is_maildir(root + "/" + name));
    const bool dot = is && name.starts_with('.');
    pp |= dot;
    utf8 |= dot && !text::is_ascii(name);
    utf7 |= dot && looks_like_utf7(name);
    nested |= is && !name.starts_with('.');
  }
  TRY(const bool is_inbox, is_maildir(root));
  // A root that is a Maildir itself has its folders behind dots, unless it has others and none of those, or had.
  if (!pp && (nested || before == MaildirLayout::nested)) return MaildirLayout::nested;
  if (!pp && !is_inbox) return if_new;
  if (utf8 || (!utf7 && if_new == MaildirLayout::maildir_pp_utf8)) return MaildirLayout::maildir_pp_utf8;
  return MaildirLayout::maildir_pp;
}

// mbsync's Inbox, and that of many readers, is the root even where the folders are nested.
Result<bool> inbox_is_root(const std::string& root) {
  TRY(const bool is, is_maildir(root));
  if (!is) return false;
  TRY(const bool other, is_maildir(root + "/INBOX"));
  return !other;
}

int rename_to_free_directory(const std::string& from, const std::string& to) {
  struct stat there {};
  if (::lstat(to.c_str(), &there) == 0) {
    errno = EEXIST;
    return -1;
  }
  return ::rename(from.c_str(), to.c_str());
}

bool is_record(std::string_view name) { return name == "dovecot-keywords" || name.starts_with(kOurs); }
bool is_going(std::string_view name) { return name.starts_with(kGoing); }

template <class Fits>
Result<std::vector<std::string>> names_in(const std::string& path, Fits fits) {
  std::error_code failed;
  std::vector<std::string> out;
  for (std::filesystem::directory_iterator at(path, failed), end; !failed && at != end; at.increment(failed))
    if (auto name = at->path().filename().string(); fits(name)) out.push_back(std::move(name));
  if (failed) return fail(Errc::io, "cannot list " + path + ": " + failed.message());
  return out;
}

constexpr const char* kParts[] = {"cur", "new", "tmp"};

// All that makes a directory a Maildir, after what is kept about its messages: that is never where they are not.
// What else is in it may be other folders.
Result<void> move_parts(const std::string& from, const std::string& to) {
  TRY(auto names, names_in(from, is_record));
  names.insert(names.end(), std::begin(kParts), std::end(kParts));
  for (const auto& name : names)
    if (::rename((from + "/" + name).c_str(), (to + "/" + name).c_str()) != 0 && errno != ENOENT)
      return errno_failure("move", from + "/" + name);
  TRY_OK(sync_directory(to));
  return sync_directory(from);
}

Result<bool> asked(const MaildirTree::MayGo& may_go, const std::string& going) {
  if (!may_go) return true;
  TRY(const auto folder, MaildirFolder::open(going));
  return may_go(folder);
}

// What is kept about the messages goes last: it says whether the rest may go, see finish_removals().
std::error_code remove_directory(const std::string& going) {
  namespace fs = std::filesystem;
  std::error_code failed;
  const bool link = fs::is_symlink(going, failed);  // what it leads to stays
  for (const char* part : kParts)
    if (!failed && !link) fs::remove_all(going + "/" + part, failed);
  if (!failed) fs::remove_all(going, failed);
  return failed;
}

}  // namespace

Result<MaildirTree> MaildirTree::open(std::string root, MaildirLayout if_new, std::optional<MaildirLayout> before) {
  TRY_OK(make_directories(root));
  TRY(const auto layout, find_layout(root, before.value_or(if_new), before));
  return MaildirTree(std::move(root), layout);
}

Result<std::string> MaildirTree::path_of(const FolderPath& folder) const {
  TRY(const auto relative, folder_to_path(folder, layout_));
  if (relative.empty()) return root_;
  if (layout_ == MaildirLayout::nested && folder == FolderPath{"INBOX"}) {
    TRY(const bool is_root, inbox_is_root(root_));
    if (is_root) return root_;
  }
  return root_ + "/" + relative;
}

Result<std::vector<FolderPath>> MaildirTree::list() const {
  std::vector<FolderPath> out;
  if (layout_ == MaildirLayout::nested) {
    std::vector<Identity> above;
    TRY_OK(visit_nested(root_, {}, above, out));
    TRY(const bool is_root, inbox_is_root(root_));
    if (is_root) out.push_back({"INBOX"});
  } else {
    TRY(const bool is_root, is_maildir(root_));
    if (is_root) out.push_back({"INBOX"});
    TRY(const auto names, sub_directories(root_));
    for (const auto& name : names) {
      if (!name.starts_with('.') || name.starts_with(kGoing)) continue;
      TRY(const bool is, is_maildir(root_ + "/" + name));
      if (!is) continue;
      if (auto folder = path_to_folder(name, layout_)) out.push_back(*std::move(folder));
    }
  }
  std::ranges::sort(out);
  return out;
}

bool MaildirTree::exists(const FolderPath& folder) const {
  const auto path = path_of(folder);
  return path && is_maildir(*path).value_or(false);
}

Result<std::optional<std::string>> MaildirTree::find_rest(const FolderPath& folder) const {
  TRY(const auto path, path_of(folder));
  for (auto end = path.find('/', root_.size() + 1);; end = path.find('/', end + 1)) {
    const auto part = path.substr(0, end);
    TRY(const bool taken, is_taken(part));
    if (!taken) return std::nullopt;
    if (looks_unmounted(part)) return part;
    if (end == path.npos) break;
  }
  TRY(const bool cur, is_taken(path + "/cur"));
  TRY(const bool fresh, is_taken(path + "/new"));
  return cur || fresh ? std::optional(path) : std::nullopt;
}

Result<MaildirFolder> MaildirTree::open_folder(const FolderPath& folder) const {
  TRY(auto path, path_of(folder));
  return MaildirFolder::open(std::move(path));
}

Result<MaildirFolder> MaildirTree::create(const FolderPath& folder) const {
  TRY(auto path, path_of(folder));
  TRY(auto made, MaildirFolder::create(path));
  // [Maildir++] How a folder is told from the main Maildir by who delivers.
  if (layout_ != MaildirLayout::nested && path != root_)
    TRY_OK(open_file(path + "/maildirfolder", O_WRONLY | O_CREAT));
  return made;
}

Result<void> MaildirTree::rename(const FolderPath& from, const FolderPath& to) const {
  if (from == FolderPath{"INBOX"} || to == FolderPath{"INBOX"})
    return fail(Errc::invalid, "the INBOX cannot be renamed");
  if (to.size() > from.size() && std::equal(from.begin(), from.end(), to.begin()))
    return fail(Errc::invalid, "a folder into itself");
  TRY(const auto old_path, path_of(from));
  TRY(const auto new_path, path_of(to));
  if (layout_ == MaildirLayout::nested) {
    TRY_OK(make_directories(std::filesystem::path(new_path).parent_path().string()));
    if (rename_to_free_directory(old_path, new_path) != 0) return errno_failure("rename", old_path);
    TRY_OK(sync_directory(std::filesystem::path(new_path).parent_path().string()));
    return sync_directory(std::filesystem::path(old_path).parent_path().string());
  }
  TRY(const auto names, sub_directories(root_));
  std::vector<std::pair<std::string, std::string>> moves;
  for (const auto& name : names) {
    const auto path = root_ + "/" + name;
    if (path == new_path || path.starts_with(new_path + "."))
      return fail(Errc::exists, path + " is there already");
    if (path == old_path || path.starts_with(old_path + "."))
      moves.emplace_back(path, new_path + path.substr(old_path.size()));
  }
  if (moves.empty()) return fail(Errc::not_found, old_path + " does not exist");
  for (const auto& [source, target] : moves)
    if (rename_to_free_directory(source, target) != 0) return errno_failure("rename", source);
  return sync_directory(root_);
}

Result<void> MaildirTree::hide(const std::string& path, const std::string& going) const {
  if (layout_ != MaildirLayout::nested) {
    if (::rename(path.c_str(), going.c_str()) != 0) return errno_failure("remove", path);
    return sync_directory(root_);
  }
  if (::mkdir(going.c_str(), 0700) != 0) return errno_failure("create", going);
  auto moved = move_parts(path, going);
  if (!moved) {
    TRY_OK(put_back(going, path));
    return moved;
  }
  return sync_directory(root_);
}

Result<void> MaildirTree::put_back(const std::string& going, const std::string& path) const {
  Result<void> done;
  if (layout_ == MaildirLayout::nested) {
    done = move_parts(going, path);
    if (done) (void)::rmdir(going.c_str());
  } else if (rename_to_free_directory(going, path) != 0) {
    done = errno_failure("move", going);
  }
  if (!done) return fail(done.error().code, path + " was to be removed and has to stay, but is in " + going + " now: " + done.error().text);
  return sync_directory(root_);
}

Result<void> MaildirTree::remove(const FolderPath& folder, const MayGo& may_go) const {
  if (folder == FolderPath{"INBOX"}) return fail(Errc::invalid, "the INBOX cannot be removed");
  TRY(const auto path, path_of(folder));
  TRY(const bool is, is_maildir(path));
  if (!is) return fail(Errc::not_found, path + " is no Maildir");
  // Out of sight first: what a crash leaves is no half a folder, and what came into it until now can be seen.
  const auto going = root_ + "/" + std::string(kGoing) + make_maildir_name().unique;
  TRY_OK(hide(path, going));
  const auto goes = asked(may_go, going);
  if (!goes || !*goes) {
    TRY_OK(put_back(going, path));
    return goes ? fail(Errc::busy, path + " has changed while it was removed") : std::unexpected(goes.error());
  }
  if (layout_ == MaildirLayout::nested) (void)::rmdir(path.c_str());  // stays where others are below it
  (void)remove_directory(going);  // nobody sees what is left
  return {};
}

Result<std::vector<std::string>> MaildirTree::finish_removals(const MayGo& may_go) const {
  TRY(const auto names, names_in(root_, is_going));
  std::vector<std::string> staying;
  for (const auto& name : names) {
    const auto going = root_ + "/" + name;
    const auto whole = MaildirFolder::create(going);
    const auto goes = whole ? may_go(*whole) : Result<bool>(std::unexpected(whole.error()));
    if (!goes.value_or(false) || remove_directory(going)) staying.push_back(going);
  }
  return staying;
}

}  // namespace posthorn::mailfile
