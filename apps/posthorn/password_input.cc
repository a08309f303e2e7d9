#include "password_input.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iostream>
#include <optional>

namespace posthorn {
namespace {

Result<std::string> without_line_end(std::string line, const std::string& name) {
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.empty()) return fail(Errc::invalid, "the password in " + name + " is empty");
  return line;
}

Result<std::string> first_line(std::istream& in, const std::string& name) {
  std::string line;
  int c = in.get();
  if (c == std::istream::traits_type::eof()) return fail(Errc::not_found, "no password in " + name);
  for (; c != std::istream::traits_type::eof() && c != '\n'; c = in.get()) {
    if (line.size() == kMaxPassword) return fail(Errc::limit, "the first line of " + name + " is too long to be a password");
    line += static_cast<char>(c);
  }
  return without_line_end(std::move(line), name);
}

// The terminal does not show what is typed while one of these lives, and shows it again if the program is interrupted meanwhile.
class NoEcho {
 public:
  explicit NoEcho(int terminal) {
    if (::tcgetattr(terminal, &before_) != 0) return;
    terminal_ = terminal;
    struct sigaction restore {};
    restore.sa_handler = [](int signal) {
      ::tcsetattr(terminal_, TCSAFLUSH, &before_);
      ::raise(signal);  // to its default, once this has returned
    };
    restore.sa_flags = SA_RESETHAND;
    ::sigaction(SIGINT, &restore, &interrupt_);
    ::sigaction(SIGTERM, &restore, &terminate_);
    auto without = before_;
    without.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(terminal, TCSAFLUSH, &without);
  }
  ~NoEcho() {
    if (terminal_ < 0) return;
    ::tcsetattr(terminal_, TCSAFLUSH, &before_);
    ::sigaction(SIGINT, &interrupt_, nullptr);
    ::sigaction(SIGTERM, &terminate_, nullptr);
    terminal_ = -1;
  }
  NoEcho(const NoEcho&) = delete;

 private:
  static inline termios before_{};    // for the handler, which knows no object
  static inline int terminal_ = -1;
  struct sigaction interrupt_ {}, terminate_ {};
};

Result<std::string> ask_terminal(const char* prompt) {
  const NoEcho quiet(STDIN_FILENO);
  std::cerr << prompt << std::flush;
  auto line = first_line(std::cin, "what you typed");
  std::cerr << '\n';
  return line;
}

// A line of a file descriptor, and nothing behind it; nullopt: it did not come in time.
std::optional<std::string> read_line_of(int fd, std::chrono::steady_clock::time_point until) {
  std::string line;
  for (char c = 0;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = left.count() <= 0 ? 0 : ::poll(&one, 1, static_cast<int>(left.count()));
    if (ready == 0) return std::nullopt;
    if (ready < 0) continue;  // a signal
    const auto n = ::read(fd, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || c == '\n' || line.size() == kMaxPassword) return line;
    line += c;
  }
}

}  // namespace

Result<std::string> read_password(const std::string& file) {
  if (file.empty()) {
    if (!::isatty(STDIN_FILENO)) return fail(Errc::invalid, "no terminal to ask for the password: use --password-file FILE (or -)");
    TRY(auto password, ask_terminal("Password: "));
    TRY(const auto again, ask_terminal("Once more: "));
    if (password != again) return fail(Errc::invalid, "the two are not the same");
    return password;
  }
  return read_password_file(file);
}

Result<std::string> read_password_file(const std::string& file) {
  if (file == "-") return first_line(std::cin, "standard input");
  std::ifstream in(file);
  if (!in) return fail(Errc::not_found, "cannot read " + file);
  return first_line(in, file);
}

Result<std::string> ask_password(const std::string& prompt, std::chrono::seconds patience) {
  // Standard input may be a message.  Without a terminal on standard error nobody would see the question.
  const int terminal = ::isatty(STDERR_FILENO) ? ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) : -1;
  if (terminal < 0) return fail(Errc::invalid, "there is no terminal to ask for the password: name a file, a variable or a command that has it");
  std::optional<std::string> line;
  {
    const NoEcho quiet(terminal);
    (void)!::write(terminal, prompt.data(), prompt.size());
    line = read_line_of(terminal, std::chrono::steady_clock::now() + patience);
    (void)!::write(terminal, "\n", 1);
  }
  ::close(terminal);
  if (!line) return fail(Errc::timed_out, "nobody typed the password within " + std::to_string(patience.count()) + " s");
  return without_line_end(*std::move(line), "what you typed");
}

}  // namespace posthorn
