// Plain files, with what the system says turned into words.  Everything here blocks; no thread owns it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace posthorn::mailfile {

// An open file or directory; closes it when it goes.
class File {
 public:
  File() = default;
  explicit File(int fd) : fd_(fd) {}
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~File() { close(); }
  void close();
  int fd() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// What errno says, as "cannot WHAT PATH: why".  no_space: the disk or a quota or a limit of the size of files
// is used up; not_found, exists, denied; io for the rest.
std::unexpected<Error> errno_failure(std::string_view what, const std::string& path);

Result<File> open_file(const std::string& path, int flags, unsigned mode = 0600);  // O_CLOEXEC is added
Result<File> open_directory(const std::string& path);
Result<void> write_all(int fd, std::string_view bytes, const std::string& path);
// At most `into.size()` bytes; 0: the end.
Result<std::size_t> read_some(int fd, std::span<char> into, const std::string& path);
// All of a small file.  too_large: it is longer than `limit`.
Result<std::string> read_whole(const std::string& path, std::size_t limit);
// The file is as `text` says, now and after a crash: written beside it, synced, renamed over it.
Result<void> replace_file(const std::string& path, std::string_view text, unsigned mode = 0600);

// On the disk, or an error: once it has failed, what was written must be taken for lost.
Result<void> sync_file(int fd, const std::string& path);
// Names that were made, changed and removed in it.
Result<void> sync_directory(const std::string& path);
// All of them: many small files of one file system cost hardly more than one.  Whether names of that file
// system are durable too that were made, changed and removed before.
enum class Synced : std::uint8_t { files, file_system };
Result<Synced> sync_files(std::span<const int> fds, const std::string& directory);

// Makes a directory and those above it that are missing, each 0700, and syncs where it made one.
Result<void> make_directories(const std::string& path);
bool is_directory(const std::string& path);

// Of this start of this machine, as the kernel names it, printable; empty: it is not known, and then no two
// are the same.
std::string boot_id();

}  // namespace posthorn::mailfile
