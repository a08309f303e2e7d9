#include "app/data_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>

namespace posthorn::app {
namespace {

std::string owner_of(int fd) {
  char text[32] = "";
  const auto n = ::pread(fd, text, sizeof text - 1, 0);
  std::string pid(text, n > 0 ? static_cast<std::size_t>(n) : 0);
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  return pid.empty() ? "another process" : "process " + pid;
}

}  // namespace

Result<DataDirLock> DataDirLock::take(const std::string& data_dir, std::chrono::milliseconds patience) {
  std::error_code error;
  const std::filesystem::path path(data_dir);
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  if (::mkdir(data_dir.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(Errc::io, "cannot make data_dir " + data_dir + ": " + std::strerror(errno));
  const std::string name = data_dir + "/lock";
  const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return fail(Errc::io, "cannot open " + name + ": " + std::strerror(errno));
  DataDirLock lock(fd);
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return fail(Errc::io, "cannot lock " + name + ": " + std::strerror(errno));
    if (std::chrono::steady_clock::now() >= give_up)
      return fail(Errc::busy, "data_dir " + data_dir + " is in use by " + owner_of(fd));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return fail(Errc::no_space, "cannot write " + name + ": " + std::strerror(errno));
  return lock;
}

DataDirLock::DataDirLock(DataDirLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

DataDirLock::~DataDirLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace posthorn::app
