#include "mailfile/maildir.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <tuple>

namespace posthorn::mailfile {
namespace {

constexpr int kTries = 4;  // a message that is always renamed under our hands is somebody's bug
constexpr auto kTmpAge = std::chrono::hours(36);

struct CloseDir {
  void operator()(DIR* d) const { ::closedir(d); }
};

// Calls take(name) for each entry; false ends it.
template <class Take>
Result<void> each_name(const std::string& directory, Take take) {
  const std::unique_ptr<DIR, CloseDir> dir(::opendir(directory.c_str()));
  if (!dir) return errno_failure("list", directory);
  for (;;) {
    errno = 0;
    const auto* one = ::readdir(dir.get());
    if (!one) {
      if (errno != 0) return errno_failure("list", directory);
      return {};
    }
    if (one->d_type == DT_DIR) continue;
    if (!take(std::string_view(one->d_name))) return {};
  }
}

Result<std::int64_t> modified_ns(const std::string& path) {
  struct stat at {};
  if (::stat(path.c_str(), &at) != 0) return errno_failure("look at", path);
  return std::int64_t{at.st_mtim.tv_sec} * 1'000'000'000 + at.st_mtim.tv_nsec;
}

}  // namespace

// renameat2() is not known everywhere (and not by every file system): a link under the new name, then the old
// one goes.
int rename_to_free(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  if (::link(from.c_str(), to.c_str()) == 0) return ::unlink(from.c_str());
  if (errno != EPERM && errno != EOPNOTSUPP) return -1;
  struct stat there {};
  if (::lstat(to.c_str(), &there) == 0) {
    errno = EEXIST;
    return -1;
  }
  return ::rename(from.c_str(), to.c_str());
}

Result<MaildirFolder> MaildirFolder::open(std::string path) {
  for (const char* sub : {"/cur", "/new"})
    if (!is_directory(path + sub))
      return fail(Errc::not_found, path + " is no Maildir: it has no " + (sub + 1));
  if (!is_directory(path + "/tmp")) TRY_OK(make_directories(path + "/tmp"));
  return MaildirFolder(std::move(path));
}

Result<MaildirFolder> MaildirFolder::create(std::string path) {
  for (const char* sub : {"/tmp", "/new", "/cur"}) TRY_OK(make_directories(path + sub));
  return MaildirFolder(std::move(path));
}

std::string MaildirFolder::path_of(const MaildirEntry& entry) const {
  return path_ + (entry.is_new ? "/new/" : "/cur/") + entry.name.text();
}

Result<std::vector<MaildirEntry>> MaildirFolder::list() const {
  std::vector<MaildirEntry> out;
  // new first: what moves from there to cur meanwhile is then seen twice rather than not at all.
  for (const bool is_new : {true, false})
    TRY_OK(each_name(path_ + (is_new ? "/new" : "/cur"), [&](std::string_view text) {
      if (auto name = parse_maildir_name(text)) out.push_back({.name = *std::move(name), .is_new = is_new});
      return true;
    }));
  // Of two with one unique part that in cur counts: it was listed later.
  std::ranges::sort(out, [](const MaildirEntry& a, const MaildirEntry& b) {
    return std::tie(a.name.unique, a.is_new) < std::tie(b.name.unique, b.is_new);
  });
  const auto same = [](const MaildirEntry& a, const MaildirEntry& b) {
    return a.name.unique == b.name.unique;
  };
  out.erase(std::unique(out.begin(), out.end(), same), out.end());
  return out;
}

Result<MaildirFolder::Changed> MaildirFolder::changed() const {
  Changed out;
  TRY(out.cur_ns, modified_ns(path_ + "/cur"));
  TRY(out.new_ns, modified_ns(path_ + "/new"));
  return out;
}

Result<MaildirEntry> MaildirFolder::find(std::string_view unique) const {
  std::optional<MaildirEntry> found;
  for (const bool is_new :
       {true, false, true}) {  // once more: it may have come from cur to new, for what we know
    TRY_OK(each_name(path_ + (is_new ? "/new" : "/cur"), [&](std::string_view text) {
      if (!text.starts_with(unique)) return true;
      auto name = parse_maildir_name(text);
      if (!name || name->unique != unique) return true;
      found = MaildirEntry{.name = *std::move(name), .is_new = is_new};
      return false;
    }));
    if (found) return *std::move(found);
  }
  return fail(Errc::not_found, "the message " + std::string(unique) + " is not in " + path_ + " any more");
}

template <class Act>
Result<void> MaildirFolder::on_file(MaildirEntry& entry, std::string_view what, Act act) const {
  for (int i = 0; i < kTries; ++i) {
    const auto path = path_of(entry);
    if (act(path)) return {};
    if (errno != ENOENT) return errno_failure(what, path);
    TRY(entry, find(entry.name.unique));
  }
  return fail(Errc::busy,
              "the message " + entry.name.unique + " in " + path_ + " is being renamed all the time");
}

Result<File> MaildirFolder::open_message(MaildirEntry& entry) const {
  File file;
  TRY_OK(on_file(entry, "open", [&](const std::string& path) {
    file = File(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    return file.is_open();
  }));
  struct stat at {};
  if (::fstat(file.fd(), &at) != 0) return errno_failure("look at", path_of(entry));
  if (!S_ISREG(at.st_mode)) return fail(Errc::invalid, path_of(entry) + " is no regular file");
  return file;
}

Result<MaildirFolder::Facts> MaildirFolder::facts(MaildirEntry& entry) const {
  struct stat at {};
  TRY_OK(on_file(entry, "look at", [&](const std::string& path) { return ::lstat(path.c_str(), &at) == 0; }));
  const auto ms =
      std::chrono::milliseconds(std::int64_t{at.st_mtim.tv_sec} * 1000 + at.st_mtim.tv_nsec / 1'000'000);
  return Facts{.size = static_cast<std::uint64_t>(at.st_size), .internal_date = SysTime(ms)};
}

Result<void> MaildirFolder::set_flags(MaildirEntry& entry, MaildirFlags flags) const {
  auto to = entry.name;
  to.flags = flags;
  to.rest.clear();
  return rename(entry, std::move(to));
}

Result<void> MaildirFolder::rename(MaildirEntry& entry, MaildirName to) const {
  CHECK(to.unique == entry.name.unique);
  if (!to.flags) to.flags = MaildirFlags();
  const auto target = path_ + "/cur/" + to.text();
  TRY_OK(on_file(entry, "rename", [&](const std::string& path) {
    return path == target || ::rename(path.c_str(), target.c_str()) == 0;
  }));
  entry = {.name = std::move(to), .is_new = false};
  return {};
}

Result<void> MaildirFolder::remove(MaildirEntry& entry) const {
  return on_file(entry, "remove", [](const std::string& path) { return ::unlink(path.c_str()) == 0; });
}

Result<bool> MaildirFolder::set_flags_as(MaildirEntry& entry, MaildirFlags flags) const {
  MaildirEntry to{.name = entry.name, .is_new = false};
  to.name.flags = flags;
  to.name.rest.clear();
  const auto path = path_of(entry);
  if (::rename(path.c_str(), path_of(to).c_str()) == 0) {
    entry = std::move(to);
    return true;
  }
  if (errno == ENOENT) return false;
  return errno_failure("rename", path);
}

Result<bool> MaildirFolder::remove_as(const MaildirEntry& entry) const {
  const auto path = path_of(entry);
  if (::unlink(path.c_str()) == 0) return true;
  if (errno == ENOENT) return false;
  return errno_failure("remove", path);
}

Result<MaildirEntry> MaildirFolder::move_to(MaildirEntry& entry, const MaildirFolder& target,
                                            MaildirName name) const {
  if (!name.flags && !entry.is_new) name.flags = MaildirFlags();
  MaildirEntry moved{.name = std::move(name), .is_new = entry.is_new};
  moved.is_new = !moved.name.flags;
  const auto to = target.path_of(moved);
  TRY_OK(on_file(entry, "move", [&](const std::string& path) { return rename_to_free(path, to) == 0; }));
  return moved;
}

Result<void> MaildirFolder::sync() const {
  TRY_OK(sync_directory(path_ + "/new"));
  return sync_directory(path_ + "/cur");
}

void MaildirFolder::clean_tmp(SysTime now) const {
  const auto tmp = path_ + "/tmp";
  std::vector<std::string> old;
  (void)each_name(tmp, [&](std::string_view name) {
    if (name != "." && name != "..") old.push_back(tmp + "/" + std::string(name));
    return old.size() < 10'000;
  });
  for (const auto& path : old) {
    struct stat at {};
    if (::lstat(path.c_str(), &at) != 0 || !S_ISREG(at.st_mode)) continue;
    const auto latest = std::max({at.st_atim.tv_sec, at.st_mtim.tv_sec, at.st_ctim.tv_sec});
    if (now - SysTime(std::chrono::seconds(latest)) > kTmpAge) ::unlink(path.c_str());
  }
}

}  // namespace posthorn::mailfile
