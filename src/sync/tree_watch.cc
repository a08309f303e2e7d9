#include "sync/tree_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace posthorn::sync {
namespace {

constexpr std::uint32_t kNames = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR;

}  // namespace

Result<TreeWatch> TreeWatch::open() {
  mailfile::File file(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!file.is_open()) return mailfile::errno_failure("watch", "files");
  return TreeWatch(std::move(file));
}

Result<void> TreeWatch::add(const std::string& path) {
  const bool is_folder = path.ends_with("/cur") || path.ends_with("/new");
  // In a folder a message that comes is renamed into it: its name is what counts.
  const int watch = ::inotify_add_watch(file_.fd(), path.c_str(), kNames);
  if (watch < 0 && errno == ENOSPC) return fail(Errc::limit, "the system watches no more directories (fs.inotify.max_user_watches)");
  if (watch < 0 && errno == ENOENT) return {};
  if (watch < 0) return mailfile::errno_failure("watch", path);
  if (is_folder) folders_.insert(watch);
  return {};
}

Result<void> TreeWatch::cover(const mailfile::MaildirTree& tree) {
  TRY_OK(add(tree.root()));
  TRY(const auto folders, tree.list());
  for (const auto& folder : folders) {
    TRY(const auto path, tree.path_of(folder));
    TRY_OK(add(path));
    TRY_OK(add(path + "/cur"));
    TRY_OK(add(path + "/new"));
  }
  return {};
}

bool TreeWatch::drain() {
  bool changed = false;
  alignas(inotify_event) std::array<char, 64 * 1024> events;
  for (;;) {
    const auto n = ::read(file_.fd(), events.data(), events.size());
    if (n <= 0) return changed;
    for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(n);) {
      inotify_event event;
      std::memcpy(&event, events.data() + at, sizeof event);
      at += sizeof event + event.len;
      if (event.mask & IN_IGNORED) folders_.erase(event.wd);
      // What is no directory, beside cur and new, is a file of ours or of somebody else's.
      if (event.mask & (IN_Q_OVERFLOW | IN_ISDIR)) changed = true;
      else if (folders_.contains(event.wd) && !(event.mask & IN_IGNORED)) changed = true;
    }
  }
}

}  // namespace posthorn::sync
