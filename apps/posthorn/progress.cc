#include "progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace posthorn {
namespace {

constexpr std::chrono::milliseconds kEvery{100};

bool can_take_back() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) && term && std::string_view(term) != "dumb";
}

// Asked each time: it may have been resized.
std::size_t width() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col - 1u : 79;
}

}  // namespace

Progress::Progress(bool wanted) : on_(wanted && can_take_back()) {}

void Progress::show(const std::string& line) {
  const auto time = std::chrono::steady_clock::now();
  if (!on_ || time < next_) return;
  next_ = time + kEvery;
  shown_ = true;
  std::fprintf(stderr, "\r%.*s\033[K", static_cast<int>(std::min(line.size(), width())), line.c_str());
  std::fflush(stderr);
}

void Progress::end() {
  if (!std::exchange(shown_, false)) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
}

}  // namespace posthorn
