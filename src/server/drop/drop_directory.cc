#include "server/drop/drop_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/random.h"

namespace posthorn::drop {
namespace {

constexpr std::string_view kDone = ".mail", kPart = ".part";
constexpr std::size_t kStem = 13 + 1 + 32;
constexpr const char* kBad = "bad";
constexpr mode_t kMode = 03733;

std::unexpected<Error> trouble(const std::string& what, int code = errno) {
  const auto errc = code == ENOENT                     ? Errc::not_found
                    : code == EACCES || code == EPERM  ? Errc::denied
                    : code == ENOSPC || code == EDQUOT ? Errc::no_space
                                                       : Errc::io;
  return fail(errc, what + ": " + std::strerror(code));
}

bool is_stem(std::string_view s) {
  return s.size() == kStem && s[13] == '-' &&
         std::ranges::all_of(s, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '-'; });
}

using Dir = std::unique_ptr<DIR, int (*)(DIR*)>;

Dir open_dir(int fd) {
  const int copy = ::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* dir = copy < 0 ? nullptr : ::fdopendir(copy);
  if (!dir && copy >= 0) ::close(copy);
  return Dir(dir, ::closedir);
}

// Of entries whose kind readdir() tells, that is asked.
bool is_directory(int fd, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
  struct stat at{};
  return ::fstatat(fd, entry.d_name, &at, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(at.st_mode);
}

// What openat() says of things that are no file, or that their owner keeps from us; everything else is trouble of our own.
bool is_no_file(int code) { return code == ELOOP || code == EACCES || code == ENXIO || code == EWOULDBLOCK || code == ENODEV; }

bool is_stale(int fd, const char* name) {
  struct stat at{};
  if (::fstatat(fd, name, &at, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(at.st_mode)) return false;
  const auto today = std::chrono::duration_cast<std::chrono::seconds>(now().time_since_epoch()).count();
  return at.st_mtim.tv_sec + 24 * 3600 < today;
}

}  // namespace

std::string new_file_name() {
  char text[kStem + 1];
  std::snprintf(text, sizeof text, "%013llx-%016llx%016llx", static_cast<unsigned long long>(now().time_since_epoch().count()),
                static_cast<unsigned long long>(crypto::random_u64()), static_cast<unsigned long long>(crypto::random_u64()));
  return std::string(text) + std::string(kDone);
}

bool is_file_name(std::string_view name) { return name.ends_with(kDone) && is_stem(name.substr(0, name.size() - kDone.size())); }

Result<DropDirectory> DropDirectory::open(const std::string& path) {
  const bool made = ::mkdir(path.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) return trouble("cannot make " + path);
  auto fd = std::make_unique<FileDescriptor>(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd->fd() < 0) return trouble("cannot open " + path);
  struct stat at{};
  if (::fstat(fd->fd(), &at) != 0) return trouble("cannot look at " + path);
  if (at.st_uid != ::geteuid()) return fail(Errc::denied, path + " belongs to another user");
  // The mode of one that is there is the operator's choice: he may let nobody in but a group.
  if (made && ::fchmod(fd->fd(), kMode) != 0) return trouble("cannot set the mode of " + path);
  // Before another user does.
  if (::mkdirat(fd->fd(), kBad, 0700) != 0 && errno != EEXIST) return trouble("cannot make the directory for bad files");
  return DropDirectory(std::move(fd));
}

Result<DropDirectory::Found> DropDirectory::list() {
  const auto dir = open_dir(fd_->fd());
  if (!dir) return trouble("cannot list the drop directory");
  Found found;
  for (errno = 0; const auto* entry = ::readdir(dir.get()); errno = 0) {
    const std::string_view name(entry->d_name);
    if (name.ends_with(kPart) && is_stem(name.substr(0, name.size() - kPart.size()))) {
      if (is_stale(fd_->fd(), entry->d_name)) ::unlinkat(fd_->fd(), entry->d_name, 0);
      continue;
    }
    // Directories can neither be read nor moved away from a user who does not want that: they may not take the room of files.
    if (!is_file_name(name) || is_directory(fd_->fd(), *entry)) continue;
    found.names.emplace_back(name);
    if (found.names.size() < 2 * kMost) continue;
    std::ranges::nth_element(found.names, found.names.begin() + kMost);
    found.names.resize(kMost);
    found.more = true;
  }
  if (errno != 0) return trouble("cannot list the drop directory");
  std::ranges::sort(found.names);
  if (found.names.size() > kMost) {
    found.names.resize(kMost);
    found.more = true;
  }
  return found;
}

std::int64_t DropDirectory::changed() const {
  struct stat at{};
  if (::fstat(fd_->fd(), &at) != 0) return 0;
  return std::int64_t{at.st_mtim.tv_sec} * 1'000'000'000 + at.st_mtim.tv_nsec;
}

Result<DroppedFile> DropDirectory::take(const std::string& name) const {
  const int fd = ::openat(fd_->fd(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0 && is_no_file(errno)) return fail(Errc::invalid, std::string("it cannot be opened: ") + std::strerror(errno));
  if (fd < 0) return trouble("it cannot be opened");
  DroppedFile out{.file = std::make_unique<FileDescriptor>(fd)};
  struct stat at{};
  if (::fstat(fd, &at) != 0) return trouble("it cannot be looked at");
  if (!S_ISREG(at.st_mode)) return fail(Errc::invalid, "it is no file");
  // Otherwise it could be somebody else's file that was linked here by whoever wants to see it sent.
  if (at.st_nlink != 1) return fail(at.st_nlink == 0 ? Errc::not_found : Errc::invalid, "it has other names");
  out.size = static_cast<std::uint64_t>(at.st_size);
  out.owner = at.st_uid;
  return out;
}

Result<void> DropDirectory::remove(const std::string& name) const {
  if (::unlinkat(fd_->fd(), name.c_str(), 0) != 0 && errno != ENOENT) return trouble("cannot remove " + name);
  return {};
}

Result<void> DropDirectory::sync() const {
  if (::fsync(fd_->fd()) != 0) return trouble("cannot sync the drop directory");
  return {};
}

Result<void> DropDirectory::put_aside(const std::string& name) const {
  if (::mkdirat(fd_->fd(), kBad, 0700) != 0 && errno != EEXIST) return trouble("cannot make the directory for bad files");
  const FileDescriptor bad(::openat(fd_->fd(), kBad, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat at{};
  if (bad.fd() < 0 || ::fstat(bad.fd(), &at) != 0 || at.st_uid != ::geteuid())
    return fail(Errc::denied, "bad/ in the drop directory is not ours");
  if (::renameat(fd_->fd(), name.c_str(), bad.fd(), name.c_str()) != 0) return trouble("cannot put " + name + " aside");
  std::vector<std::string> kept;
  if (const auto dir = open_dir(bad.fd()))
    while (const auto* entry = ::readdir(dir.get()))
      if (entry->d_name[0] != '.') kept.emplace_back(entry->d_name);
  std::ranges::sort(kept);
  for (std::size_t i = 0; i + kMostBad < kept.size(); ++i) ::unlinkat(bad.fd(), kept[i].c_str(), 0);
  return {};
}

// --- DropWriter

DropWriter::DropWriter(std::string directory, std::string name, std::unique_ptr<FileDescriptor> fd)
    : directory_(std::move(directory)), name_(std::move(name)), fd_(std::move(fd)) {}

std::string DropWriter::part_path() const { return directory_ + '/' + name_.substr(0, kStem) + std::string(kPart); }

Result<DropWriter> DropWriter::create(const std::string& directory) {
  DropWriter writer(directory, new_file_name(), nullptr);
  const auto path = writer.part_path();
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return trouble("cannot write into " + directory);
  writer.fd_ = std::make_unique<FileDescriptor>(fd);
  // The group is the server's, by the directory's set-group-id bit: it could not read the file otherwise, unless it is its own.
  struct stat file {}, dir{};
  if (::fstat(fd, &file) != 0 || ::stat(directory.c_str(), &dir) != 0) return trouble("cannot look at " + directory);
  if (file.st_gid != dir.st_gid && file.st_uid != dir.st_uid)
    return fail(Errc::io, directory + " has no set-group-id bit: the server could not read what is left there");
  if (file.st_gid == dir.st_gid && ::fchmod(fd, 0640) != 0) return trouble("cannot set the mode of a file");
  return writer;
}

DropWriter::~DropWriter() {
  if (fd_) ::unlink(part_path().c_str());
}

Result<void> DropWriter::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(fd_->fd(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return trouble("cannot write into " + directory_);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> DropWriter::commit() {
  if (::fsync(fd_->fd()) != 0) return trouble("cannot sync a file in " + directory_);
  if (::rename(part_path().c_str(), (directory_ + '/' + name_).c_str()) != 0) return trouble("cannot rename a file in " + directory_);
  // Its name has to last, too.  Who may not list the directory cannot open it to sync it: then the whole file system is.
  const FileDescriptor dir(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const int synced = dir.fd() >= 0 ? ::fsync(dir.fd()) : ::syncfs(fd_->fd());
  if (synced != 0) {
    // The caller hears of a failure and may try again: nothing may be left that would be sent.
    const auto failure = trouble("cannot sync " + directory_);
    if (::unlink((directory_ + '/' + name_).c_str()) == 0 || errno != ENOENT) {
      fd_.reset();
      return failure;
    }
  }
  fd_.reset();
  return {};
}

}  // namespace posthorn::drop
