#include "mailfile/mbox_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace posthorn::mailfile {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPoll = std::chrono::milliseconds(50);
constexpr auto kStale = std::chrono::minutes(5);

std::string owner_text(pid_t pid) { return "posthorn " + std::to_string(pid) + " " + boot_id() + "\n"; }

// One of ours whose process is gone, on this machine; or one that nobody has touched for long.
bool is_stale(const std::string& path) {
  if (const auto text = read_whole(path, 200); text && text->starts_with("posthorn ")) {
    const auto pid = static_cast<pid_t>(std::atoi(text->c_str() + 9));
    if (pid > 0 && *text == owner_text(pid) && ::kill(pid, 0) != 0 && errno == ESRCH) return true;
  }
  struct stat at {};
  if (::lstat(path.c_str(), &at) != 0) return false;
  return std::chrono::system_clock::now() - std::chrono::system_clock::from_time_t(at.st_mtim.tv_sec) >
         kStale;
}

// An open file description's lock: another part of this program is kept out as other programs are.
bool try_fcntl(int fd) {
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  return ::fcntl(fd, F_OFD_SETLK, &whole) == 0;
}

bool is_named(int fd, const std::string& path) {
  struct stat open {}, named {};
  return ::fstat(fd, &open) == 0 && ::stat(path.c_str(), &named) == 0 && open.st_dev == named.st_dev &&
         open.st_ino == named.st_ino;
}

}  // namespace

Result<MboxAppend> MboxAppend::begin(const std::string& path, std::chrono::milliseconds patience) {
  MboxAppend out(path);
  TRY_OK(out.lock(patience));
  const auto size = ::lseek(out.file_.fd(), 0, SEEK_END);
  if (size < 0) return errno_failure("look at", path);
  out.start_ = out.length_ = static_cast<std::uint64_t>(size);
  out.is_new_ = size == 0;
  return out;
}

MboxAppend::MboxAppend(MboxAppend&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::move(other.file_)),
      dot_locked_(std::exchange(other.dot_locked_, false)),
      is_new_(other.is_new_),
      start_(other.start_),
      length_(other.length_) {}

MboxAppend::~MboxAppend() {
  if (file_.is_open() && length_ > start_) (void)::ftruncate(file_.fd(), static_cast<off_t>(start_));
  file_.close();
  if (dot_locked_) ::unlink((path_ + ".lock").c_str());
}

Result<void> MboxAppend::lock(std::chrono::milliseconds patience) {
  const auto dot = path_ + ".lock";
  for (const auto until = Clock::now() + patience;; std::this_thread::sleep_for(kPoll)) {
    TRY(const bool mine, take_dot_lock(dot));
    if (mine) {
      TRY(const bool locked, open_and_lock());
      if (locked) return {};
    }
    if (Clock::now() > until)
      return fail(Errc::busy, "another program has locked " + path_ + (mine ? "" : ": it holds " + dot));
  }
}

// The lock is the file's, not its name's: who had it until now may have renamed another one over it, or removed it.
Result<bool> MboxAppend::open_and_lock() {
  TRY(file_, open_file(path_, O_RDWR | O_CREAT | O_APPEND));
  if (try_fcntl(file_.fd())) return is_named(file_.fd(), path_);
  if (errno != EAGAIN && errno != EACCES) return errno_failure("lock", path_);
  return false;
}

// false: somebody else has it.
Result<bool> MboxAppend::take_dot_lock(const std::string& dot) {
  if (dot_locked_) return true;
  const auto made = open_file(dot, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
  if (made) {
    dot_locked_ = true;
    (void)write_all(made->fd(), owner_text(::getpid()), dot);
    return true;
  }
  if (made.error().code == Errc::denied) return true;  // fcntl alone has to do
  if (made.error().code != Errc::exists) return std::unexpected(made.error());
  if (is_stale(dot)) ::unlink(dot.c_str());
  return false;
}

Result<void> MboxAppend::separate() {
  if (length_ == 0) return {};
  char end[2] = {'\n', '\n'};
  const std::size_t n = length_ < 2 ? 1 : 2;
  if (::pread(file_.fd(), end + (2 - n), n, static_cast<off_t>(length_ - n)) != static_cast<ssize_t>(n))
    return errno_failure("read", path_);
  const std::string_view missing = end[1] != '\n' ? "\n\n" : end[0] != '\n' ? "\n" : "";
  TRY_OK(write_all(file_.fd(), missing, path_));
  start_ = length_ += missing.size();
  return {};
}

Result<void> MboxAppend::put(std::string_view encoded) {
  auto written = write_all(file_.fd(), encoded, path_);
  if (written) {
    length_ += encoded.size();
    return {};
  }
  if (::ftruncate(file_.fd(), static_cast<off_t>(start_)) == 0) length_ = start_;
  return written;
}

Result<void> MboxAppend::commit() {
  TRY_OK(sync_file(file_.fd(), path_));
  if (!is_named(file_.fd(), path_)) return fail(Errc::busy, "a program that heeds no lock has replaced " + path_);
  // A file that was made just now has a name only when its directory is on the disk, too.
  if (is_new_) TRY_OK(sync_directory(std::filesystem::absolute(path_).parent_path()));
  is_new_ = false;
  start_ = length_;
  return {};
}

Result<void> MboxAppend::cut_back(std::uint64_t length) {
  CHECK(start_ == length_);
  if (::ftruncate(file_.fd(), static_cast<off_t>(length)) != 0) return errno_failure("cut", path_);
  start_ = length_ = length;
  return sync_file(file_.fd(), path_);
}

}  // namespace posthorn::mailfile
