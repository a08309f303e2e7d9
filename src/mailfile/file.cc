#include "mailfile/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace posthorn::mailfile {
namespace {

// Where syncfs() waits for the data and reports its errors.  Others (FUSE, some network file systems) take it
// and do less.
bool syncfs_is_enough(int fd) {
  struct statfs at {};
  if (::fstatfs(fd, &at) != 0) return false;
  switch (static_cast<std::uint32_t>(at.f_type)) {
    case 0xEF53:      // ext2, ext3, ext4
    case 0x58465342:  // XFS
    case 0x9123683E:  // Btrfs
    case 0xF2F52010:  // F2FS
    case 0x01021994:  // tmpfs
      return true;
    default:
      return false;
  }
}

std::uint64_t device_of(int fd) {
  struct stat at {};
  return ::fstat(fd, &at) == 0 ? at.st_dev : 0;
}

std::string parent_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

void File::close() {
  if (const int fd = std::exchange(fd_, -1); fd >= 0) ::close(fd);
}

std::unexpected<Error> errno_failure(std::string_view what, const std::string& path) {
  const int why = errno;
  Errc code = Errc::io;
  switch (why) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      code = Errc::no_space;
      break;
    case ENOENT:
    case ENOTDIR:
      code = Errc::not_found;
      break;
    case EEXIST:
    case ENOTEMPTY:
      code = Errc::exists;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP:  // O_NOFOLLOW
      code = Errc::denied;
      break;
    default:
      break;
  }
  return fail(code, "cannot " + std::string(what) + " " + path + ": " + std::strerror(why));
}

Result<File> open_file(const std::string& path, int flags, unsigned mode) {
  for (;;) {
    File file(::open(path.c_str(), flags | O_CLOEXEC, mode));
    if (file.is_open()) return file;
    if (errno != EINTR) return errno_failure(flags & O_CREAT ? "create" : "open", path);
  }
}

Result<File> open_directory(const std::string& path) { return open_file(path, O_RDONLY | O_DIRECTORY); }

Result<void> write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_failure("write", path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<std::size_t> read_some(int fd, std::span<char> into, const std::string& path) {
  for (;;) {
    const auto n = ::read(fd, into.data(), into.size());
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) return errno_failure("read", path);
  }
}

Result<std::string> read_whole(const std::string& path, std::size_t limit) {
  TRY(auto file, open_file(path, O_RDONLY));
  std::string out;
  char piece[16 * 1024];
  for (;;) {
    TRY(const auto n, read_some(file.fd(), piece, path));
    if (n == 0) return out;
    if (out.size() + n > limit)
      return fail(Errc::too_large, path + " is longer than " + std::to_string(limit) + " bytes");
    out.append(piece, n);
  }
}

Result<void> replace_file(const std::string& path, std::string_view text, unsigned mode) {
  const std::string beside = path + ".new-" + std::to_string(::getpid());
  TRY(auto file, open_file(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode));
  auto written = write_all(file.fd(), text, beside);
  if (written) written = sync_file(file.fd(), beside);
  if (written && ::rename(beside.c_str(), path.c_str()) != 0) written = errno_failure("rename", beside);
  if (!written) {
    ::unlink(beside.c_str());
    return written;
  }
  return sync_directory(parent_of(path));
}

Result<void> sync_file(int fd, const std::string& path) {
  if (::fsync(fd) != 0) return errno_failure("sync", path);
  return {};
}

Result<void> sync_directory(const std::string& path) {
  TRY(auto directory, open_directory(path));
  return sync_file(directory.fd(), path);
}

Result<Synced> sync_files(std::span<const int> fds, const std::string& directory) {
  constexpr std::size_t kMany = 4;
  const bool together = fds.size() >= kMany && syncfs_is_enough(fds.front());
  // An error of writing back is reported to descriptors that were open before it (Linux 5.8), and the first
  // of them is: what came before concerns none of these files.
  if (together && ::syncfs(fds.front()) != 0) return errno_failure("sync", directory);
  for (const int fd : fds)
    if (!together || device_of(fd) != device_of(fds.front())) TRY_OK(sync_file(fd, directory));
  return together ? Synced::file_system : Synced::files;
}

bool is_directory(const std::string& path) {
  struct stat at {};
  return ::stat(path.c_str(), &at) == 0 && S_ISDIR(at.st_mode);
}

Result<void> make_directories(const std::string& path) {
  if (is_directory(path)) return {};
  const auto parent = parent_of(path);
  if (parent != path) TRY_OK(make_directories(parent));
  if (::mkdir(path.c_str(), 0700) != 0 && (errno != EEXIST || !is_directory(path)))
    return errno_failure("create", path);
  return sync_directory(parent);
}

std::string boot_id() {
  const auto text = read_whole("/proc/sys/kernel/random/boot_id", 100);
  if (!text) return {};
  const auto end = text->find_first_not_of("0123456789abcdef-");
  return text->substr(0, end);
}

}  // namespace posthorn::mailfile
