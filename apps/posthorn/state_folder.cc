#include "state_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "crypto/digest.h"
#include "text/ascii.h"

namespace posthorn {

using client::MailUrl;

Result<std::string> state_folder() {
  const char* const state = std::getenv("XDG_STATE_HOME");
  const char* const home = std::getenv("HOME");
  if (state && *state == '/') return std::string(state) + "/posthorn";
  if (home && *home == '/') return std::string(home) + "/.local/state/posthorn";
  return fail(Errc::invalid, "there is no home directory");
}

std::string name_of_place(const MailUrl& url) {
  if (client::is_server(url.scheme) || url.scheme == client::Scheme::lmtp || url.scheme == client::Scheme::posthorn) return client::to_string(url);
  std::error_code error;
  const auto path = std::filesystem::weakly_canonical(std::filesystem::absolute(url.path, error), error);
  return std::string(client::to_string(url.scheme)) + ":" + (error ? url.path : path.string());
}

std::string file_about_target(const MailUrl& target, std::string_view kind) {
  const auto folder = state_folder();
  if (!folder) return {};
  auto name = name_of_place(target);
  if (client::is_server(target.scheme)) name = text::to_lower(name);
  while (name.ends_with('/')) name.pop_back();
  return *folder + "/targets/" + crypto::to_hex(crypto::view(crypto::sha256(name))).substr(0, 32) + std::string(kind);
}

Result<mailfile::File> lock_target(const MailUrl& target) {
  const auto path = file_about_target(target, "");
  if (path.empty()) return mailfile::File();
  TRY_OK(mailfile::make_directories(path.substr(0, path.rfind('/'))));
  TRY(auto file, mailfile::open_file(path, O_RDWR | O_CREAT | O_APPEND));
  if (::flock(file.fd(), LOCK_EX | LOCK_NB) != 0) return fail(Errc::busy, "another run is copying to " + name_of_place(target));
  return file;
}

bool is_in_doubt(const mailfile::File& lock) {
  struct stat at{};
  return lock.is_open() && ::fstat(lock.fd(), &at) == 0 && at.st_size > 0;
}

Result<void> set_in_doubt(const mailfile::File& lock, bool doubt) {
  if (!lock.is_open()) return {};
  if (::ftruncate(lock.fd(), 0) != 0) return mailfile::errno_failure("write", "the lock of the target");
  return doubt ? mailfile::write_all(lock.fd(), "in doubt\n", "the lock of the target") : Result<void>{};
}

}  // namespace posthorn
