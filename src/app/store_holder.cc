#include <errno.h>
#include <sys/stat.h>
#include <grp.h>
#include <unistd.h>

#include <cstring>

#include "app/control.h"
#include "app/local_store.h"
#include "app/settings.h"
#include "async/reactor.h"
#include "base/log.h"

namespace posthorn::app {
namespace {

using namespace std::chrono_literals;

// root: what is made here must be the server's.
Result<void> become_owner(const std::string& data_dir) {
  struct stat at{};
  if (::geteuid() != 0 || ::stat(data_dir.c_str(), &at) != 0 || at.st_uid == 0) return {};
  if (::setgroups(0, nullptr) == 0 && ::setresgid(at.st_gid, at.st_gid, at.st_gid) == 0 && ::setresuid(at.st_uid, at.st_uid, at.st_uid) == 0) return {};
  return fail(Errc::denied, "cannot become the owner of " + data_dir + ": " + std::strerror(errno));
}

void wait_for_the_end_of_input() {
  char piece[64];
  for (;;) {
    const auto n = ::read(STDIN_FILENO, piece, sizeof piece);
    if (n == 0 || (n < 0 && errno != EINTR)) return;
  }
}

}  // namespace

Result<void> hold_store(const config::Config& config) {
  TRY_OK(become_owner(config.data_dir));
  TRY(auto storage, Storage::open(config, 5s));
  server::Services services{.hostname = config.hostname,
                            .store = storage->store(),
                            .directory = storage->directory(),
                            .authenticator = storage->authenticator(),
                            .tls = [] { return std::shared_ptr<const net::TlsContext>(); }};
  Admin admin(*storage, {});
  ReactorPool reactors(reactor_count());
  reactors.start();
  TRY(const auto control, ControlServer::open(reactors.at(0), control_path(config.data_dir), admin, services));
  if (::write(STDOUT_FILENO, "ready\n", 6) != 6) return fail(Errc::closed, "nobody wants the store");
  wait_for_the_end_of_input();
  control->close();
  reactors.stop();
  return {};
}

}  // namespace posthorn::app
