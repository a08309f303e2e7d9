// Passwords and tokens.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
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

// Who may talk to the terminal must stay in the foreground's group; without one a command has a group of its own, which can be ended whole.
bool has_terminal() {
  const int terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (terminal >= 0) ::close(terminal);
  return terminal >= 0;
}

// Standard output goes to `out`.
Result<pid_t> start_shell(std::string command, int out, bool own_group) {
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
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, static_cast<short>(POSIX_SPAWN_SETSIGDEF | (own_group ? POSIX_SPAWN_SETPGROUP : 0)));
  pid_t pid = 0;
  const int code = ::posix_spawn(&pid, argv[0], &actions, &attributes, argv.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (code != 0) return no_command(code);
  return pid;
}

// A command that runs, and the pipe that it prints to.
class Child {
 public:
  Child(pid_t pid, int out, bool own_group) : pid_(pid), out_(out), whom_(own_group ? -pid : pid) {}
  // Ends it, if it has not ended by itself.
  ~Child() {
    ::close(out_);
    if (!ended_) ::kill(whom_, SIGTERM);
    for (int i = 0; !ended_ && !look() && i < kGraceTicks; ++i) ::poll(nullptr, 0, kTick);
    if (ended_) return;
    ::kill(whom_, SIGKILL);
    while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {}
  }
  Child(const Child&) = delete;

  // What it prints before it ends.  A program that it leaves behind with its output in hand (an agent) is not waited for.
  Result<std::string> listen(std::chrono::seconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    std::string all;
    bool open = true;
    while (std::chrono::steady_clock::now() < until) {
      if (open && wait_for_output()) {
        TRY(open, take(all));
        continue;
      }
      if (ended_) return all;
      const bool over = look();  // what it has printed last is read before it is believed
      if (!open && !over) ::poll(nullptr, 0, kTick / 10);
    }
    return fail(Errc::timed_out, "the command for the password does not end: it had " + std::to_string(patience.count()) + " s");
  }
  int status() const { return status_; }

 private:
  static constexpr int kTick = 50;         // milliseconds
  static constexpr int kGraceTicks = 20;   // between asking it to end and ending it

  bool look() {
    const auto got = ::waitpid(pid_, &status_, WNOHANG);
    ended_ = got == pid_ || (got < 0 && errno != EINTR);
    return ended_;
  }
  bool wait_for_output() const {
    pollfd one{.fd = out_, .events = POLLIN, .revents = 0};
    return ::poll(&one, 1, ended_ ? 0 : kTick) > 0;
  }
  // false: it has closed the pipe.
  Result<bool> take(std::string& all) const {
    std::array<char, 4096> piece;
    const auto n = ::read(out_, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) return true;
    if (n <= 0) return false;
    all.append(piece.data(), static_cast<std::size_t>(n));
    if (all.size() > kMaxOutput) return fail(Errc::limit, "the command for the password prints without end");
    return true;
  }

  const pid_t pid_;
  const int out_;
  const pid_t whom_;  // is ended
  int status_ = 0;
  bool ended_ = false;
};

Result<void> judge_end(int status) {
  if (WIFSIGNALED(status)) return fail(Errc::io, "the command for the password was ended by signal " + std::to_string(WTERMSIG(status)));
  if (WEXITSTATUS(status) != 0)
    return fail(Errc::io, "the command for the password failed with exit code " + std::to_string(WEXITSTATUS(status)));
  return {};
}

}  // namespace

Result<std::string> first_line_of_command(const std::string& command, std::chrono::seconds patience) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return no_command(errno);
  const bool own_group = !has_terminal();
  const auto pid = start_shell(command, ends[1], own_group);
  ::close(ends[1]);
  if (!pid) {
    ::close(ends[0]);
    return std::unexpected(pid.error());
  }
  Child child(*pid, ends[0], own_group);
  TRY(const auto output, child.listen(patience));
  TRY_OK(judge_end(child.status()));
  auto line = output.substr(0, output.find('\n'));
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) return fail(Errc::not_found, "the command for the password printed nothing on its first line");
  if (line.size() > kMaxPassword) return fail(Errc::limit, "the first line of the command for the password is too long to be one");
  return line;
}

Result<std::string> obtain_secret(const SecretSource& from, const std::string& whose, std::chrono::seconds patience) {
  if (!from.file.empty()) return read_password_file(from.file);
  if (!from.environment.empty()) {
    const char* const value = std::getenv(from.environment.c_str());
    if (!value || *value == '\0') return fail(Errc::not_found, "the environment variable " + from.environment + " is not set");
    return std::string(value);
  }
  if (!from.command.empty()) return first_line_of_command(from.command, patience);
  if (!from.text.empty()) return from.text;
  return ask_password("Password for " + printable(whose) + ": ", patience);
}

}  // namespace posthorn
