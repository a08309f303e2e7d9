// Passwords and tokens.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "client_options.h"
#include "password_input.h"

namespace posthorn {
namespace {

constexpr std::size_t kMaxOutput = 1 << 20;  // of a command: "pass show" may print notes behind the password

std::unexpected<Error> no_command(int code) {
  return fail(Errc::io, "the command for the password cannot be run: " + std::string(std::strerror(code)));
}

// Standard output goes to `out`.
Result<pid_t> start_shell(std::string command, int out) {
  std::string shell = "/bin/sh", option = "-c";
  std::array<char*, 4> argv{shell.data(), option.data(), command.data(), nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  if (!::isatty(STDIN_FILENO)) ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  // A reactor may have been here, which ignores SIGPIPE; programs in pipes rely on it.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t pipe;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&attributes, &pipe);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  const int code = ::posix_spawn(&pid, argv[0], &actions, &attributes, argv.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (code != 0) return no_command(code);
  return pid;
}

// To its end, so that the command does not find its pipe closed; nullopt: there is no end to it.
std::optional<std::string> read_all(int fd) {
  std::string all;
  std::array<char, 4096> piece;
  for (;;) {
    const auto n = ::read(fd, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return all;
    all.append(piece.data(), static_cast<std::size_t>(n));
    if (all.size() > kMaxOutput) return std::nullopt;
  }
}

Result<void> check_end(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return no_command(errno);
  if (WIFSIGNALED(status)) return fail(Errc::io, "the command for the password was ended by signal " + std::to_string(WTERMSIG(status)));
  if (WEXITSTATUS(status) != 0)
    return fail(Errc::io, "the command for the password failed with exit code " + std::to_string(WEXITSTATUS(status)));
  return {};
}

}  // namespace

Result<std::string> first_line_of_command(const std::string& command) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return no_command(errno);
  const auto pid = start_shell(command, ends[1]);
  ::close(ends[1]);
  const auto output = pid ? read_all(ends[0]) : std::nullopt;
  ::close(ends[0]);
  if (!pid) return std::unexpected(pid.error());
  const auto ended = check_end(*pid);
  if (!output) return fail(Errc::limit, "the command for the password prints without end");
  TRY_OK(ended);
  auto line = output->substr(0, output->find('\n'));
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) return fail(Errc::not_found, "the command for the password printed nothing on its first line");
  if (line.size() > kMaxPassword) return fail(Errc::limit, "the first line of the command for the password is too long to be one");
  return line;
}

Result<std::string> obtain_secret(const SecretSource& from, const std::string& whose) {
  if (!from.file.empty()) return read_password_file(from.file);
  if (!from.environment.empty()) {
    const char* const value = std::getenv(from.environment.c_str());
    if (!value || *value == '\0') return fail(Errc::not_found, "the environment variable " + from.environment + " is not set");
    return std::string(value);
  }
  if (!from.command.empty()) return first_line_of_command(from.command);
  if (!from.text.empty()) return from.text;
  return ask_password("Password for " + printable(whose) + ": ");
}

}  // namespace posthorn
