#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "app/control.h"
#include "async/reactor.h"
#include "base/log.h"
#include "config/core_settings.h"

namespace posthorn::app {
namespace {

using namespace std::chrono_literals;

class SocketLink final : public AdminLink {
 public:
  explicit SocketLink(int fd) : fd_(fd) {}
  ~SocketLink() override { ::close(fd_); }
  bool server_runs() const override { return true; }

  Result<std::string> ask(const std::string& request) override {
    std::string_view rest = request;
    std::string line(rest);
    line += '\n';
    for (rest = line; !rest.empty();) {
      const auto n = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail(Errc::closed, std::string("the server does not listen: ") + std::strerror(errno));
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
    for (;;) {
      if (const auto end = unread_.find('\n'); end != std::string::npos) {
        std::string answer = unread_.substr(0, end);
        unread_.erase(0, end + 1);
        return answer;
      }
      char piece[64 * 1024];
      const auto n = ::recv(fd_, piece, sizeof piece, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return fail(Errc::closed, "the server went away before it answered");
      unread_.append(piece, static_cast<std::size_t>(n));
    }
  }

 private:
  int fd_;
  std::string unread_;
};

// root opens the store as the user to whom the data directory belongs: the server, which runs as that one, could not read files of root's.  For the whole
// process, while it lives.
class AsOwner {
 public:
  explicit AsOwner(const std::string& data_dir) {
    struct stat at{};
    if (::geteuid() != 0 || ::stat(data_dir.c_str(), &at) != 0 || at.st_uid == 0) return;
    changed_ = ::setegid(at.st_gid) == 0 && ::seteuid(at.st_uid) == 0;
  }
  ~AsOwner() {
    if (changed_) CHECK(::seteuid(0) == 0 && ::setegid(0) == 0);
  }
  AsOwner(const AsOwner&) = delete;

 private:
  bool changed_ = false;
};

class StoreLink final : public AdminLink {
 public:
  StoreLink(std::unique_ptr<AsOwner> as_owner, std::unique_ptr<Storage> storage) : as_owner_(std::move(as_owner)), storage_(std::move(storage)) {}
  bool server_runs() const override { return false; }
  Result<std::string> ask(const std::string& request) override { return run_task(admin_.answer(request)); }

 private:
  std::unique_ptr<AsOwner> as_owner_;
  std::unique_ptr<Storage> storage_;
  Admin admin_{*storage_, {}};
};

}  // namespace

Result<int> connect_control(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(Errc::invalid, "data_dir is too long for a socket in it: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(Errc::io, std::string("socket: ") + std::strerror(errno));
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  const int code = errno;
  ::close(fd);
  if (code == ENOENT || code == ECONNREFUSED || code == ENOTDIR) return -1;
  return fail(code == EACCES ? Errc::denied : Errc::io, "cannot connect to " + path + ": " + std::strerror(code));
}

Result<std::unique_ptr<AdminLink>> AdminLink::open(const config::Config& config) {
  // A server that is starting or stopping has the directory, but does not answer (yet, or any more).
  for (const auto give_up = std::chrono::steady_clock::now() + 10s;;) {
    TRY(const int fd, connect_control(control_path(config.data_dir)));
    if (fd >= 0) return std::make_unique<SocketLink>(fd);
    if (config::kStorageBackend.get() == config::StorageBackend::memory)
      return fail(Errc::not_found, "storage.backend is memory, and no server runs: there is nothing to administer");
    auto as_owner = std::make_unique<AsOwner>(config.data_dir);
    auto storage = Storage::open(config, 200ms);
    if (storage) return std::make_unique<StoreLink>(std::move(as_owner), *std::move(storage));
    if (storage.error().code != Errc::busy || std::chrono::steady_clock::now() >= give_up)
      return std::unexpected(std::move(storage).error());
  }
}

}  // namespace posthorn::app
