#include "password_input.h"

#include <termios.h>
#include <unistd.h>

#include <fstream>
#include <iostream>

namespace posthorn {
namespace {

Result<std::string> first_line(std::istream& in, const std::string& name) {
  std::string line;
  if (!std::getline(in, line)) return fail(Errc::not_found, "no password in " + name);
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.empty()) return fail(Errc::invalid, "the password in " + name + " is empty");
  return line;
}

// The terminal does not show what is typed while this lives.
class NoEcho {
 public:
  NoEcho() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    auto without = before_;
    without.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    active_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &without) == 0;
  }
  ~NoEcho() {
    if (active_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  NoEcho(const NoEcho&) = delete;

 private:
  termios before_{};
  bool active_ = false;
};

Result<std::string> ask_terminal(const char* prompt) {
  const NoEcho quiet;
  std::cerr << prompt << std::flush;
  auto line = first_line(std::cin, "what you typed");
  std::cerr << '\n';
  return line;
}

}  // namespace

Result<std::string> read_password(const std::string& file) {
  if (file == "-") return first_line(std::cin, "standard input");
  if (!file.empty()) {
    std::ifstream in(file);
    if (!in) return fail(Errc::not_found, "cannot read " + file);
    return first_line(in, file);
  }
  if (!::isatty(STDIN_FILENO)) return fail(Errc::invalid, "no terminal to ask for the password: use --password-file FILE (or -)");
  TRY(auto password, ask_terminal("Password: "));
  TRY(const auto again, ask_terminal("Once more: "));
  if (password != again) return fail(Errc::invalid, "the two are not the same");
  return password;
}

}  // namespace posthorn
