// The parts of a set-up that touch the system: users, directories, files, programs.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "base/file_descriptor.h"
#include "crypto/certificate.h"
#include "setup.h"

extern char** environ;

namespace posthorn {
namespace {

std::unexpected<Error> trouble(const std::string& what) {
  return fail(errno == EACCES || errno == EPERM ? Errc::denied : Errc::io, what + ": " + std::strerror(errno));
}

// Whatever the umask is, the service has to get through to what is below them.
Result<void> ensure_parents(const std::string& path) {
  for (auto at = path.find('/', 1); at != path.npos; at = path.find('/', at + 1)) {
    const auto parent = path.substr(0, at);
    if (::mkdir(parent.c_str(), 0700) == 0) {
      if (::chmod(parent.c_str(), 0755) != 0) return trouble("cannot set the mode of " + parent);
    } else if (errno != EEXIST && ::access(parent.c_str(), F_OK) != 0) return trouble("cannot make " + parent);
  }
  return {};
}

}  // namespace

Result<int> run_program(const std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  pid_t pid = 0;
  if (const int code = ::posix_spawnp(&pid, argv[0], nullptr, nullptr, argv.data(), environ); code != 0)
    return fail(Errc::io, "cannot run " + words.front() + ": " + std::strerror(code));
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return trouble("waiting for " + words.front());
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

Result<Owner> ensure_user(const std::string& name) {
  const auto* entry = ::getpwnam(name.c_str());
  if (!entry) {
    TRY(const int status, run_program({"useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/var/lib/posthorn",
                                       "--shell", "/usr/sbin/nologin", name}));
    entry = ::getpwnam(name.c_str());
    if (status != 0 || !entry) return fail(Errc::io, "cannot make the user " + name + ": useradd ended with " + std::to_string(status));
  }
  return Owner{.user = entry->pw_uid, .group = entry->pw_gid};
}

Result<bool> ensure_directory(const std::string& path, unsigned mode, const Owner* owner) {
  struct stat at{};
  if (::lstat(path.c_str(), &at) == 0) {
    if (!S_ISDIR(at.st_mode)) return fail(Errc::exists, path + " is there, and no directory");
    return false;
  }
  TRY_OK(ensure_parents(path));
  if (::mkdir(path.c_str(), 0700) != 0) return trouble("cannot make " + path);
  // chown() takes set-group-id away: the mode comes last.
  if (owner && ::chown(path.c_str(), owner->user, owner->group) != 0) return trouble("cannot give " + path + " away");
  if (::chmod(path.c_str(), mode) != 0) return trouble("cannot set the mode of " + path);
  return true;
}

Result<bool> ensure_file(const std::string& path, const std::string& text, unsigned mode, const Owner* owner) {
  struct stat at{};
  if (::lstat(path.c_str(), &at) == 0) return false;
  TRY_OK(ensure_parents(path));
  TRY_OK(crypto::write_file_atomically(path, text, crypto::FileMode::secret));
  if (owner && ::chown(path.c_str(), static_cast<uid_t>(-1), owner->group) != 0) return trouble("cannot give " + path + " to a group");
  if (::chmod(path.c_str(), mode) != 0) return trouble("cannot set the mode of " + path);
  return true;
}

std::vector<std::string> taken_addresses(const config::Config& config) {
  std::vector<std::string> out;
  for (const auto& l : config.listeners) {
    if (l.address.is_unix() || l.address.port == 0) continue;
    sockaddr_in v4{.sin_family = AF_INET, .sin_port = htons(l.address.port), .sin_addr = {}, .sin_zero = {}};
    sockaddr_in6 v6{.sin6_family = AF_INET6, .sin6_port = htons(l.address.port), .sin6_flowinfo = 0, .sin6_addr = {}, .sin6_scope_id = 0};
    ::inet_pton(AF_INET, l.address.host.c_str(), &v4.sin_addr);
    ::inet_pton(AF_INET6, l.address.host.c_str(), &v6.sin6_addr);
    const FileDescriptor socket(::socket(l.address.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (socket.fd() < 0) continue;
    const int one = 1;
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (l.address.is_v6()) ::setsockopt(socket.fd(), IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    const auto* address = l.address.is_v6() ? reinterpret_cast<const sockaddr*>(&v6) : reinterpret_cast<const sockaddr*>(&v4);
    if (::bind(socket.fd(), address, l.address.is_v6() ? sizeof v6 : sizeof v4) != 0 && errno == EADDRINUSE) out.push_back(l.address.text());
  }
  return out;
}

AsOwnerOf::AsOwnerOf(const std::string& directory) {
  struct stat at{};
  if (::geteuid() != 0 || ::stat(directory.c_str(), &at) != 0 || !S_ISDIR(at.st_mode) || at.st_uid == 0) return;
  changed_ = ::setegid(at.st_gid) == 0 && ::seteuid(at.st_uid) == 0;
}

AsOwnerOf::~AsOwnerOf() {
  if (changed_) CHECK(::seteuid(0) == 0 && ::setegid(0) == 0);
}

}  // namespace posthorn
